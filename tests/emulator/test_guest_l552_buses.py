"""SPI, the converters and random numbers of the STM32L552, by a guest program."""

from typing import TYPE_CHECKING, cast

import pytest

from emulator.board import Board
from emulator.parts import part_named
from emulator.peripherals.spi import nothing_there
from tests.emulator.conftest import Guest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emulator.peripherals.spi import Spi

    Boot = Callable[..., Guest]

PROGRAM = "l552_buses.c"
L552 = part_named("stm32l552")
TXE, RXNE, OVR = 1 << 1, 1 << 0, 1 << 6
FULL = 3 << 9  # FRLVL
EOC, EOS, ADC_OVR = 1 << 2, 1 << 3, 1 << 4
ADEN, ADVREGEN = 1 << 0, 1 << 28
CED, CECS = 1 << 5, 1 << 1


@pytest.fixture
def guest(boot: "Boot") -> Guest:
    return boot(PROGRAM, L552)


@pytest.fixture
def frames(guest: Guest) -> "Iterator[list[tuple[int, int]]]":
    """Connect a device that answers with the complement, and say what it was sent."""
    unit, seen = cast("Spi", guest.board.units["SPI1"]), list[tuple[int, int]]()

    def exchange(word: int, bits: int) -> int:
        seen.append((word, bits))
        return word ^ (1 << bits) - 1

    unit.exchange = exchange
    yield seen
    unit.exchange = nothing_there  # others use this board, too


def level(millivolts: int) -> int:
    return millivolts * 4096 // 3300


def test_line_without_a_device_reads_ones(guest: Guest) -> None:
    assert guest.call("transfer", 0x5A, 8) == 0xFF


@pytest.mark.parametrize(("bits", "sent"), [(8, 0x5A), (4, 0xA), (7, 0x5A), (12, 0xA5A)])
def test_frames_are_as_long_as_ds_says(
    guest: Guest, frames: list[tuple[int, int]], bits: int, sent: int
) -> None:
    assert guest.call("transfer", 0xA5A, bits) == sent ^ (1 << bits) - 1
    assert frames == [(sent, bits)]


def test_halfwords_are_two_frames_of_bytes(guest: Guest, frames: list[tuple[int, int]]) -> None:
    assert guest.call("send_packed") == TXE | RXNE | OVR | FULL
    assert frames == [(n, 8) for n in range(1, 10)]
    assert guest.out(0) == TXE  # what was heard is gone, and OVR with it


def test_a_word_is_two_frames_of_bytes_too(guest: Guest, frames: list[tuple[int, int]]) -> None:
    assert guest.call("send_word", 0x5A) == 0b0010  # two bytes were heard
    assert frames == [(0x5A, 8), (0, 8)]


def test_levels_say_how_much_waits(guest: Guest) -> None:
    levels = [guest.call("status_with_waiting", count) for count in range(5)]
    assert levels == [TXE, TXE | 1 << 11, TXE | 2 << 11, 3 << 11, 3 << 11]


def test_bytes_go_both_ways_by_dma(guest: Guest, frames: list[tuple[int, int]]) -> None:
    guest.call("exchange_by_dma")
    assert [word for word, _ in frames] == list(range(1, 10))
    assert guest.board.read(guest.address("received"), 9) == bytes(0xFF ^ n for n in range(1, 10))


def test_bytes_go_by_interrupt(guest: Guest, frames: list[tuple[int, int]]) -> None:
    guest.call("exchange_by_interrupt")
    assert [word for word, _ in frames] == [1, 2, 3, 4]
    assert guest.notes == [0xFE, 0xFD, 0xFC, 0xFB]


def test_a_snapshot_keeps_frames_under_way(guest: Guest) -> None:
    board = guest.board
    guest.start("send_packed")
    board.run_for(us=20)
    snapshot = board.load_snapshot(board.snapshot().to_bytes())
    ends: list[tuple[int, object]] = []
    for _ in range(2):
        board.restore(snapshot)
        board.run_for(ms=1)
        assert guest.is_idle
        ends.append((board.register("r0"), guest.state()))
    assert ends[0] == ends[1]
    assert ends[0][0] == TXE | RXNE | OVR | FULL


# The converters.


def test_a_converter_is_woken_calibrated_and_enabled(guest: Guest) -> None:
    assert guest.call("wake_converter") == ADVREGEN | ADEN


