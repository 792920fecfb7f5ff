"""From an emu:// URL to a running board. Apart from protocol_emu.py, which must import fast."""

from collections.abc import Callable, Sequence

from emulator.board import Board
from emulator.link import Link
from emulator.pace import Lockstep, Pace
from emulator.urls.elsewhere import Elsewhere, Start
from emulator.urls.emu_url import EmuUrl, PaceKind, parse_url
from firmware.build import firmware_elf


def open_board(url: str, settings: Sequence[Callable[[Link], None]]) -> Pace:
    """Switch on the board that a URL asks for, once its line is set.

    In lockstep its reader runs it; in real time it has a process of its own.
    """
    parsed = parse_url(url)
    if parsed.pace is PaceKind.REALTIME:
        return Elsewhere(Start(url, parsed.firmware or firmware_elf(parsed.part.loader), settings))
    return Lockstep(build(parsed, settings))


def build(url: EmuUrl, settings: Sequence[Callable[[Link], None]] = ()) -> Board:
    """Put a board together, with its own firmware or with the one named, and set its line."""
    board = Board.from_elf(url.part.name, url.firmware or firmware_elf(url.part.loader))
    board.line.wire_reset(url.reset_line)
    board.line.set_faults(url.faults, url.seed)
    for setting in settings:
        setting(board.line)
    return board
