"""The STM32F405, as guest programs use it. Addresses and bits are ST's stm32f405xx.h's."""

from itertools import pairwise
from typing import TYPE_CHECKING, cast

import pytest

from emulator.board import Board
from emulator.errors import BoardError
from emulator.image import load_image
from emulator.parts import part_named
from tests.emulator.conftest import Guest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from emulator.peripherals.rng import Rng

    Boot = Callable[..., Guest]
    Build = Callable[..., Path]

PROGRAM = "f405.c"
F405 = part_named("stm32f405")
PGSERR, PGPERR, WRPERR = 1 << 7, 1 << 6, 1 << 4
UNIQUE_ID, RCC_AHB2RSTR = 0x1FFF_7A10, 0x4002_3814
TCIF, HTIF, TEIF = 1 << 5, 1 << 4, 1 << 3
SECTOR_1, CCM, BUFFER = 0x0800_4000, 0x1000_0000, 0x2001_0000
IBUSERR = 1 << 8


@pytest.fixture
def guest(boot: "Boot") -> Guest:
    return boot(PROGRAM, F405)


def test_start_up_reaches_168_mhz(guest: Guest) -> None:
    assert guest.board.clock.hz == 16_000_000
    assert guest.call("start_clock") & 0b1111 == 0b1010
    assert guest.board.clock.hz == 168_000_000


@pytest.mark.parametrize(
    ("address", "irq", "period", "cycles"),
    [
        pytest.param(0x4001_0000, 25, 500, 1, id="TIM1, which counts at 168 MHz"),
        pytest.param(0x4000_0000, 28, 100_000, 2, id="TIM2"),
        pytest.param(0x4000_0400, 29, 500, 2, id="TIM3"),
        pytest.param(0x4000_0800, 30, 500, 2, id="TIM4"),
        pytest.param(0x4000_0C00, 50, 70_000, 2, id="TIM5"),
        pytest.param(0x4000_1000, 54, 500, 2, id="TIM6"),
        pytest.param(0x4001_0400, 44, 500, 1, id="TIM8"),
        pytest.param(0x4001_4000, 24, 500, 1, id="TIM9"),
        pytest.param(0x4001_4400, 25, 500, 1, id="TIM10"),
        pytest.param(0x4000_1C00, 44, 500, 2, id="TIM13"),
    ],
)
def test_timers_count_at_their_clock_and_interrupt_exactly(
    guest: Guest, address: int, irq: int, period: int, cycles: int
) -> None:
    guest.call("timer_interrupts", address, irq, period)
    assert [b - a for a, b in pairwise(guest.notes)] == [cycles * period] * 3


def test_a_sector_is_erased_and_programmed_by_words(guest: Guest) -> None:
    board = guest.board
    board.write(SECTOR_1 - 4, bytes(8))
    assert guest.call("unlock") == 0
    assert guest.call("erase", 1) == 0
    assert board.read(SECTOR_1 - 4, 8) == bytes(4) + b"\xff" * 4
    code = 0x4770_2007  # movs r0, #7; bx lr
    assert guest.call("program_word", SECTOR_1, code | 0x8000, 2) == 0
    assert guest.call("program_word", SECTOR_1, code, 2) == 0  # bits that are 1 may become 0
    assert guest.call("call", SECTOR_1) == 7
    assert guest.call("program_word", SECTOR_1, 0xFFFF_FFFF, 2) == 0
    assert guest.call("call", SECTOR_1) == 7


def test_otp_is_programmed_once_and_locked(guest: Guest) -> None:
    board, block_3, lock_3 = guest.board, 0x1FFF_7860, 0x1FFF_7A03
    guest.call("unlock")
    assert guest.call("program_word", block_3, 0x1234_5678, 2) == 0
    assert guest.call("program_word", block_3, 0xFFFF_0000, 2) == 0  # no bit becomes 1 again
    assert board.read(block_3, 4) == bytes.fromhex("0000 3412")
    assert guest.call("program_byte", lock_3, 0) == 0
    assert guest.call("program_word", block_3 + 4, 0, 2) == WRPERR
    assert board.read(block_3 + 4, 4) == b"\xff" * 4
    guest.call("clear_errors")
    assert guest.call("program_word", block_3 + 32, 0, 2) == 0
    assert guest.call("program_word", UNIQUE_ID, 0, 2) == WRPERR
    assert board.read(UNIQUE_ID, 12).isascii()
    guest.call("clear_errors")
    guest.start("erase_all")
    board.run_for(ms=20)
    assert board.read(block_3, 4) == bytes.fromhex("0000 3412")


