"""From an emu:// URL to a running board. Apart from protocol_emu.py, which must import fast."""

from collections.abc import Callable

from emulator.board import Board
from emulator.link import Link
from emulator.pace import Lockstep, Pace, Realtime
from emulator.urls.emu_url import EmuUrl, PaceKind, parse_url
from firmware.build import firmware_elf


def open_board(url: str, prepare: Callable[[Link], None]) -> Pace:
    """Switch on the board that a URL asks for, once its line is prepared."""
    parsed = parse_url(url)
    board = build(parsed)
    prepare(board.line)
    return start(parsed, board)


def build(url: EmuUrl) -> Board:
    """Put a board together, with its own firmware or with the one named."""
    board = Board.from_elf(url.part.name, url.firmware or firmware_elf(url.part.loader))
    board.line.wire_reset(url.reset_line)
    board.line.set_faults(url.faults, url.seed)
    return board


def start(url: EmuUrl, board: Board) -> Pace:
    """Switch a board on."""
    return Lockstep(board) if url.pace is PaceKind.LOCKSTEP else Realtime(board, url.rate)
