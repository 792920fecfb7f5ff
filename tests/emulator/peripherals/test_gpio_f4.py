"""GPIO of the STM32F405. Offsets, bits and reset values are ST's stm32f405xx.h's and SVD file's."""

import pytest

from emulator.peripherals.gpio_f4 import GpioF4

MODER, OTYPER, PUPDR, IDR, ODR, BSRR, LCKR, AFRH = 0x00, 0x04, 0x0C, 0x10, 0x14, 0x18, 0x1C, 0x24
LCKK = 1 << 16


@pytest.fixture
def port() -> GpioF4:
    made = GpioF4("C")
    made.reset()
    return made


@pytest.mark.parametrize(
    ("name", "moder", "pupdr", "idr"),
    [("A", 0xA800_0000, 0x6400_0000, 0xA000), ("B", 0x280, 0x100, 0x0010), ("I", 0, 0, 0)],
)
def test_reset_values(name: str, moder: int, pupdr: int, idr: int) -> None:
    port = GpioF4(name)
    port.reset()
    assert (port.read(MODER), port.read(PUPDR), port.read(IDR)) == (moder, pupdr, idr)


def test_output_follows_bsrr_in_which_setting_wins(port: GpioF4) -> None:
    port.write(MODER, 0b01 << 10)
    assert port.output(5) is False
    port.write(BSRR, 1 << 5 | 1 << 21)
    assert (port.output(5), port.read(IDR), port.read(ODR)) == (True, 1 << 5, 1 << 5)
    port.write(BSRR, 1 << 21)
    assert (port.output(5), port.read(IDR)) == (False, 0)


def test_open_drain_leaves_a_1_to_the_world(port: GpioF4) -> None:
    port.write(MODER, 0b01)
    port.write(OTYPER, 1)
    port.write(ODR, 1)
    port.drive(0, level=False)
    assert not port.level(0)
    port.drive(0, level=None)
    assert port.level(0)


@pytest.mark.parametrize(("mode", "idle"), [(0b00, True), (0b10, True), (0b11, False)])
def test_pull_up_holds_what_nothing_drives_but_in_analog_mode(
    port: GpioF4, mode: int, *, idle: bool
) -> None:
    port.write(PUPDR, 0b01 << 6)
    port.write(MODER, mode << 6)
    assert port.level(3) is idle
    port.drive(3, level=False)
    assert not port.level(3)


def test_lock_keeps_every_configuration_register_of_a_pin(port: GpioF4) -> None:
    for word in (LCKK | 1 << 9, 1 << 9, LCKK | 1 << 9):
        port.write(LCKR, word)
    assert port.read(LCKR) & LCKK
    for offset in (MODER, OTYPER, PUPDR, AFRH):
        port.write(offset, 0xFFFF_FFFF)
    kept = (0xFFF3_FFFF, 0x0000_FDFF, 0xFFF3_FFFF, 0xFFFF_FF0F)
    assert tuple(port.read(offset) for offset in (MODER, OTYPER, PUPDR, AFRH)) == kept