@pytest.mark.parametrize(
    ("millivolts", "cfgr", "result"),
    [
        *((1650, 0, 2048), (3300, 0, 4095), (5000, 0, 4095), (-10, 0, 0)),
        *((1650, 1 << 3, 512), (1650, 1 << 5, 0x8000), (1650, 3 << 3 | 1 << 5, 0x80)),
    ],
)
def test_voltage_at_a_pin_is_converted(
    guest: Guest, millivolts: int, cfgr: int, result: int
) -> None:
    guest.board.set_voltage("PA3", millivolts)
    assert guest.call("convert", 8, cfgr, 0) == result
    assert guest.out(1) & (EOC | EOS) == EOS  # EOC went when DR was read
    assert guest.out(2) == ADEN  # ADSTART went with the sequence's end


@pytest.mark.parametrize(("sampling", "cycles"), [(0, 15), (3, 37), (7, 653)])
def test_a_conversion_takes_its_time(guest: Guest, sampling: int, cycles: int) -> None:
    guest.call("convert", 5, 0, sampling)
    assert cycles <= guest.out(0) < cycles + 24


def test_a_sequence_goes_to_memory_by_dma(guest: Guest) -> None:
    guest.board.set_voltage("PA0", 500)
    guest.board.set_voltage("PA1", 600)
    guest.call("scan")
    samples = guest.board.read(guest.address("samples"), 16)
    once = b"".join(level(mv).to_bytes(2, "little") for mv in (500, 600, 1212))
    assert samples == once * 2 + bytes(4)


@pytest.mark.parametrize(("overwrites", "millivolts"), [(0, 500), (1 << 12, 600)])
def test_a_result_that_nobody_reads_is_told(guest: Guest, overwrites: int, millivolts: int) -> None:
    guest.board.set_voltage("PA0", 500)
    guest.board.set_voltage("PA1", 600)
    assert guest.call("overrun", overwrites) == level(millivolts)


def test_reference_and_its_calibration_give_the_supply(guest: Guest) -> None:
    calibrated = int.from_bytes(guest.board.read(0x0BFA_05AA, 2), "little")  # at 3 V
    assert 3_295 <= 3_000 * calibrated // guest.call("convert", 0, 0, 7) <= 3_300
    at_30, at_130 = (
        int.from_bytes(guest.board.read(a, 2), "little") for a in (0x0BFA_05A8, 0x0BFA_05CA)
    )
    assert at_130 - at_30 == 341  # 100 degrees of 2.5 mV


def test_the_end_of_a_sequence_interrupts(guest: Guest) -> None:
    guest.board.set_voltage("PA0", 1000)
    guest.call("sequence_interrupts")
    assert guest.notes == [level(1000)]


@pytest.mark.parametrize(("adcsel", "is_ready"), [(0, 0), (1, 1), (3, 1)])
def test_a_converter_needs_a_clock(guest: Guest, adcsel: int, is_ready: int) -> None:
    assert guest.call("ready_by", adcsel) == is_ready


# Random numbers.


def test_random_numbers_differ_and_come_again(guest: Guest) -> None:
    other = Guest(Board(L552, guest.board.image))
    other.board.run_for(ms=2)
    for each in (guest, other):
        each.call("start_random_numbers", 0)
    numbers = [guest.call("random_number") for _ in range(4)]
    assert len({*numbers, 0}) == 5
    assert [other.call("random_number") for _ in range(4)] == numbers


def test_no_random_number_comes_while_it_is_conditioned(guest: Guest) -> None:
    guest.call("start_random_numbers", 0)
    guest.call("random_number")
    guest.board.run_for(us=50)
    guest.call("condition")
    guest.board.run_for(us=50)
    assert guest.call("random_status") == 0


@pytest.mark.parametrize(("settings", "status"), [(0, CECS), (CED, 0)])
def test_random_numbers_need_a_clock(guest: Guest, settings: int, status: int) -> None:
    guest.call("start_random_numbers", settings)
    guest.call("random_number")
    guest.call("stop_clock_of_random_numbers")
    assert guest.call("random_status") & CECS == status
    guest.call("random_number")  # one was made before the clock went
    guest.start("random_number")
    guest.board.run_for(ms=1)
    assert not guest.is_idle


def test_a_fourth_i2c_has_an_interrupt_of_its_own(guest: Guest) -> None:
    guest.call("asks_by_interrupt")
    assert guest.notes == [1 << 4]
