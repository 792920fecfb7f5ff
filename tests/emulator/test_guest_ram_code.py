"""Code in RAM runs as it now stands, whoever rewrote it."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

    Boot = Callable[[str], Guest]

PROGRAM = "ram_code.c"


@pytest.mark.parametrize("function", ["rewritten", "rewritten_by_halfwords"])
def test_program_rewrites_its_own_code(boot: "Boot", function: str) -> None:
    assert boot(PROGRAM).call(function, 500) == 0


def test_program_rewrites_its_own_code_through_the_bit_band_alias(boot: "Boot") -> None:
    assert boot(PROGRAM).call("rewritten_through_bit_band") == 0x0105


def test_code_written_from_outside_runs(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    for n in (1, 2, 3, 200):
        guest.board.write(guest.address("in_ram"), bytes([n]))
        assert guest.call("call_in_ram") == n


def test_restore_brings_the_old_code_back(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    before = guest.board.snapshot()
    for _ in range(3):
        assert guest.call("call_in_ram") == 1
        guest.board.write(guest.address("in_ram"), b"\x07")
        assert guest.call("call_in_ram") == 7
        guest.board.restore(before)


def test_reset_forgets_what_was_translated(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.board.write(guest.address("in_ram"), b"\x07")
    assert guest.call("call_in_ram") == 7
    guest.board.reset()
    guest.board.run_for(ms=2)
    assert guest.call("call_in_ram") == 1


def test_writing_nothing_changes_nothing(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    before = guest.board.snapshot()
    for address in (0x2000_0000, 0x0800_0000):
        guest.board.write(address, b"")
    assert guest.board.snapshot() == before
