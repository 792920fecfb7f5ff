"""The vendor's units together, as a guest program uses them: interrupts, resets, DMA."""

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

    Boot = Callable[[str], Guest]

PROGRAM = "peripherals.c"
GIF, TCIF, HTIF = 1, 2, 4


@pytest.mark.parametrize(("timer", "irq"), [(1, 25), (3, 29)])
@pytest.mark.parametrize(("prescaler", "period"), [(1, 500), (8, 100), (7200, 2)])
def test_timer_interrupts_at_exact_intervals(
    boot: "Boot", timer: int, irq: int, prescaler: int, period: int
) -> None:
    guest = boot(PROGRAM)
    guest.call("timer_interrupts", timer, irq, prescaler, period)
    assert [b - a for a, b in pairwise(guest.notes)] == [prescaler * period] * 4


def test_count_that_is_polled_advances(boot: "Boot") -> None:
    assert 1000 <= boot(PROGRAM).call("waits_for_count", 1000) < 1020


def test_watchdog_bites_and_backup_registers_survive(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    assert guest.call("boots") == 0
    for bites in (1, 2):
        guest.start("is_bitten", 9)  # ten ticks of 100 us
        idle: list[bool] = []
        for us in (950, 200):
            guest.board.run_for(us=us)
            idle.append(guest.is_idle)
        assert idle == [False, True]
        assert guest.call("boots") == bites
        assert guest.call("reset_flags") == 0x2400_0000  # IWDGRSTF, PINRSTF
    guest.board.reset()
    guest.board.run_for(ms=2)
    assert guest.call("boots") == 0


def test_window_watchdog_interrupts_before_it_bites(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.start("is_bitten_in_the_end")
    tick_us = 512  # 8 MHz / 4096
    guest.board.run_for(us=3 * 16 * tick_us + 500)
    assert (guest.notes, guest.is_idle) == ([1, 1, 1], False)
    guest.board.run_for(us=tick_us)
    assert guest.is_idle
    assert guest.call("reset_flags") == 0x4400_0000  # WWDGRSTF, PINRSTF


def test_edges_of_a_pin_interrupt(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    board = guest.board
    guest.start("edges_of_pb3")
    board.run_for(us=50)
    seen: list[int] = []
    for name, level in (
        ("PB3", True),
        ("PB3", False),
        ("PA3", True),
        ("PB4", True),
        ("PB3", True),
        ("PB3", None),
    ):
        board.drive_pin(name, level)
        board.run_for(us=20)
        seen.append(len(guest.notes))
    assert seen == [1, 1, 1, 1, 2, 2]
    assert guest.notes == [1 << 3] * 2


def test_edges_of_a_pin_end_wfe(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.start("waits_for_edges")
    for count in range(3):
        guest.board.run_for(us=500)
        assert guest.out(0) == count
        for level in (False, True):  # AFIO_EXTICR is as after reset: port A
            guest.board.drive_pin("PA3", level)


def test_name_of_a_pin_that_is_not_there(boot: "Boot") -> None:
    for name in ("PC16", "PE0", "XA0", "P", "PA²"):
        with pytest.raises(Exception, match=f"no pin '{name}' on stm32f103c8"):
            boot(PROGRAM).board.drive_pin(name, level=True)


def test_dma_receives_into_a_ring(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.start("receive_into_a_ring")
    guest.board.run_for(us=100)
    guest.board.line.send(b"0123456789AB")
    guest.board.run_for(ms=2)
    assert guest.board.read(guest.address("buffer"), 8) == b"89AB4567"
    assert guest.notes == [GIF | HTIF, GIF | TCIF, GIF | HTIF]


def test_dma_sends_from_memory(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("send_from_memory")
    assert guest.board.line.receive() == b"hello from flash"
    assert guest.notes == [GIF | HTIF | TCIF]


def test_code_that_dma_overwrites_runs_as_it_now_stands(boot: "Boot") -> None:
    assert boot(PROGRAM).call("code_copied_by_dma") == 0x17


def test_snapshot_holds_the_units(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.start("receive_into_a_ring")
    guest.board.run_for(us=100)
    guest.board.line.send(b"0123456789AB")
    guest.board.run_for(us=500)
    before = guest.board.snapshot()
    guest.board.run_for(ms=2)
    first = guest.state()
    guest.board.restore(before)
    guest.board.run_for(ms=2)
    assert guest.state() == first
