"""RCC: the clock tree of the STM32F103. Bits are ST's stm32f103xb.h's."""

import pytest

from emulator.peripherals.rcc import Rcc, prescaler

CR, CFGR, APB2ENR, CSR = 0x00, 0x04, 0x18, 0x24
HSION, HSIRDY, HSEON, HSERDY, PLLON, PLLRDY = 1, 2, 1 << 16, 1 << 17, 1 << 24, 1 << 25
PLLSRC_HSE, PLLXTPRE, TIMES_9, TIMES_16 = 1 << 16, 1 << 17, 0b0111 << 18, 0b1111 << 18


@pytest.fixture
def heard() -> list[int]:
    return []


@pytest.fixture
def rcc(heard: list[int]) -> Rcc:
    return Rcc(8_000_000, heard.append)


def test_reset_values(rcc: Rcc) -> None:
    assert rcc.read(CR) == 0x0000_0083
    assert rcc.read(CFGR) == 0
    assert rcc.read(CSR) == 0x0C00_0000
    assert rcc.clocks == (8_000_000, 8_000_000, 8_000_000, 8_000_000)


def test_72_mhz_from_the_crystal(rcc: Rcc, heard: list[int]) -> None:
    rcc.write(CR, HSION | HSEON)
    assert rcc.read(CR) & HSERDY
    rcc.write(CFGR, TIMES_9 | PLLSRC_HSE | 0b100 << 8)
    rcc.write(CR, HSION | HSEON | PLLON)
    assert rcc.read(CR) & PLLRDY
    rcc.write(CFGR, TIMES_9 | PLLSRC_HSE | 0b100 << 8 | 0b10)
    assert rcc.read(CFGR) & 0b1111 == 0b1010  # SWS follows SW
    assert rcc.clocks == (72_000_000, 72_000_000, 36_000_000, 72_000_000)
    assert heard[-1] == 72_000_000


@pytest.mark.parametrize(
    ("cfgr", "hz"),
    [
        pytest.param(TIMES_16, 64_000_000, id="HSI / 2"),
        pytest.param(0b1110 << 18, 64_000_000, id="0b1110 is times 16 too"),
        pytest.param(TIMES_9 | PLLSRC_HSE, 72_000_000, id="HSE"),
        pytest.param(TIMES_9 | PLLSRC_HSE | PLLXTPRE, 36_000_000, id="HSE / 2"),
        pytest.param(TIMES_9 | PLLSRC_HSE | 0b1011 << 4, 4_500_000, id="AHB / 16"),
        pytest.param(TIMES_9 | PLLSRC_HSE | 0b1100 << 4, 1_125_000, id="AHB / 64, not 32"),
    ],
)
def test_frequencies(rcc: Rcc, cfgr: int, hz: int) -> None:
    rcc.write(CFGR, cfgr)
    rcc.write(CR, HSION | HSEON | PLLON)
    rcc.write(CFGR, cfgr | 0b10)
    assert rcc.clocks.hclk == hz


def test_without_a_crystal_hse_never_is_ready() -> None:
    rcc = Rcc(None, lambda _: None)
    rcc.write(CR, HSION | HSEON)
    assert not rcc.read(CR) & HSERDY
    rcc.write(CFGR, TIMES_9 | PLLSRC_HSE)
    rcc.write(CR, HSION | HSEON | PLLON)
    assert not rcc.read(CR) & PLLRDY
    rcc.write(CFGR, TIMES_9 | PLLSRC_HSE | 0b10)
    assert rcc.read(CFGR) & 0b1100 == 0  # the switch waits
    assert rcc.clocks.hclk == 8_000_000


def test_ready_bits_are_read_only(rcc: Rcc) -> None:
    rcc.write(CR, HSION | HSERDY | PLLRDY)
    assert rcc.read(CR) & (HSERDY | PLLRDY) == 0


def test_reset_flags_are_cleared_by_rmvf(rcc: Rcc) -> None:
    rcc.write(CSR, 1 << 24)
    assert rcc.read(CSR) == 0


def test_enables_are_stored(rcc: Rcc) -> None:
    rcc.write(APB2ENR, 0x4004)
    assert rcc.read(APB2ENR) == 0x4004


@pytest.mark.parametrize(
    ("code", "divisor"),
    [(0b0000, 1), (0b0111, 1), (0b1000, 2), (0b1011, 16), (0b1100, 64), (0b1111, 512)],
)
def test_hpre_skips_32(code: int, divisor: int) -> None:
    assert prescaler(code, 0b1000, skips_32=True) == divisor
