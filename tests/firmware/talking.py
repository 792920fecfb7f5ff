"""Speak to a board with the loader over its serial line, and patch its functions from C source."""

from base64 import b64encode

from emulator.board import Board
from server.patch.compile import Toolchain, compile_patch
from server.patch.image import FirmwareImage
from server.patch.link import link_patch, patch_size
from server.patch.source import chosen_function

REPLY_LIMIT_MS = 1000
END = b"[FLEND]\n"
LOG_PREFIXES = ("LED ", "[demo] ")
CHUNK = 300  # bytes an upload; fits the lines of level 1


def ask_board(board: Board, line: str) -> list[str]:
    """Send a command line; return the reply's lines, the verdict last, without the demo's own."""
    received = b""
    board.line.send(f"{line}\n".encode())
    for _ in range(REPLY_LIMIT_MS):
        board.run_for(ms=1)
        received += board.line.receive()
        if END in received:
            lines = received.partition(END)[0].decode("ascii").splitlines()
            return [line for line in lines if not line.startswith(LOG_PREFIXES)]
    raise AssertionError(f"no reply to {line!r}, but {received!r}")


def inject_source(
    board: Board, image: FirmwareImage, source: str, *, slot: int = 0, command: str = "tpatch"
) -> str:
    """Patch the function that the source marks, or the only one that the firmware has too."""
    toolchain = Toolchain.named()
    obj = compile_patch(source, toolchain)
    function = chosen_function(source, obj.functions, image, None)
    size = patch_size(obj, image, function) + 8
    allocated = int(ask_board(board, f"fl -c alloc -s {size}")[-1].split(" at ")[1], 16)
    address = (allocated + 7) & ~7  # level 1 allocates anywhere
    patch = link_patch(obj, image, function, address, toolchain)
    for start in range(0, len(patch.code), CHUNK):
        text = b64encode(patch.code[start : start + CHUNK]).decode()
        offset = address - allocated + start
        [reply] = ask_board(board, f"fl -c upload -a {offset} -d {text}")
        assert reply.startswith("[FLOK] Uploaded ")
    place = f"--orig {function.address} --target {patch.entry}"
    return ask_board(board, f"fl -c {command} --comp {slot} {place}")[-1]
