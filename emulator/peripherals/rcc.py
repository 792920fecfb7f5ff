"""Reset and Clock Control (RCC): what the STM32F10x, the STM32F405 and the STM32L552 have alike.

A clock tree, resets, and what clocks what. The families' registers are in rcc_f1.py, rcc_f4.py and
rcc_l5.py; what is elsewhere in one of them, it declares anew. Sources: RM0008's and RM0090's
register and bit names as ST's device headers stm32f103xb.h and stm32f405xx.h have them, and
stm32l552xx.h. Deviation: oscillators and PLLs are ready at once.
Not modelled: that a peripheral stops while its clock is off; only the bus does.
"""

import functools
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import NamedTuple

from emulator.peripherals.base import Gate, Peripheral, ResetCause
from emulator.registers import Access, Field, Register, Unmodelled

LSE_HZ = 32_768


class RccCr(Register):
    """RCC_CR, Clock control register."""

    PLLRDY = Field(25, 25, Access.RO)
    PLLON = Field(24, 24)
    CSSON = Unmodelled(19, 19)
    HSEBYP = Field(18, 18)
    HSERDY = Field(17, 17, Access.RO)
    HSEON = Field(16, 16)
    HSIRDY = Field(1, 1, Access.RO)
    HSION = Field(0, 0)


class RccCrTrim(RccCr):
    """RCC_CR, Clock control register, with what adjusts HSI."""

    HSICAL = Field(15, 8, Access.RO)
    HSITRIM = Field(7, 3)


class RccCfgr(Register):
    """RCC_CFGR, Clock configuration register. The APB prescalers' place is the family's."""

    HPRE = Field(7, 4)
    SWS = Field(3, 2, Access.RO)
    SW = Field(1, 0)


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
    PINRSTF = Field(26, 26, Access.RO)
    RMVF = Field(24, 24, Access.WO)  # 1 clears the reset flags
    LSIRDY = Field(1, 1, Access.RO)
    LSION = Field(0, 0)


class RccCsrPor(RccCsr):
    """RCC_CSR, Control/status register, with a flag of power-on alone."""

    PORRSTF = Field(27, 27, Access.RO)


RESET_FLAGS = {  # by cause but power-on; every reset inside the chip pulls its NRST pin down, too
    ResetCause.PIN: RccCsr.PINRSTF.mask,
    ResetCause.SOFTWARE: RccCsr.SFTRSTF.mask | RccCsr.PINRSTF.mask,
    ResetCause.WATCHDOG: RccCsr.IWDGRSTF.mask | RccCsr.PINRSTF.mask,
    ResetCause.WINDOW_WATCHDOG: RccCsr.WWDGRSTF.mask | RccCsr.PINRSTF.mask,
}
ALL_RESET_FLAGS = 0xFE00_0000


def prescaler(code: int, none_below: int, skips_32: bool) -> int:
    """Return what HPRE or PPREn divides by."""
    if code < none_below:
        return 1
    exponent = code - none_below + 1
    return 1 << exponent + (skips_32 and exponent >= 5)


class Prescalers(NamedTuple):
    """HPRE, PPRE1 and PPRE2 of CFGR."""

    hpre: int
    ppre1: int
    ppre2: int


class Clocks(NamedTuple):
    """Frequencies, in hertz."""

    sysclk: int
    hclk: int
    pclk1: int
    pclk2: int