def test_otp_belongs_to_the_snapshot(guest: Guest) -> None:
    board, address = guest.board, 0x1FFF_7800
    before = board.snapshot()
    guest.call("unlock")
    guest.call("program_word", address, 0xCAFE_F00D, 2)
    after = board.snapshot()
    board.restore(before)
    assert board.read(address, 4) == b"\xff" * 4
    board.restore(after)
    assert board.read(address, 4) == (0xCAFE_F00D).to_bytes(4, "little")


def test_an_erase_takes_as_long_as_its_sector_and_psize_say(guest: Guest) -> None:
    guest.call("unlock")
    times: list[int] = []
    for sector, psize in ((1, 0), (4, 1), (5, 2)):
        begin = guest.board.clock.ns
        guest.call("erase_by", sector, psize)
        times.append((guest.board.clock.ns - begin) // 10_000_000)
    assert times == [40, 70, 100]


def test_a_store_of_another_width_than_psize_is_refused(guest: Guest) -> None:
    guest.call("unlock")
    guest.call("erase", 1)
    assert guest.call("program_word", SECTOR_1, 0, 1) == PGPERR
    assert guest.board.read(SECTOR_1, 4) == b"\xff" * 4


def test_a_stray_store_to_flash_is_no_fault(guest: Guest) -> None:
    before = guest.board.read(SECTOR_1, 4)
    assert guest.call("stray_store", SECTOR_1) == PGSERR
    assert guest.board.read(SECTOR_1, 4) == before


def test_edges_of_a_pin_interrupt(guest: Guest) -> None:
    board = guest.board
    guest.start("edges_of_pe3")
    board.run_for(us=50)
    seen: list[int] = []
    for name, level in (("PE3", True), ("PE3", False), ("PA3", True), ("PE3", True)):
        board.drive_pin(name, level)
        board.run_for(us=20)
        seen.append(len(guest.notes))
    assert seen == [1, 1, 1, 2]


def test_an_output_pin_has_its_level(guest: Guest) -> None:
    assert guest.board.pin("PC13") is None
    for on in (True, False):
        guest.call("blink", on)
        assert guest.board.pin("PC13") is on


def test_watchdog_bites_and_backup_registers_survive(guest: Guest) -> None:
    for bites in (1, 2):
        guest.start("is_bitten", 7)  # eight ticks of 125 us
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
    assert guest.call("reset_flags") == 0x0E00_0000  # PORRSTF, PINRSTF, BORRSTF


def test_dma_receives_into_a_ring(guest: Guest) -> None:
    guest.start("receive_into_a_ring")
    guest.board.run_for(us=100)
    guest.board.line.send(b"0123456789AB")
    guest.board.run_for(ms=2)
    assert guest.board.read(guest.address("buffer"), 8) == b"89AB4567"
    assert guest.notes == [HTIF, TCIF, HTIF]


def test_dma_sends_from_memory_and_stops(guest: Guest) -> None:
    assert guest.call("send_from_memory") == 0
    assert guest.board.line.receive() == b"hello from flash"


def test_core_coupled_memory_is_for_data_of_the_core_alone(guest: Guest) -> None:
    word = guest.call("put_code", CCM)
    assert guest.call("put_code", BUFFER) == word == 0x4770_2007
    assert guest.call("call_guarded", BUFFER) == 7
    assert guest.call("call_guarded", CCM) == IBUSERR
    assert guest.call("copy", BUFFER + 4, BUFFER) == TCIF | HTIF
    assert guest.board.read(BUFFER + 4, 4) == guest.board.read(BUFFER, 4)
    assert guest.call("copy", BUFFER + 8, CCM) == TEIF
    assert guest.call("copy", CCM + 8, BUFFER) == TEIF


def test_converter_drives_its_pin(guest: Guest) -> None:
    assert guest.board.voltage("PA5") is None
    for value, millivolts in ((0x400, 825), (0xFFF, 3300)):
        guest.call("convert", value)
        assert guest.board.voltage("PA5") == millivolts
    assert guest.board.fork().voltage("PA5") == 3300
    with pytest.raises(BoardError, match="no converter drives 'PA6' on stm32f405"):
        guest.board.voltage("PA6")


def test_random_numbers_differ_and_come_again_on_another_board(guest: Guest) -> None:
    guest.call("start_clock")
    numbers = [guest.call("random_number") for _ in range(4)]
    assert len({*numbers, 0}) == 5
    other = Guest(Board(F405, guest.board.image))
    other.board.run_for(ms=2)
    other.call("start_clock")
    assert [other.call("random_number") for _ in range(4)] == numbers
    snapshot = guest.board.snapshot()
    following = [guest.call("random_number") for _ in range(2)]
    other.call("random_number")
    other.call("random_number")
    other.board.restore(snapshot)
    assert [other.call("random_number") for _ in range(2)] == following
    for word in (1 << 6, 0):
        other.board.write(RCC_AHB2RSTR, word.to_bytes(4, "little"))
    assert other.call("random_number") not in numbers  # a reset does not begin them again
    other.board.reset()
    cast("Rng", other.board.units["RNG"]).seed = 7
    other.board.run_for(ms=2)
    other.call("start_clock")
    assert other.call("random_number") not in (*numbers, *following)


def test_random_numbers_take_their_time_and_interrupt(guest: Guest) -> None:
    guest.call("start_clock")
    assert 140 <= guest.call("cycles_between_numbers") < 200  # 40 periods of 48 MHz, at 168 MHz
    guest.call("notes_random_numbers")
    assert len({*guest.notes}) == 4


def test_random_numbers_need_a_clock(guest: Guest) -> None:
    guest.start("random_number")
    guest.board.run_for(ms=1)
    assert not guest.is_idle
    assert guest.call("random_status") == 0b10_0010  # CEIS, CECS
    guest.call("start_clock")
    assert guest.call("random_status") & 0b10_0010 == 0b10_0000
    guest.call("random_number")


def test_floats_are_arguments_and_results(guest: Guest) -> None:
    assert guest.call("hundred_halves") == 50


def test_factory_words(guest: Guest) -> None:
    assert guest.board.read(0x1FFF_7A22, 2) == (1024).to_bytes(2, "little")
    assert guest.board.read(UNIQUE_ID, 12).isascii()
    assert guest.board.read(0x4002_3C14, 4) == (0x0FFF_AAED).to_bytes(4, "little")


def test_same_bytes_at_the_same_times_give_the_same_run(build: "Build") -> None:
    hashes: set[str] = set()
    for _ in range(3):
        guest = Guest(Board(F405, load_image(build(PROGRAM, F405.name))))
        guest.board.run_for(ms=2)
        guest.start("receive_into_a_ring")
        guest.board.run_for(us=100)
        guest.board.line.send(b"0123456789AB")
        guest.board.run_for(ms=2)
        hashes.add(guest.board.trace_hash)
    assert len(hashes) == 1


def test_snapshot_goes_on_in_another_board(guest: Guest) -> None:
    board = guest.board
    guest.start("receive_into_a_ring")
    board.run_for(us=100)
    board.line.send(b"0123456789AB")
    board.run_for(us=500)
    snapshot = board.snapshot().to_bytes()
    other = Guest(Board(F405, board.image))
    other.board.restore(other.board.load_snapshot(snapshot))
    for each in (board, other.board):
        each.run_for(ms=2)
    assert other.notes == guest.notes == [HTIF, TCIF, HTIF]
    assert other.board.trace_hash == board.trace_hash
