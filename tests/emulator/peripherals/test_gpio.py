"""GPIO of the STM32F103. Offsets are ST's stm32f103xb.h's."""

import pytest

from emulator.peripherals.gpio import PortWires
from emulator.peripherals.gpio_f1 import GpioF1

CRL, CRH, IDR, ODR, BSRR, BRR, LCKR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18
PC13_OUTPUT = 0x4424_4444


@pytest.fixture
def gpio() -> GpioF1:
    made = GpioF1()
    made.write(CRH, PC13_OUTPUT)
    return made


def test_pins_are_inputs_after_reset() -> None:
    gpio = GpioF1()
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
def test_bsrr(gpio: GpioF1, odr: int, bsrr: int, after: int) -> None:
    gpio.write(ODR, odr)
    gpio.write(BSRR, bsrr)
    assert gpio.read(ODR) == after
    assert gpio.read(BSRR) == 0


def test_brr_resets(gpio: GpioF1) -> None:
    gpio.write(ODR, 0xFFFF)
    gpio.write(BRR, 0x2001)
    assert gpio.read(ODR) == 0xDFFE


def test_output_pin_drives_what_odr_says(gpio: GpioF1) -> None:
    assert gpio.output(13) is False
    gpio.write(BSRR, 1 << 13)
    assert gpio.output(13) is True
    assert gpio.output(12) is None


def test_idr_reads_outputs_back_and_inputs_from_outside(gpio: GpioF1) -> None:
    gpio.write(ODR, 1 << 13)
    gpio.drive(0, level=True)
    gpio.drive(13, level=False)  # an output wins
    assert gpio.read(IDR) == 1 << 13 | 1
    gpio.drive(0, level=False)
    gpio.write(IDR, 0xFFFF)
    assert gpio.read(IDR) == 1 << 13


@pytest.mark.parametrize(
    ("configuration", "odr", "driven", "level"),
    [
        pytest.param(0b0100, 1, None, 0, id="floating"),
        pytest.param(0b1000, 1, None, 1, id="pulled up"),
        pytest.param(0b1000, 0, None, 0, id="pulled down"),
        pytest.param(0b1000, 0, True, 1, id="driven against a pull"),
        pytest.param(0b0010, 0, True, 0, id="push-pull wins"),
        pytest.param(0b0110, 0, True, 0, id="open drain drives 0"),
        pytest.param(0b0110, 1, None, 1, id="open drain lets go"),
        pytest.param(0b0110, 1, False, 0, id="open drain is pulled low"),
    ],
)
def test_level_of_a_pin(configuration: int, odr: int, driven: bool | None, level: int) -> None:
    gpio = GpioF1()
    gpio.write(CRL, 0x4444_4440 | configuration)
    gpio.write(ODR, odr)
    gpio.drive(0, driven)
    assert gpio.read(IDR) == level
    gpio.drive(0, None)
    gpio.drive(1, level=True)
    assert gpio.read(IDR) & 0b10


def test_each_change_of_a_level_is_told_once() -> None:
    heard: list[tuple[int, bool]] = []

    def hear(pin: int, level: bool) -> None:
        heard.append((pin, level))

    gpio = GpioF1(PortWires(hear))
    gpio.drive(3, level=True)
    gpio.drive(3, level=True)
    gpio.write(CRH, PC13_OUTPUT)
    gpio.write(BSRR, 1 << 13)
    gpio.write(BSRR, 1 << 13)
    gpio.drive(3, level=None)
    assert heard == [(3, True), (13, True), (3, False)]


@pytest.mark.parametrize(
    ("keys", "is_locked"),
    [
        pytest.param([0x1_0001, 0x0_0001, 0x1_0001], True, id="1, 0, 1"),
        pytest.param([0x1_0001, 0x1_0001, 0x0_0001, 0x1_0001], True, id="begun again"),
        pytest.param([0x1_0001, 0x0_0001], False, id="not finished"),
        pytest.param([0x1_0001, 0x0_0003, 0x1_0001], False, id="another pin in between"),
    ],
)
def test_lock_keeps_the_configuration_until_reset(keys: list[int], *, is_locked: bool) -> None:
    gpio = GpioF1()
    for key in keys:
        gpio.write(LCKR, key)
    assert bool(gpio.read(LCKR) & 1 << 16) is is_locked
    gpio.write(CRL, 0x2222_2222)
    assert gpio.read(CRL) == (0x2222_2224 if is_locked else 0x2222_2222)
    gpio.write(LCKR, 0)
    assert bool(gpio.read(LCKR) & 1 << 16) is is_locked
    gpio.reset()
    gpio.write(CRL, 0x2222_2222)
    assert gpio.read(CRL) == 0x2222_2222