@functools.cache
def clocks(prescalers: Prescalers, sysclk: int) -> Clocks:
    """Return what CFGR's prescalers make of the system clock."""
    hclk = sysclk // prescaler(prescalers.hpre, 0b1000, skips_32=True)
    pclk1, pclk2 = (hclk // prescaler(code, 0b100, skips_32=False) for code in prescalers[1:])
    return Clocks(sysclk, hclk, pclk1, pclk2)


class Rcc(Peripheral):
    """The clock tree. `hse_hz` is the crystal on the board, None where there is none.

    Registers come by their offsets; those of the backup domain are found by their class.
    """

    def __init__(
        self,
        registers: Mapping[int, Register],
        cr: RccCr,
        cfgr: RccCfgr,
        csr: RccCsr,
        hsi_hz: int,
        lsi_hz: int,
        hse_hz: int | None,
        on_clock_change: Callable[[int], None],
        is_backup_writable: Callable[[], bool],
    ) -> None:
        super().__init__(registers)
        self.cr, self.cfgr, self.csr = cr, cfgr, csr
        self._clocks: Clocks | None = None  # as long as it is known
        self._bdcr_offset, self.bdcr = next(
            (offset, r) for offset, r in registers.items() if isinstance(r, RccBdcr)
        )
        self._power_on_flags = csr.word & ALL_RESET_FLAGS
        self.hsi_hz, self.lsi_hz, self.hse_hz = hsi_hz, lsi_hz, hse_hz
        self._on_clock_change = on_clock_change
        self._is_backup_writable = is_backup_writable
        self.backup_domain: list[Peripheral] = []  # what BDRST resets, beside BDCR
        self.on_rtc_clock: Callable[[], None] = lambda: None  # `rtc_hz` may be another
        self.on_bus_clock: list[Callable[[], None]] = []  # so may what is behind the prescalers
        self._resets: list[tuple[Gate, Peripheral]] = []

    @property
    @abstractmethod
    def pll_hz(self) -> int | None:
        """The PLL's output for the system clock, None where it has no input."""

    @property
    @abstractmethod
    def prescalers(self) -> Prescalers:
        """What CFGR says; its fields are in other places in each family."""

    @property
    @abstractmethod
    def hse_to_rtc(self) -> int:
        """What HSE is divided by where it drives the RTC, 0 where it does not."""

    @property
    def reset_hz(self) -> int:
        """What drives the core after a reset; it cannot be switched off while it does."""
        return self.hsi_hz

    def reset(self) -> None:
        super().reset()
        self._clock_changed()

    def restored(self) -> None:
        self._clocks = None

    def system_reset(self, cause: ResetCause) -> None:
        flags, backup_domain = self.csr.word & ALL_RESET_FLAGS, self.bdcr.word
        self.reset()
        raised = RESET_FLAGS.get(cause, self._power_on_flags)
        self.csr.word = self.csr.word & ~ALL_RESET_FLAGS | flags | raised
        self.bdcr.word = backup_domain

    def gate(self, name: str, peripheral: Peripheral) -> Gate:
        """Have a peripheral reset by `name`RST; return what clocks it: `name`EN."""
        self.reset_by(f"{name}RST", peripheral)
        enable = self._bit(f"{name}EN")
        if enable is None:
            raise ValueError(f"RCC has no {name}EN")
        return enable

    def reset_by(self, name: str, peripheral: Peripheral) -> None:
        """Have a peripheral reset by a bit, if there is one of that name."""
        reset = self._bit(name)
        if reset is not None:
            self._resets.append((reset, peripheral))

    def _bit(self, name: str) -> Gate | None:
        for register in self.registers.values():
            for field in register.fields():
                if field.name == name:
                    return Gate(register, field.mask)
        return None

    def write(self, offset: int, word: int) -> None:
        if offset == self._bdcr_offset:
            self._write_bdcr(word)
        else:
            super().write(offset, word)
        for reset, peripheral in self._resets:
            if reset.register.word & reset.mask:
                peripheral.system_reset(ResetCause.SOFTWARE)
        if self.csr.RMVF:
            self.csr.word &= ~ALL_RESET_FLAGS
        self.make_ready()
        if self.source_hz(self.cfgr.SW) is not None:
            self.cfgr.SWS = self.cfgr.SW  # a switch to a clock that is not ready waits
        self._clock_changed()
        self.on_rtc_clock()

    def _clock_changed(self) -> None:
        self._clocks = None
        self._on_clock_change(self.clocks.hclk)
        for on_clock in self.on_bus_clock:
            on_clock()

    def make_ready(self) -> None:
        """Say which oscillators run."""
        self.cr.HSIRDY = self.cr.HSION
        self.cr.HSERDY = self.cr.HSEON and self.hse_hz is not None
        self.cr.PLLRDY = self.cr.PLLON and self.pll_hz is not None
        self.csr.LSIRDY = self.csr.LSION
        self.bdcr.LSERDY = self.bdcr.LSEON

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
        if self._clocks is None:
            sysclk = self.source_hz(self.cfgr.SWS) or self.reset_hz
            self._clocks = clocks(self.prescalers, sysclk)
        return self._clocks

    def pclk1_hz(self) -> int:
        return self.clocks.pclk1

    def pclk2_hz(self) -> int:
        return self.clocks.pclk2

    def tim1_hz(self) -> int:
        """Return what clocks the timers on APB1: PCLK1, twice that where APB1 is divided."""
        return self.clocks.pclk1 * (1 if self.clocks.pclk1 == self.clocks.hclk else 2)

    def tim2_hz(self) -> int:
        """Return what clocks those on APB2."""
        return self.clocks.pclk2 * (1 if self.clocks.pclk2 == self.clocks.hclk else 2)

    def rtc_hz(self) -> int:
        """Return what drives the RTC, 0 for nothing."""
        if not self.bdcr.RTCEN:
            return 0
        match self.bdcr.RTCSEL:
            case 0b01:
                return LSE_HZ if self.bdcr.LSERDY else 0
            case 0b10:
                return self.lsi_hz if self.csr.LSIRDY else 0
            case 0b11 if self.cr.HSERDY and self.hse_hz is not None and self.hse_to_rtc:
                return self.hse_hz // self.hse_to_rtc
            case _:
                return 0

    def source_hz(self, switch: int) -> int | None:
        """Return the frequency of a system clock source, or None when it is not ready."""
        match switch:
            case 0b00:
                return self.hsi_hz if self.cr.HSIRDY else None
            case 0b01:
                return self.hse_hz if self.cr.HSERDY else None
            case 0b10:
                return self.pll_hz if self.cr.PLLRDY else None
            case _:
                return None
