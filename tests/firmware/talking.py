"""Speak to a board with the loader over its serial line, and patch its functions from C source."""

from base64 import b64encode
from collections.abc import Callable

from emulator.board import Board
from server.patch.compile import Toolchain, compile_patch
from server.patch.image import FirmwareImage
from server.patch.link import link_patch
from server.patch.source import chosen_function

Ask = Callable[[str], list[str]]

REPLY_LIMIT_MS = 1000
END = b"[FLEND]\n"
LOG_PREFIXES = ("LED ", "[demo] ")
CHUNK = 300  # bytes an upload; fits the lines of level 1


class Talk:
    """Sends a command line, returns the reply's lines, the verdict last, without the demo's own."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self._received = b""  # after the last reply: it may begin a line of the demo's

    def __call__(self, line: str) -> list[str]:
        self.board.line.send(f"{line}\n".encode())
        for _ in range(REPLY_LIMIT_MS):
            self.board.run_for(ms=1)
            self._received += self.board.line.receive()
            if END in self._received:
                reply, _, self._received = self._received.partition(END)
                lines = reply.decode("ascii").splitlines()
                return [line for line in lines if not line.startswith(LOG_PREFIXES)]
        raise AssertionError(f"no reply to {line!r}, but {self._received!r}")


def inject_source(
    ask: Ask, image: FirmwareImage, source: str, *, slot: int = 0, command: str = "tpatch"
) -> str:
    """Patch the function that the source marks, or the only one that the firmware has too."""
    toolchain = Toolchain.named().aimed_at(image.target)
    obj = compile_patch(source, toolchain)
    function = chosen_function(source, obj.functions, image, None)
    linked = link_patch(obj, image, function)
    size = linked.size + 8
    allocated = int(ask(f"fl -c alloc -s {size}")[-1].split(" at ")[1], 16)
    address = (allocated + 7) & ~7  # level 1 allocates anywhere
    patch = linked.at(address)
    for start in range(0, len(patch.code), CHUNK):
        text = b64encode(patch.code[start : start + CHUNK]).decode()
        offset = address - allocated + start
        reply = ask(f"fl -c upload -a {offset} -d {text}")[-1]
        assert reply.startswith("[FLOK] Uploaded ")
    place = f"--orig {function.address} --target {patch.entry}"
    return ask(f"fl -c {command} --comp {slot} {place}")[-1]
