"""RCC of the STM32F405. Offsets and bits are ST's stm32f405xx.h's."""

import pytest

from emulator.peripherals.base import Peripheral
from emulator.peripherals.rcc_f4 import RccF4

CR, PLLCFGR, CFGR, APB2RSTR, AHB1ENR, APB2ENR, CSR = 0x00, 0x04, 0x08, 0x24, 0x30, 0x44, 0x74
HSION, HSEON, HSERDY, PLLON, PLLRDY = 1, 1 << 16, 1 << 17, 1 << 24, 1 << 25
HSE = 1 << 22


@pytest.fixture
def rcc() -> RccF4:
    return RccF4(8_000_000, lambda _: None, lambda: True)


def test_reset_values(rcc: RccF4) -> None:
    assert rcc.read(CR) == 0x0000_0083
    assert rcc.read(PLLCFGR) == 0x2400_3010
    assert rcc.read(AHB1ENR) == 0x0010_0000
    assert rcc.read(CSR) == 0x0E00_0000
    assert rcc.clocks == (16_000_000,) * 4


@pytest.mark.parametrize(
    ("pllcfgr", "cfgr", "clocks"),
    [
        pytest.param(8 | 336 << 6 | HSE, 0b101 << 10 | 0b100 << 13, (168, 168, 42, 84), id="HSE"),
        pytest.param(16 | 336 << 6 | 1 << 16, 0b100 << 10, (84, 84, 42, 84), id="HSI, P = 4"),
        pytest.param(8 | 192 << 6 | 3 << 16 | HSE, 0b1000 << 4, (24, 12, 12, 12), id="AHB / 2"),
    ],
)
def test_frequencies(
    rcc: RccF4, pllcfgr: int, cfgr: int, clocks: tuple[int, int, int, int]
) -> None:
    rcc.write(CR, HSION | HSEON)
    rcc.write(PLLCFGR, pllcfgr)
    rcc.write(CR, HSION | HSEON | PLLON)
    assert rcc.read(CR) & (HSERDY | PLLRDY) == HSERDY | PLLRDY
    rcc.write(CFGR, cfgr | 0b10)
    assert rcc.read(CFGR) & 0b1100 == 0b1000
    assert rcc.clocks == tuple(1_000_000 * mhz for mhz in clocks)


def test_pll_is_configured_only_while_it_is_off(rcc: RccF4) -> None:
    rcc.write(CR, HSION | PLLON)
    rcc.write(PLLCFGR, 0)
    assert rcc.read(PLLCFGR) == 0x2400_3010


def test_pll_without_its_oscillator_is_not_ready() -> None:
    rcc = RccF4(None, lambda _: None, lambda: True)
    rcc.write(PLLCFGR, 8 | 336 << 6 | HSE)
    rcc.write(CR, HSION | HSEON | PLLON)
    assert not rcc.read(CR) & (HSERDY | PLLRDY)


@pytest.mark.parametrize(
    ("name", "offset", "bit"),
    [("USART1", APB2ENR, 4), ("USART6", APB2ENR, 5), ("GPIOA", AHB1ENR, 0), ("DMA2", AHB1ENR, 22)],
)
def test_gate_is_the_enable_bit(rcc: RccF4, name: str, offset: int, bit: int) -> None:
    gate = rcc.gate(name, Peripheral({}))
    assert not gate.register.word & gate.mask
    rcc.write(offset, 1 << bit)
    assert gate.register.word & gate.mask
