"""A peripheral that a part has and the model lacks: its registers' names and reset values.

A program that touches a register is told on `emulator.unimplemented`, once for each.
"""

from emulator.peripherals.base import Peripheral
from emulator.registers import Register, unimplemented


class AbsentRegister(Register):
    """A register by name: reads as its reset value, ignores writes."""

    def __init__(self, name: str, reset: int) -> None:
        super().__init__(reset)
        self.name = name
        self._is_told = False

    def read(self) -> int:
        self._say("reads as %#010x", self.word)
        return self.word

    def write(self, word: int) -> None:
        self._say("ignores a write of %#010x", word)

    def _say(self, what: str, word: int) -> None:
        if not self._is_told:
            self._is_told = True
            unimplemented.warning(f"%s is not modelled: {what}", self.name, word)


def absent_registers(unit: str, registers: str) -> dict[int, Register]:
    """Make them of a list: NAME or NAME=reset value, four bytes each; @offset goes on there.

    Values and offsets are hexadecimal.
    """
    named: dict[int, Register] = {}
    offset = 0
    for entry in registers.split():
        if entry.startswith("@"):
            offset = int(entry[1:], 16)
            continue
        name, _, reset = entry.partition("=")
        named[offset] = AbsentRegister(f"{unit}_{name}", int(reset or "0", 16))
        offset += 4
    return named


class Absent(Peripheral):
    """The unit, from a list as `absent_registers` takes it."""

    def __init__(self, unit: str, registers: str) -> None:
        super().__init__(absent_registers(unit, registers))
        self.text = registers
