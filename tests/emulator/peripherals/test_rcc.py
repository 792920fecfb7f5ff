"""RCC: the clock tree of the STM32F103. Bits are ST's stm32f103xb.h's."""

import pytest

from emulator.peripherals.base import Peripheral, ResetCause
from emulator.peripherals.rcc import prescaler
from emulator.peripherals.rcc_f1 import RccF1
from emulator.registers import Field, Register

CR, CFGR, APB2RSTR, AHBENR, APB2ENR, APB1ENR, BDCR, CSR = 0, 4, 0xC, 0x14, 0x18, 0x1C, 0x20, 0x24
HSION, HSIRDY, HSEON, HSERDY, PLLON, PLLRDY = 1, 2, 1 << 16, 1 << 17, 1 << 24, 1 << 25
PLLSRC_HSE, PLLXTPRE, TIMES_9, TIMES_16 = 1 << 16, 1 << 17, 0b0111 << 18, 0b1111 << 18


@pytest.fixture
def heard() -> list[int]:
    return []


@pytest.fixture
def rcc(heard: list[int]) -> RccF1:
    return RccF1(8_000_000, heard.append, lambda: True)


def test_reset_values(rcc: RccF1) -> None:
    assert rcc.read(CR) == 0x0000_0083
    assert rcc.read(CFGR) == 0
    assert rcc.read(CSR) == 0x0C00_0000
    assert rcc.clocks == (8_000_000, 8_000_000, 8_000_000, 8_000_000)


def test_72_mhz_from_the_crystal(rcc: RccF1, heard: list[int]) -> None:
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
def test_frequencies(rcc: RccF1, cfgr: int, hz: int) -> None:
    rcc.write(CFGR, cfgr)
    rcc.write(CR, HSION | HSEON | PLLON)
    rcc.write(CFGR, cfgr | 0b10)
    assert rcc.clocks.hclk == hz


def test_without_a_crystal_hse_never_is_ready() -> None:
    rcc = RccF1(None, lambda _: None, lambda: True)
    rcc.write(CR, HSION | HSEON)
    assert not rcc.read(CR) & HSERDY
    rcc.write(CFGR, TIMES_9 | PLLSRC_HSE)
    rcc.write(CR, HSION | HSEON | PLLON)
    assert not rcc.read(CR) & PLLRDY
    rcc.write(CFGR, TIMES_9 | PLLSRC_HSE | 0b10)
    assert rcc.read(CFGR) & 0b1100 == 0  # the switch waits
    assert rcc.clocks.hclk == 8_000_000


def test_ready_bits_are_read_only(rcc: RccF1) -> None:
    rcc.write(CR, HSION | HSERDY | PLLRDY)
    assert rcc.read(CR) & (HSERDY | PLLRDY) == 0


def test_reset_flags_are_cleared_by_rmvf(rcc: RccF1) -> None:
    rcc.write(CSR, 1 << 24)
    assert rcc.read(CSR) == 0


def test_enables_are_stored(rcc: RccF1) -> None:
    rcc.write(APB2ENR, 0x4004)
    assert rcc.read(APB2ENR) == 0x4004


@pytest.mark.parametrize(
    ("cause", "flags"),
    [
        pytest.param(ResetCause.POWER, 0x0C00_0000, id="PORRSTF, PINRSTF"),
        pytest.param(ResetCause.PIN, 0x0400_0000, id="PINRSTF"),
        pytest.param(ResetCause.SOFTWARE, 0x1400_0000, id="SFTRSTF, PINRSTF"),
        pytest.param(ResetCause.WATCHDOG, 0x2400_0000, id="IWDGRSTF, PINRSTF"),
    ],
)
def test_reset_flags_say_why_and_add_up(rcc: RccF1, cause: ResetCause, flags: int) -> None:
    rcc.write(CSR, 1 << 24 | 1)  # RMVF, LSION
    rcc.system_reset(cause)
    assert rcc.read(CSR) == flags
    rcc.system_reset(ResetCause.SOFTWARE)
    assert rcc.read(CSR) == flags | 0x1400_0000


def test_system_reset_leaves_the_backup_domain(rcc: RccF1) -> None:
    rcc.write(BDCR, 1)
    rcc.write(CFGR, TIMES_9)
    rcc.system_reset(ResetCause.SOFTWARE)
    assert rcc.read(CFGR) == 0
    assert rcc.read(BDCR) == 0b11  # LSEON, LSERDY
    rcc.reset()
    assert rcc.read(BDCR) == 0


@pytest.mark.parametrize(
    ("name", "offset", "bit"),
    [
        pytest.param("USART1", APB2ENR, 14, id="USART1EN"),
        pytest.param("IOPC", APB2ENR, 4, id="IOPCEN"),
        pytest.param("USART2", APB1ENR, 17, id="USART2EN"),
        pytest.param("TIM4", APB1ENR, 2, id="TIM4EN"),
        pytest.param("BKP", APB1ENR, 27, id="BKPEN"),
        pytest.param("DMA1", AHBENR, 0, id="DMA1EN"),
    ],
)
def test_gate_is_the_enable_bit(rcc: RccF1, name: str, offset: int, bit: int) -> None:
    gate = rcc.gate(name, Peripheral({}))
    assert not gate.register.word & gate.mask
    rcc.write(offset, 1 << bit)
    assert gate.register.word & gate.mask


def test_reset_bit_resets_its_peripheral_only(rcc: RccF1) -> None:
    class Stored(Register):
        """STORED, one word."""

        WORD = Field(31, 0)

    one, other = Peripheral({0: Stored()}), Peripheral({0: Stored()})
    rcc.gate("USART1", one)
    rcc.gate("SPI1", other)
    one.write(0, 1)
    other.write(0, 1)
    rcc.write(APB2RSTR, 1 << 14)
    rcc.write(APB2RSTR, 0)
    assert (one.read(0), other.read(0)) == (0, 1)


@pytest.mark.parametrize(
    ("code", "divisor"),
    [(0b0000, 1), (0b0111, 1), (0b1000, 2), (0b1011, 16), (0b1100, 64), (0b1111, 512)],
)
def test_hpre_skips_32(code: int, divisor: int) -> None:
    assert prescaler(code, 0b1000, skips_32=True) == divisor
