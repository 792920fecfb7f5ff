"""The STM32L552, as guest programs use it. Addresses and bits are ST's stm32l552xx.h's."""

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from emulator.board import Board
from emulator.image import load_image
from emulator.parts import part_named
from tests.emulator.conftest import Guest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Boot = Callable[..., Guest]
    Build = Callable[..., Path]

PROGRAM = "l552.c"
L552 = part_named("stm32l552")
TXE, TC, RXNE, IDLE, ORE = 1 << 7, 1 << 6, 1 << 5, 1 << 4, 1 << 3
SBKF, TEACK, REACK = 1 << 18, 1 << 21, 1 << 22
ISR, RXFRQ, SBKRQ = 0x1C, 1 << 3, 1 << 1
PGSERR, SIZERR, PGAERR, PROGERR = 1 << 7, 1 << 6, 1 << 5, 1 << 3
PER, MER1, BKER, MER2 = 1 << 1, 1 << 2, 1 << 11, 1 << 15
PAGE, PAGE_40, BANK_2 = 2048, 0x0801_4000, 0x0804_0000
BUFFER = 0x2003_8000  # in SRAM2
PINRSTF, BORRSTF, IWDGRSTF, WWDGRSTF = 1 << 2, 1 << 3, 1 << 5, 1 << 6  # of CSR's upper byte
SWS_PLL = 0b1100


@pytest.fixture
def guest(boot: "Boot") -> Guest:
    return boot(PROGRAM, L552)


def test_start_up_reaches_110_mhz_from_msi(guest: Guest) -> None:
    assert guest.board.clock.hz == 4_000_000
    assert guest.call("start_clock") & SWS_PLL == SWS_PLL
    assert guest.board.clock.hz == 110_000_000


@pytest.mark.parametrize(("code", "hz"), [(0, 100_000), (4, 1_000_000), (11, 48_000_000)])
def test_msi_has_ranges(guest: Guest, code: int, hz: int) -> None:
    guest.call("set_msi_range", code)
    assert guest.board.clock.hz == hz


def test_the_vector_table_is_in_flash_without_an_alias(guest: Guest) -> None:
    assert guest.board.read(0x0BFA_05E0, 2) == (512).to_bytes(2, "little")
    assert guest.board.read(0x0BFA_0590, 4) == b"FPBa"
    guest.board.run_for(us=1)
    with pytest.raises(Exception, match="0x00000000"):
        guest.board.read(0, 4)


def test_the_cache_says_that_it_is_invalidated(guest: Guest) -> None:
    assert guest.call("invalidate") == 0b10 << 8


def test_bytes_are_echoed_by_interrupt_at_full_speed(guest: Guest) -> None:
    text = b"an echo, "
    guest.start("echo_some", len(text))
    guest.board.run_for(ms=1)
    guest.board.line.send(text)
    guest.board.run_for(ms=2)
    assert guest.board.line.receive() == bytes(byte + 1 for byte in text)
    assert guest.is_idle
    assert guest.notes == []


def test_flags_are_cleared_by_icr_and_requests_alone(guest: Guest) -> None:
    guest.call("listen")
    idle = TEACK | REACK | TXE | TC
    assert guest.call("isr") == idle
    for byte in b"ab":
        guest.board.line.send(bytes([byte]))
        guest.board.run_for(ms=1)
    assert guest.call("isr") == idle | RXNE | ORE | IDLE
    assert guest.call("hear") == ord("a")
    assert guest.call("isr") == idle | ORE | IDLE
    guest.call("clear", ORE)
    assert guest.call("isr") == idle | IDLE
    guest.board.line.send(b"c")
    guest.board.run_for(ms=1)
    guest.call("request", RXFRQ)
    guest.call("clear", IDLE | TC)
    assert guest.call("isr") == TEACK | REACK | TXE


def test_a_break_is_sent_on_request(guest: Guest) -> None:
    guest.call("listen")
    guest.start("request", SBKRQ)
    guest.board.run_for(us=50)
    assert guest.board.units["USART1"].read(ISR) & SBKF
    guest.board.run_for(ms=1)
    assert not guest.call("isr") & SBKF
    assert guest.board.line.receive() == b"\0"


