"""SPI, I2C and the converter of the STM32F103 and the STM32F405, by a guest program."""

from typing import TYPE_CHECKING

import pytest

from emulator.errors import BoardError
from emulator.parts import part_named
from emulator.peripherals.spi import Spi, nothing_there

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

    Boot = Callable[..., Guest]

PROGRAM = "buses.c"
VREFINT_MV = {"stm32f103c8": 1_200, "stm32f405": 1_210}


@pytest.fixture(params=["stm32f103c8", "stm32f405"])
def guest(boot: "Boot", request: pytest.FixtureRequest) -> "Guest":
    return boot(PROGRAM, part_named(request.param))


def level(millivolts: int) -> int:
    return millivolts * 4096 // 3300


def spi_of(guest: "Guest") -> Spi:
    unit = guest.board.units["SPI1"]
    assert isinstance(unit, Spi)
    return unit


def test_line_without_a_device_reads_ones(guest: "Guest") -> None:
    assert guest.call("transfer", 0x5A) == 0xFF


def test_device_that_somebody_connects_answers(guest: "Guest") -> None:
    unit = spi_of(guest)
    unit.exchange = lambda word, bits: word ^ (1 << bits) - 1
    try:
        assert guest.call("transfer", 0x5A) == 0xA5
        guest.call("transfer_by_dma")
        received = guest.board.read(guest.address("received"), 8)
        assert received == bytes(0xFF ^ n for n in range(1, 9))
    finally:
        unit.exchange = nothing_there  # others use this board, too


def test_nobody_answers_at_any_address(guest: "Guest") -> None:
    assert [guest.call("probe", address) for address in (0x20, 0x50, 0x77)] == [0] * 3


@pytest.mark.parametrize(
    ("millivolts", "result"),
    [(0, 0), (1650, 2048), (3300, 4095), (5000, 4095), (-10, 0), (805, 999)],
)
def test_voltage_at_a_pin_is_converted(guest: "Guest", millivolts: int, result: int) -> None:
    guest.board.set_voltage("PA3", millivolts)
    assert guest.call("convert", 3) == result
    assert guest.out(0) == 0  # EOC went when DR was read


def test_reference_inside_the_chip_is_converted(guest: "Guest") -> None:
    assert guest.call("convert", 17) == level(VREFINT_MV[guest.board.part.name])


def test_reference_and_its_calibration_give_the_supply(boot: "Boot") -> None:
    guest = boot(PROGRAM, part_named("stm32f405"))
    calibrated = int.from_bytes(guest.board.read(0x1FFF_7A2A, 2), "little")  # at 3.3 V
    assert 3_300 * calibrated // guest.call("convert", 17) == 3_300
    at_30, at_110 = (
        int.from_bytes(guest.board.read(a, 2), "little") for a in (0x1FFF_7A2C, 0x1FFF_7A2E)
    )
    sensed = guest.call("convert", 16)
    assert 24 <= 30 + 80 * (sensed - at_30) // (at_110 - at_30) <= 26


def test_end_of_conversion_interrupts(guest: "Guest") -> None:
    guest.board.set_voltage("PB1", 1000)
    guest.call("interrupts", 9)
    assert guest.notes == [level(1000)]


def test_sequence_goes_to_memory_by_dma(guest: "Guest") -> None:
    guest.board.set_voltage("PA0", 500)
    guest.board.set_voltage("PA1", 600)
    guest.call("scan")
    samples = guest.board.read(guest.address("samples"), 8)
    mv = (500, 600, VREFINT_MV[guest.board.part.name])
    assert samples == b"".join(level(n).to_bytes(2, "little") for n in mv) + bytes(2)


def test_snapshot_keeps_the_voltages(guest: "Guest") -> None:
    guest.board.set_voltage("PA3", 1650)
    kept = guest.board.load_snapshot(guest.board.snapshot().to_bytes())
    guest.board.set_voltage("PA3", 0)
    guest.board.restore(kept)
    assert guest.call("convert", 3) == 2048


def test_pin_without_a_converter_is_named(guest: "Guest") -> None:
    with pytest.raises(BoardError, match=r"no converter at 'PB7' on stm32f.*PA0, PA1"):
        guest.board.set_voltage("PB7", 1000)


@pytest.mark.parametrize(
    ("part", "idcode"), [("stm32f103c8", 0x2003_6410), ("stm32f405", 0x1007_6413)]
)
def test_chip_says_which_it_is(boot: "Boot", part: str, idcode: int) -> None:
    board = boot(PROGRAM, part_named(part)).board
    assert board.read(0xE004_2000, 4) == idcode.to_bytes(4, "little")
