"""Reset and Clock Control (RCC), STM32F10x: the clock tree, resets, and what clocks what.

Sources: RM0008's register and bit names as ST's device header stm32f103xb.h has them.
Deviation: oscillators and the PLL are ready at once. Not modelled: MCO, the clock
security system, CIR. A peripheral keeps running while its clock is off; only the bus stops.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

from emulator.peripherals.base import Gate, Peripheral, ResetCause
from emulator.registers import Access, Field, Register, Unmodelled

HSI_HZ = 8_000_000


class RccCr(Register):
    """RCC_CR, Clock control register."""

    PLLRDY = Field(25, 25, Access.RO)
    PLLON = Field(24, 24)
    CSSON = Unmodelled(19, 19)
    HSEBYP = Field(18, 18)
    HSERDY = Field(17, 17, Access.RO)
    HSEON = Field(16, 16)
    HSICAL = Field(15, 8, Access.RO)
    HSITRIM = Field(7, 3)
    HSIRDY = Field(1, 1, Access.RO)
    HSION = Field(0, 0)


class RccCfgr(Register):
    """RCC_CFGR, Clock configuration register."""

    MCO = Unmodelled(26, 24)
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

    ENABLES = Unmodelled(12, 8)


class RccApb2rstr(Register):
    """RCC_APB2RSTR, APB2 peripheral reset register."""

    USART1RST = Field(14, 14)
    SPI1RST = Field(12, 12)
    TIM1RST = Field(11, 11)
    ADC2RST = Field(10, 10)
    ADC1RST = Field(9, 9)
    IOPERST = Field(6, 6)
    IOPDRST = Field(5, 5)
    IOPCRST = Field(4, 4)
    IOPBRST = Field(3, 3)
    IOPARST = Field(2, 2)
    AFIORST = Field(0, 0)


class RccApb1rstr(Register):
    """RCC_APB1RSTR, APB1 peripheral reset register."""

    PWRRST = Field(28, 28)
    BKPRST = Field(27, 27)
    CAN1RST = Field(25, 25)
    USBRST = Field(23, 23)
    I2C2RST = Field(22, 22)
    I2C1RST = Field(21, 21)
    USART3RST = Field(18, 18)
    USART2RST = Field(17, 17)
    SPI2RST = Field(14, 14)
    WWDGRST = Field(11, 11)
    TIM4RST = Field(2, 2)
    TIM3RST = Field(1, 1)
    TIM2RST = Field(0, 0)


class RccAhbenr(Register):
    """RCC_AHBENR, AHB peripheral clock enable register."""

    CRCEN = Field(6, 6)
    FLITFEN = Field(4, 4)
    SRAMEN = Field(2, 2)
    DMA1EN = Field(0, 0)


class RccApb2enr(Register):
    """RCC_APB2ENR, APB2 peripheral clock enable register."""

    USART1EN = Field(14, 14)
    SPI1EN = Field(12, 12)
    TIM1EN = Field(11, 11)
    ADC2EN = Field(10, 10)
    ADC1EN = Field(9, 9)
    IOPEEN = Field(6, 6)
    IOPDEN = Field(5, 5)
    IOPCEN = Field(4, 4)
    IOPBEN = Field(3, 3)
    IOPAEN = Field(2, 2)
    AFIOEN = Field(0, 0)


class RccApb1enr(Register):
    """RCC_APB1ENR, APB1 peripheral clock enable register."""

    PWREN = Field(28, 28)
    BKPEN = Field(27, 27)
    CAN1EN = Field(25, 25)
    USBEN = Field(23, 23)
    I2C2EN = Field(22, 22)
    I2C1EN = Field(21, 21)
    USART3EN = Field(18, 18)
    USART2EN = Field(17, 17)
    SPI2EN = Field(14, 14)
    WWDGEN = Field(11, 11)
    TIM4EN = Field(2, 2)
    TIM3EN = Field(1, 1)
    TIM2EN = Field(0, 0)


class RccBdcr(Register):
    """RCC_BDCR, Backup domain control register. Survives a system reset; PWR_CR.DBP guards it."""

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


RESET_FLAGS = {  # by cause; every reset inside the chip pulls its own NRST pin down, too
    ResetCause.POWER: RccCsr.PORRSTF.mask | RccCsr.PINRSTF.mask,
    ResetCause.PIN: RccCsr.PINRSTF.mask,
    ResetCause.SOFTWARE: RccCsr.SFTRSTF.mask | RccCsr.PINRSTF.mask,
    ResetCause.WATCHDOG: RccCsr.IWDGRSTF.mask | RccCsr.PINRSTF.mask,
}
ALL_RESET_FLAGS = 0xFC00_0000


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

    def __init__(
        self,
        hse_hz: int | None,
        on_clock_change: Callable[[int], None],
        is_backup_writable: Callable[[], bool],
    ) -> None:
        self.cr = RccCr(reset=0x0000_0083)
        self.cfgr = RccCfgr()
        self.csr = RccCsr(reset=RESET_FLAGS[ResetCause.POWER])
        self.bdcr = RccBdcr()
        self._hse_hz = hse_hz
        self._on_clock_change = on_clock_change
        self._is_backup_writable = is_backup_writable
        self.backup_domain: list[Peripheral] = []  # what BDRST resets, beside BDCR
        self._resets: list[tuple[Gate, Peripheral]] = []
        super().__init__(
            {
                0x00: self.cr,
                0x04: self.cfgr,
                0x08: RccCir(),
                0x0C: RccApb2rstr(),
                0x10: RccApb1rstr(),
                0x14: RccAhbenr(reset=0x0000_0014),
                0x18: RccApb2enr(),
                0x1C: RccApb1enr(),
                0x20: self.bdcr,
                0x24: self.csr,
            }
        )

    def reset(self) -> None:
        super().reset()
        self._on_clock_change(self.clocks.hclk)

    def system_reset(self, cause: ResetCause) -> None:
        flags, backup_domain = self.csr.word & ALL_RESET_FLAGS, self.bdcr.word
        self.reset()
        self.csr.word = flags | RESET_FLAGS[cause]
        self.bdcr.word = backup_domain

    def gate(self, name: str, peripheral: Peripheral) -> Gate:
        """Have a peripheral reset by `name`RST; return what clocks it: `name`EN."""
        reset = self._bit(f"{name}RST")
        if reset is not None:
            self._resets.append((reset, peripheral))
        enable = self._bit(f"{name}EN")
        if enable is None:
            raise ValueError(f"RCC has no {name}EN")
        return enable

    def _bit(self, name: str) -> Gate | None:
        for register in self.registers.values():
            field = vars(type(register)).get(name)
            if isinstance(field, Field):
                return Gate(register, field.mask)
        return None

    def write(self, offset: int, word: int) -> None:
        if offset == 0x20:
            self._write_bdcr(word)
        else:
            super().write(offset, word)
        for reset, peripheral in self._resets:
            if reset.register.word & reset.mask:
                peripheral.system_reset(ResetCause.SOFTWARE)
        if self.csr.RMVF:
            self.csr.word &= ~ALL_RESET_FLAGS
        self.cr.HSIRDY = self.cr.HSION
        self.cr.HSERDY = self.cr.HSEON and self._hse_hz is not None
        self.cr.PLLRDY = self.cr.PLLON and self._pll_hz is not None
        self.csr.LSIRDY = self.csr.LSION
        self.bdcr.LSERDY = self.bdcr.LSEON
        if self._source_hz(self.cfgr.SW) is not None:
            self.cfgr.SWS = self.cfgr.SW  # a switch to a clock that is not ready waits
        self._on_clock_change(self.clocks.hclk)

    def _write_bdcr(self, word: int) -> None:
        if not self._is_backup_writable():
            return
        self.bdcr.write(word)
        if self.bdcr.BDRST:
            self.bdcr.word = RccBdcr.BDRST.mask
            for peripheral in self.backup_domain:
                peripheral.reset()

    @property
    def clocks(self) -> Clocks:
        return clocks(self.cfgr.word, self._source_hz(self.cfgr.SWS) or HSI_HZ)

    def pclk1_hz(self) -> int:
        return self.clocks.pclk1

    def pclk2_hz(self) -> int:
        return self.clocks.pclk2

    def tim1_hz(self) -> int:
        """Return what clocks the timers on APB1: PCLK1, twice that where APB1 is divided."""
        return self.clocks.pclk1 * (1 if self.clocks.pclk1 == self.clocks.hclk else 2)

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