@pytest.mark.parametrize(
    ("base", "divisor", "selected", "cycles"),
    [
        pytest.param(0x4001_3800, 35, 0, 350, id="USART1, of PCLK2"),
        pytest.param(0x4000_4400, 160, 2 << 2, 400, id="USART2, of HSI16, four times PCLK"),
        pytest.param(0x4000_5000, 100, 1 << 8, 1000, id="UART5, of SYSCLK"),
        pytest.param(0x4000_8000, 8889, 0, 347, id="LPUART1, whose divisor counts in 256ths"),
    ],
)
def test_bytes_take_their_time_by_the_selected_clock(
    guest: Guest, base: int, divisor: int, selected: int, cycles: int
) -> None:
    assert cycles <= guest.call("cycles_of_a_byte", base, divisor, selected) < cycles + 20


@pytest.mark.parametrize("base", [0x4000_5400, 0x4000_8400])
def test_nobody_answers_on_i2c(guest: Guest, base: int) -> None:
    nackf, stopf, txe = 1 << 4, 1 << 5, 1
    assert guest.call("ask_who_is_there", base, 0x50) == nackf | stopf | txe
    assert guest.out(1) == txe
    assert 11 * 313 <= guest.out(0) < 11 * 313 + 20  # bits of (0xBB + 1) + (0x7C + 1) periods


def test_registers_are_changed_by_exclusives(guest: Guest) -> None:
    assert guest.call("set_atomically", 1 << 6) == 1 << 6
    assert guest.call("set_atomically", 1 << 0) == 1 << 6 | 1 << 0


def test_dma_serves_the_requests_that_dmamux_selects(guest: Guest) -> None:
    board = guest.board
    guest.start("receive_by_dma", BUFFER, 5)
    board.run_for(ms=1)
    board.line.send(b"hello")
    board.run_for(ms=2)
    assert guest.is_idle
    assert board.read(BUFFER, 5) == b"hello"
    board.write(BUFFER, b"world, in a long text")
    guest.call("send_by_dma", BUFFER, 21)
    assert board.line.receive() == b"world, in a long text"


def test_a_snapshot_keeps_a_transfer_that_is_under_way(guest: Guest) -> None:
    board = guest.board
    guest.start("receive_by_dma", BUFFER, 5)
    board.run_for(ms=1)
    board.line.send(b"hello")
    board.run_for(us=250)
    snapshot = board.load_snapshot(board.snapshot().to_bytes())
    for _ in range(2):
        board.restore(snapshot)
        assert board.read(BUFFER, 5) == b"he\0\0\0"
        board.run_for(ms=2)
        assert guest.is_idle
        assert board.read(BUFFER, 5) == b"hello"


@pytest.mark.parametrize(
    ("address", "irq", "period"),
    [
        pytest.param(0x4001_2C00, 42, 500, id="TIM1"),
        pytest.param(0x4000_0000, 45, 100_000, id="TIM2"),
        pytest.param(0x4000_1000, 49, 500, id="TIM6"),
        pytest.param(0x4001_4400, 70, 500, id="TIM16"),
    ],
)
def test_timers_interrupt_exactly(guest: Guest, address: int, irq: int, period: int) -> None:
    guest.call("timer_interrupts", address, irq, period)
    assert [b - a for a, b in pairwise(guest.notes)] == [period] * 3


def test_a_page_is_erased_and_programmed_by_double_words(guest: Guest) -> None:
    board = guest.board
    board.write(PAGE_40 - 8, bytes(16))
    assert guest.call("unlock") == 0b01  # OPTLOCK stays
    assert guest.call("erase_by", PER | 40 << 3) == 0
    assert board.read(PAGE_40 - 8, 16) == bytes(8) + b"\xff" * 8
    code = 0x4770_2007  # movs r0, #7; bx lr
    assert guest.call("program", PAGE_40, code, 0x1234_5678) == 0
    assert board.read(PAGE_40 + 4, 4) == bytes.fromhex("78563412")
    assert guest.call("call", PAGE_40) == 7
    assert guest.call("program", PAGE_40, code + 1, 0) == PROGERR
    assert guest.call("call", PAGE_40) == 7
    assert guest.call("program", PAGE_40, 0, 0) == 0  # zeros go over anything


@pytest.mark.parametrize(
    ("function", "error"), [("program_halves", SIZERR), ("program_second_alone", PGAERR)]
)
def test_a_store_of_another_kind_is_refused(guest: Guest, function: str, error: int) -> None:
    guest.call("unlock")
    guest.call("erase_by", PER | 40 << 3)
    assert guest.call(function, PAGE_40) == error
    assert guest.board.read(PAGE_40, 8) == b"\xff" * 8


