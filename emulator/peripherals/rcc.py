"""Reset and Clock Control (RCC), STM32F10x: the clock tree.

Sources: RM0008's register and bit names as ST's device header stm32f103xb.h has them.
Deviation: oscillators and the PLL are ready at once. Not modelled: clock gating (a peripheral
works whether or not its clock is enabled), peripheral resets, MCO, the clock security system, CIR.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register

HSI_HZ = 8_000_000


class RccCr(Register):
    """RCC_CR, Clock control register."""

    PLLRDY = Field(25, 25, Access.RO)
    PLLON = Field(24, 24)
    CSSON = Field(19, 19)  # not modelled
    HSEBYP = Field(18, 18)
    HSERDY = Field(17, 17, Access.RO)
    HSEON = Field(16, 16)
    HSICAL = Field(15, 8, Access.RO)
    HSITRIM = Field(7, 3)
    HSIRDY = Field(1, 1, Access.RO)
    HSION = Field(0, 0)


class RccCfgr(Register):
    """RCC_CFGR, Clock configuration register."""

    MCO = Field(26, 24)  # not modelled
    USBPRE = Field(22, 22)
    PLLMUL = Field(21, 18)  # 0b0000: times 2, and so on; 0b1110 and 0b1111: times 16
    PLLXTPRE = Field(17, 17)  # 1: HSE / 2 enters the PLL
    PLLSRC = Field(16, 16)  # 0: HSI / 2, 1: HSE
    ADCPRE = Field(15, 14)
    PPRE2 = Field(13, 11)
    PPRE1 = Field(10, 8)
    HPRE = Field(7, 4)
    SWS = Field(3, 2, Access.RO)
    SW = Field(1, 0)


class RccCir(Register):
    """RCC_CIR, Clock interrupt register."""

    ENABLES = Field(12, 8)  # not modelled


class RccEnable(Register):
    """RCC_AHBENR, RCC_APB2ENR, RCC_APB1ENR and the reset registers: one bit a peripheral."""

    ENABLES = Field(31, 0)


class RccBdcr(Register):
    """RCC_BDCR, Backup domain control register."""

    BDRST = Field(16, 16)
    RTCEN = Field(15, 15)
    RTCSEL = Field(9, 8)
    LSEBYP = Field(2, 2)
    LSERDY = Field(1, 1, Access.RO)
    LSEON = Field(0, 0)


class RccCsr(Register):
    """RCC_CSR, Control/status register."""

    LPWRRSTF = Field(31, 31, Access.RO)
    WWDGRSTF = Field(30, 30, Access.RO)
    IWDGRSTF = Field(29, 29, Access.RO)
    SFTRSTF = Field(28, 28, Access.RO)
    PORRSTF = Field(27, 27, Access.RO)
    PINRSTF = Field(26, 26, Access.RO)
    RMVF = Field(24, 24, Access.WO)  # 1 clears the reset flags
    LSIRDY = Field(1, 1, Access.RO)
    LSION = Field(0, 0)


def prescaler(code: int, none_below: int, skips_32: bool) -> int:
    """Return what HPRE or PPREn divides by."""
    if code < none_below:
        return 1
    exponent = code - none_below + 1
    return 1 << exponent + (skips_32 and exponent >= 5)


class Clocks(NamedTuple):
    """Frequencies, in hertz."""

    sysclk: int
    hclk: int
    pclk1: int
    pclk2: int


@functools.cache
def clocks(cfgr: int, sysclk: int) -> Clocks:
    """Return what CFGR's prescalers make of the system clock."""
    hclk = sysclk // prescaler(RccCfgr.HPRE.of(cfgr), 0b1000, skips_32=True)
    pclk1, pclk2 = (
        hclk // prescaler(field.of(cfgr), 0b100, skips_32=False)
        for field in (RccCfgr.PPRE1, RccCfgr.PPRE2)
    )
    return Clocks(sysclk, hclk, pclk1, pclk2)


class Rcc(Peripheral):
    """The clock tree. `hse_hz` is the crystal on the board, None where there is none."""

    def __init__(self, hse_hz: int | None, on_clock_change: Callable[[int], None]) -> None:
        self.cr = RccCr(reset=0x0000_0083)
        self.cfgr = RccCfgr()
        self.csr = RccCsr(reset=RccCsr.PORRSTF.mask | RccCsr.PINRSTF.mask)
        self.bdcr = RccBdcr()
        self._hse_hz = hse_hz
        self._on_clock_change = on_clock_change
        super().__init__(
            {
                0x00: self.cr,
                0x04: self.cfgr,
                0x08: RccCir(),
                0x0C: RccEnable(),
                0x10: RccEnable(),
                0x14: RccEnable(reset=0x0000_0014),
                0x18: RccEnable(),
                0x1C: RccEnable(),
                0x20: self.bdcr,
                0x24: self.csr,
            }
        )

    def reset(self) -> None:
        super().reset()
        self._on_clock_change(self.clocks.hclk)

    def write(self, offset: int, word: int) -> None:
        super().write(offset, word)
        if self.csr.RMVF:
            self.csr.word &= RccCsr.LSION.mask | RccCsr.LSIRDY.mask
        self.cr.HSIRDY = self.cr.HSION
        self.cr.HSERDY = self.cr.HSEON and self._hse_hz is not None
        self.cr.PLLRDY = self.cr.PLLON and self._pll_hz is not None
        self.csr.LSIRDY = self.csr.LSION
        self.bdcr.LSERDY = self.bdcr.LSEON
        if self._source_hz(self.cfgr.SW) is not None:
            self.cfgr.SWS = self.cfgr.SW  # a switch to a clock that is not ready waits
        self._on_clock_change(self.clocks.hclk)

    @property
    def clocks(self) -> Clocks:
        return clocks(self.cfgr.word, self._source_hz(self.cfgr.SWS) or HSI_HZ)

    def pclk1_hz(self) -> int:
        return self.clocks.pclk1

    def pclk2_hz(self) -> int:
        return self.clocks.pclk2

    @property
    def _pll_hz(self) -> int | None:
        if not self.cfgr.PLLSRC:
            source = HSI_HZ // 2
        elif self.cr.HSERDY and self._hse_hz is not None:
            source = self._hse_hz >> self.cfgr.PLLXTPRE
        else:
            return None
        return source * min(self.cfgr.PLLMUL + 2, 16)

    def _source_hz(self, switch: int) -> int | None:
        """Return the frequency of a system clock source, or None when it is not ready."""
        match switch:
            case 0b00:
                return HSI_HZ if self.cr.HSIRDY else None
            case 0b01:
                return self._hse_hz if self.cr.HSERDY else None
            case 0b10:
                return self._pll_hz if self.cr.PLLRDY else None
            case _:
                return None
