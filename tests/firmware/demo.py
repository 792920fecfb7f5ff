"""What the demo on the board does now: who calls which function, and what the call returns."""

import re
import struct
from collections.abc import Iterator

from emulator.board import Board
from server.device.readback import branch_destination
from tests.firmware.talking import Ask

CALLS = ["weigh", *(f"weigh_{n}" for n in range(7)), "digits", *(f"digits_{n}" for n in range(7))]
UNPATCHED = {
    **dict(zip((f"weigh_{n}" for n in range(7)), (0, 2, 8, 20, 40, 70, 112), strict=True)),
    **{f"digits_{n}": int("7123456"[: n + 1]) for n in range(7)},
}
# What args_n returns for the arguments 1, 2, 3, ...
PATCHED = [9, 901, 9012, 90123, 901234, 9012345, 90123456]


def calls(board: Board) -> dict[str, int]:
    """Return what the demo's functions return now, by name, from the next line it prints."""
    board.line.receive()
    now_ms = int.from_bytes(board.read(board.image.symbols["now_ms"], 4), "little")
    due = (now_ms - 1000) % 2**32  # as if the last line were a second ago
    board.write(board.image.symbols["toggled_ms"], due.to_bytes(4, "little"))
    board.run_for(ms=15)
    match = re.search(rb"\[demo\] (.*)\n", board.line.receive())
    assert match is not None
    words = match[1].decode().split()
    return {name: int(word) for name, word in zip(CALLS, words, strict=True) if word.isdecimal()}


def info_line(ask: Ask, prefix: str) -> str:
    return next(line for line in ask("fl -c info") if line.startswith(prefix))


def watched(board: Board, line: str, original: int) -> Iterator[int | None]:
    """Run a command instruction by instruction; yield where a call of `original` would go.

    Only where an interrupt could come in: these are the moments somebody else can call.
    """
    board.line.send(line.encode())
    while board.line.unsent:
        board.run_for(us=87)
    board.line.send(b"\n")
    board.run_for(us=86)
    while not board.line.received:  # up to the reply's first byte, which is sent after the work
        board.run_for(cycles=1)
        if not board.register("primask") & 1:
            yield destination(board, original)


def destination(board: Board, original: int) -> int | None:
    """Return where a call of `original` goes on now: a patch, with its Thumb bit, or itself.

    None: what would be fetched there is neither.
    """
    start = original & ~3
    words = board.fetch(start, 4) + board.fetch(start + 4, 4)
    fetched = words[original - start :][:4]
    if fetched == board.read(original, 4):
        return original
    if fetched[:2] == b"\x00\xbe":  # BKPT: the monitor looks the function up in its slots
        symbols = board.image.symbols
        slots = board.read(symbols["slots"], 16 * 8)
        for n in range(8):
            if struct.unpack_from("<2I", slots, 16 * n) == (original, n):
                return word(board, symbols["slot_targets"] + 4 * n)
        return None
    to = branch_destination(original, fetched)
    if to is None:
        return None
    for n in range(8):
        if to == board.image.symbols[f"trampoline_{n}"]:
            return word(board, board.image.symbols["slot_targets"] + 4 * n)
    return to | 1


def word(board: Board, address: int) -> int:
    return int.from_bytes(board.read(address, 4), "little")