def test_a_stray_store_to_flash_is_no_fault(guest: Guest) -> None:
    before = guest.board.read(PAGE_40, 4)
    guest.call("unlock")
    assert guest.call("stray_store", PAGE_40) == PGSERR
    assert guest.board.read(PAGE_40, 4) == before


def test_the_second_bank_is_erased_alone(guest: Guest) -> None:
    board = guest.board
    for address in (BANK_2, BANK_2 + PAGE, 0x0807_FFF8):
        board.write(address, bytes(8))
    guest.call("unlock")
    assert guest.call("erase_by", PER | BKER | 1 << 3) == 0
    assert [board.read(BANK_2 + n, 1) for n in (0, PAGE)] == [b"\0", b"\xff"]
    assert guest.call("erase_by", MER2) == 0
    assert board.read(BANK_2, BANK_2 - 0x0800_0000) == b"\xff" * (BANK_2 - 0x0800_0000)
    assert guest.call("erase_by", PER | MER1) == PGSERR


def test_edges_of_a_pin_are_told_apart(guest: Guest) -> None:
    board = guest.board
    guest.start("edges_of_pe3")
    board.run_for(us=50)
    for name, level in (("PE3", True), ("PA3", True), ("PE3", False)):
        board.drive_pin(name, level)
        board.run_for(us=50)
    assert guest.notes == [1 << 3 << 8, 1 << 3]


def test_edges_of_a_pin_end_wfe(guest: Guest) -> None:
    board = guest.board
    guest.start("waits_for_edges_of_pe3")
    board.run_for(us=50)
    for name, level in (("PA3", True), ("PE3", True), ("PE3", False), ("PE3", True)):
        board.drive_pin(name, level)
        board.run_for(us=50)
    assert guest.notes == [1 << 3] * 2


def test_software_makes_an_edge(guest: Guest) -> None:
    guest.call("software_edge")
    assert guest.notes == [1 << 3 << 8]


def test_an_output_has_its_level_and_brr_clears_it(guest: Guest) -> None:
    for level in (1, 0):
        guest.call("drive_pb7", level)
        assert guest.board.pin("PB7") == bool(level)


def test_backup_registers_and_flags_tell_of_a_reset(build: "Build") -> None:
    board = Board(L552, load_image(build(PROGRAM, L552.name)))
    board.run_for(ms=2)
    guest = Guest(board)
    assert guest.call("reset_flags") == (PINRSTF | BORRSTF) << 8
    guest.call("keep", 0xFEED)
    guest.call("start_watchdog", 79, 0)
    board.run_for(ms=7)
    guest.call("feed")
    board.run_for(ms=7)
    assert guest.call("reset_flags") == 0
    board.run_for(ms=2)
    assert guest.call("reset_flags") == (PINRSTF | IWDGRSTF) << 8
    assert guest.call("kept") == 0xFEED


def test_a_watchdog_fed_before_its_window_bites(build: "Build") -> None:
    board = Board(L552, load_image(build(PROGRAM, L552.name)))
    board.run_for(ms=2)
    guest = Guest(board)
    guest.call("reset_flags")
    guest.call("start_watchdog", 799, 400)
    board.run_for(ms=60)
    guest.call("feed")
    assert guest.call("reset_flags") == 0
    board.run_for(ms=40)
    guest.start("feed")
    board.run_for(ms=2)
    assert guest.call("reset_flags") == (PINRSTF | IWDGRSTF) << 8


def test_the_window_watchdog_counts_by_up_to_128(build: "Build") -> None:
    board = Board(L552, load_image(build(PROGRAM, L552.name)))
    board.run_for(ms=2)
    guest = Guest(board)
    guest.call("reset_flags")
    guest.call("start_window_watchdog", 7)
    tick_ms = 131  # 4 MHz / 4096 / 128
    board.run_for(ms=3 * tick_ms - 3)
    assert guest.notes == []
    board.run_for(ms=3)
    assert guest.notes == [1]
    board.run_for(ms=tick_ms - 5)
    assert guest.call("reset_flags") == 0
    board.run_for(ms=5)
    assert guest.call("reset_flags") == (PINRSTF | WWDGRSTF) << 8
