"""GPIO of the STM32F103. Offsets are ST's stm32f103xb.h's."""

import pytest

from emulator.peripherals.gpio import Gpio

CRL, CRH, IDR, ODR, BSRR, BRR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14
PC13_OUTPUT = 0x4424_4444


@pytest.fixture
def gpio() -> Gpio:
    made = Gpio()
    made.write(CRH, PC13_OUTPUT)
    return made


def test_pins_are_inputs_after_reset() -> None:
    gpio = Gpio()
    assert gpio.read(CRL) == gpio.read(CRH) == 0x4444_4444
    assert [gpio.output(pin) for pin in range(16)] == [None] * 16


@pytest.mark.parametrize(
    ("odr", "bsrr", "after"),
    [
        pytest.param(0x0000, 0x0000_2000, 0x2000, id="set"),
        pytest.param(0xFFFF, 0x2000_0000, 0xDFFF, id="reset"),
        pytest.param(0x0000, 0x2000_2000, 0x2000, id="both: set"),
        pytest.param(0x1234, 0x0000_0000, 0x1234, id="neither"),
    ],
)
def test_bsrr(gpio: Gpio, odr: int, bsrr: int, after: int) -> None:
    gpio.write(ODR, odr)
    gpio.write(BSRR, bsrr)
    assert gpio.read(ODR) == after
    assert gpio.read(BSRR) == 0


def test_brr_resets(gpio: Gpio) -> None:
    gpio.write(ODR, 0xFFFF)
    gpio.write(BRR, 0x2001)
    assert gpio.read(ODR) == 0xDFFE


def test_output_pin_drives_what_odr_says(gpio: Gpio) -> None:
    assert gpio.output(13) is False
    gpio.write(BSRR, 1 << 13)
    assert gpio.output(13) is True
    assert gpio.output(12) is None


def test_idr_reads_outputs_back_and_inputs_from_outside(gpio: Gpio) -> None:
    gpio.write(ODR, 1 << 13)
    gpio.drive(0, level=True)
    gpio.drive(13, level=False)  # an output wins
    assert gpio.read(IDR) == 1 << 13 | 1
    gpio.drive(0, level=False)
    gpio.write(IDR, 0xFFFF)
    assert gpio.read(IDR) == 1 << 13
