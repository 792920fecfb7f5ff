"""DAC of the STM32F405 and L5. Offsets and bits are ST's device headers'."""

import pytest

from emulator.peripherals.dac import Dac, dac_l5

CR, SWTRIGR, DOR1, DOR2, CCR, MCR = 0x00, 0x04, 0x2C, 0x30, 0x38, 0x3C
DHR12R1, DHR12L1, DHR8R1, DHR12R2, DHR12L2, DHR8R2 = 0x08, 0x0C, 0x10, 0x14, 0x18, 0x1C
DHR12RD, DHR12LD, DHR8RD = 0x20, 0x24, 0x28
EN1, TEN1, SOFTWARE, EN2, TEN2 = 1, 1 << 2, 7 << 3, 1 << 16, 1 << 18


@pytest.fixture
def dac() -> Dac:
    made = Dac(("PA4", "PA5"))
    made.reset()
    return made


@pytest.mark.parametrize(
    ("offset", "word", "dors"),
    [
        (DHR12R1, 0xFABC, (0xABC, 0)),
        (DHR12L1, 0xABCF, (0xABC, 0)),
        (DHR8R1, 0xFAB, (0xAB0, 0)),
        (DHR12R2, 0xFABC, (0, 0xABC)),
        (DHR12L2, 0xABCF, (0, 0xABC)),
        (DHR8R2, 0xFAB, (0, 0xAB0)),
        (DHR12RD, 0x0123_0ABC, (0xABC, 0x123)),
        (DHR12LD, 0x1230_ABC0, (0xABC, 0x123)),
        (DHR8RD, 0x12AB, (0xAB0, 0x120)),
    ],
)
def test_data_goes_to_the_outputs(dac: Dac, offset: int, word: int, dors: tuple[int, int]) -> None:
    dac.write(offset, word)
    assert (dac.read(DOR1), dac.read(DOR2)) == dors
    assert (dac.read(DHR12R1), dac.read(DHR12R2)) == dors
    assert dac.read(DHR12LD) == dors[0] << 4 | dors[1] << 20
    assert dac.read(DHR8RD) == dors[0] >> 4 | dors[1] >> 4 << 8


def test_trigger_of_software_lets_it_through(dac: Dac) -> None:
    dac.write(CR, TEN1 | SOFTWARE | (TEN1 | SOFTWARE) << 16)
    dac.write(DHR12RD, 0x0222_0111)
    assert (dac.read(DOR1), dac.read(DOR2)) == (0, 0)
    dac.write(SWTRIGR, 0b01)
    assert (dac.read(DOR1), dac.read(DOR2), dac.read(SWTRIGR)) == (0x111, 0, 0)
    dac.write(SWTRIGR, 0b10)
    assert (dac.read(DOR1), dac.read(DOR2)) == (0x111, 0x222)
    dac.write(CR, TEN1)  # a timer's
    dac.write(DHR12R1, 0x333)
    dac.write(SWTRIGR, 0b01)
    assert dac.read(DOR1) == 0x111
    dac.write(CR, 0)
    assert dac.read(DOR1) == 0x333


@pytest.mark.parametrize(("word", "millivolts"), [(0, 0), (0xFFF, 3300), (0x800, 1650)])
def test_voltage_of_a_pin(dac: Dac, word: int, millivolts: int) -> None:
    dac.write(DHR12R2, word)
    assert (dac.voltage("PA4"), dac.voltage("PA5")) == (None, None)
    dac.write(CR, EN2)
    assert (dac.voltage("PA4"), dac.voltage("PA5")) == (None, millivolts)


def test_the_l5_has_its_fields_elsewhere() -> None:
    dac = dac_l5(("PA4", "PA5"))
    dac.reset()
    dac.write(CR, 0b11 << 16)  # EN2, TEN2, by software
    dac.write(DHR12R2, 0x800)
    assert dac.voltage("PA5") == 0
    dac.write(SWTRIGR, 0b10)
    assert (dac.voltage("PA4"), dac.voltage("PA5")) == (None, 1650)
    dac.write(CR, 0b111 << 16)  # a timer's
    dac.write(DHR12R2, 0xFFF)
    dac.write(SWTRIGR, 0b10)
    assert dac.voltage("PA5") == 1650
    dac.write(MCR, 0x0001_0001)
    dac.write(CCR, 0x001F_0010)
    assert (dac.read(MCR), dac.read(CCR)) == (0x0001_0001, 0x001F_0010)
