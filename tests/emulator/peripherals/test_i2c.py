"""I2C of the STM32F1 and F4. Offsets and bits are ST's device headers'."""

import pytest

from emulator.clock import Clock
from emulator.peripherals.i2c import I2c

CR1, CR2, DR, SR1, SR2, CCR, TRISE = 0x00, 0x04, 0x10, 0x14, 0x18, 0x1C, 0x20
PE, START, STOP, SWRST = 1, 1 << 8, 1 << 9, 1 << 15
ITERREN, ITEVTEN = 1 << 8, 1 << 9
SB, ADDR, AF = 1, 1 << 1, 1 << 10
MSL, BUSY = 1, 1 << 1
BIT = 160  # cycles: 2 * 40 of half the core clock


class Bench:
    """A unit on a clock of its own, with its interrupts."""

    def __init__(self) -> None:
        self.clock = Clock(8_000_000)
        self.event = self.error = False
        self.i2c = I2c(
            self.clock,
            lambda: 4_000_000,
            lambda on: setattr(self, "event", on),
            lambda on: setattr(self, "error", on),
        )
        self.i2c.reset()
        self.i2c.write(CCR, 40)
        self.i2c.write(CR1, PE)

    def advance(self, cycles: int) -> None:
        self.clock.skip_to(self.clock.cycles + cycles)
        self.clock.expire_due()

    def start(self) -> None:
        self.i2c.write(CR1, PE | START)
        self.advance(BIT)

    def address(self, address: int = 0x50) -> None:
        self.i2c.read(SR1)
        self.i2c.write(DR, address << 1)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_start_takes_the_bus(bench: Bench) -> None:
    bench.i2c.write(CR1, PE | START)
    bench.advance(BIT - 1)
    assert (bench.i2c.read(SR1), bench.i2c.read(SR2), bench.i2c.read(CR1)) == (0, 0, PE | START)
    bench.advance(1)
    assert (bench.i2c.read(SR1), bench.i2c.read(SR2)) == (SB, BUSY | MSL)
    assert bench.i2c.read(CR1) == PE


def test_address_that_nobody_has_is_not_acknowledged(bench: Bench) -> None:
    bench.start()
    bench.address()
    assert bench.i2c.read(SR1) == 0
    bench.advance(9 * BIT - 1)
    assert bench.i2c.read(SR1) == 0
    bench.advance(1)
    assert bench.i2c.read(SR1) == AF
    bench.i2c.write(CR1, PE | STOP)
    bench.i2c.write(SR1, ~AF & 0xFFFF)
    bench.advance(BIT)
    assert (bench.i2c.read(SR1), bench.i2c.read(SR2), bench.i2c.read(CR1)) == (0, 0, PE)


def test_sb_goes_by_reading_sr1_and_writing_dr(bench: Bench) -> None:
    bench.start()
    bench.i2c.write(DR, 0xA0)  # SR1 was not read
    bench.advance(20 * BIT)
    assert bench.i2c.read(SR1) == SB


def test_repeated_start(bench: Bench) -> None:
    bench.start()
    bench.address()
    bench.advance(9 * BIT)
    bench.start()
    assert bench.i2c.read(SR1) == SB | AF
    assert bench.i2c.read(SR2) == BUSY | MSL


def test_stop_asked_for_with_the_address_comes_behind_it(bench: Bench) -> None:
    bench.start()
    bench.address()
    bench.i2c.write(CR1, PE | STOP)
    bench.advance(9 * BIT)
    assert (bench.i2c.read(SR1), bench.i2c.read(SR2)) == (AF, BUSY | MSL)
    bench.advance(BIT)
    assert bench.i2c.read(SR2) == 0


@pytest.mark.parametrize(
    ("ccr", "bit"),
    [
        pytest.param(1 << 15 | 10, 60, id="fast"),
        pytest.param(3 << 14 | 2, 100, id="fast, 16 to 9"),
    ],
)
def test_bit_rate(bench: Bench, ccr: int, bit: int) -> None:
    bench.i2c.write(CCR, ccr)
    bench.i2c.write(CR1, PE | START)
    bench.advance(bit - 1)
    assert bench.i2c.read(SR1) == 0
    bench.advance(1)
    assert bench.i2c.read(SR1) == SB


def test_interrupts_of_events_and_errors(bench: Bench) -> None:
    bench.i2c.write(CR2, ITEVTEN | ITERREN)
    bench.start()
    assert (bench.event, bench.error) == (True, False)
    bench.address()
    assert (bench.event, bench.error) == (False, False)
    bench.advance(9 * BIT)
    assert (bench.event, bench.error) == (False, True)
    bench.i2c.write(SR1, 0)
    assert not bench.error


@pytest.mark.parametrize("control", [0, SWRST])
def test_unit_that_is_off_lets_go_of_the_bus(bench: Bench, control: int) -> None:
    bench.start()
    bench.address()
    bench.i2c.write(CR1, control)
    bench.advance(20 * BIT)
    assert (bench.i2c.read(SR1), bench.i2c.read(SR2), bench.i2c.read(CR1)) == (0, 0, control)
    assert bench.i2c.read(CCR) == (0 if control else 40)
    assert bench.i2c.read(TRISE) == 2
