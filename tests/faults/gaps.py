"""What level 1 cannot guard: where a line that arrived is a command that was not sent.

The README lists the same gaps with their reasons. Whatever else goes wrong is a lie.
"""

from collections.abc import Iterable

PATCHING = {b"patch", b"tpatch", b"dpatch"}
WITHOUT_CRC = {b"unpatch", b"enable", b"alloc"}  # before 1.6; --all at no time
NAME = "a command's name is under no CRC"
ARGUMENTS = "unpatch, enable and alloc have no CRC"


def gap_of_level_1(sent: Iterable[bytes], arrived: bytes) -> str:
    """Return which gap what arrived went through; "" if none."""
    commands = {_command(line) for line in sent}
    for line in arrived.splitlines():
        name, arguments = _command(line)
        for other, given in commands:
            if {name, other} <= PATCHING and name != other and arguments == given:
                return NAME
            if name == other and name in WITHOUT_CRC and (name, arguments) not in commands:
                return ARGUMENTS
    return ""


def _command(line: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the name and the other tokens of a line."""
    _, _, rest = line.partition(b" -c ")
    name, *arguments = rest.split() or [b""]
    return name, tuple(arguments)
