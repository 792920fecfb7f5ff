"""Analog-to-digital converter (ADC), STM32F405: resolutions, overrun, and what is common to three.

Sources: RM0090's register and bit names as ST's device header stm32f405xx.h has them.
Not modelled: see adc.py; multi mode and its data register, VBAT.
"""

from collections.abc import Callable, Sequence

from emulator.clock import Clock, nothing
from emulator.peripherals.adc import CR2, Adc, AdcCr1, AdcCr2
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register, Unmodelled

SAMPLING = (3, 15, 28, 56, 84, 112, 144, 480)  # cycles, by SMPx
VREFINT_MV = 1_210
SENSOR_MV = {25: 760, 30: 772, 110: 972}  # by degrees
INSIDE_MV = {16: SENSOR_MV[25], 17: VREFINT_MV, 18: 1_650}  # 18: half of VBAT
CALIBRATION = 3_300, VREFINT_MV, SENSOR_MV[30], SENSOR_MV[110]  # at this supply, in this order


class AdcCr1F4(AdcCr1):
    """ADC_CR1, ADC control register 1."""

    OVRIE = Field(26, 26)
    RES = Field(25, 24)  # 12, 10, 8 or 6 bits


class AdcCr2F4(AdcCr2):
    """ADC_CR2, ADC control register 2."""

    SWSTART = Field(30, 30)  # 0 again when the conversion has begun
    EXTEN = Field(29, 28)  # 1: an edge that rises starts it, 2: one that falls, 3: both
    EXTSEL = Field(27, 24)
    JEXT = Unmodelled(22, 16)  # JSWSTART, JEXTEN, JEXTSEL
    EOCS = Field(10, 10)  # 1: EOC comes with each conversion, and overruns are told
    DDS = Field(9, 9)


class AdcCsr(Register):
    """ADC_CSR, ADC common status register."""

    STATUS = Field(31, 0, Access.RO)


class AdcCcr(Register):
    """ADC_CCR, ADC common control register."""

    TSVREFE = Field(23, 23)
    VBATE = Field(22, 22)
    ADCPRE = Field(17, 16)
    MULTI = Unmodelled(15, 0)


class AdcCdr(Register):
    """ADC_CDR, ADC common regular data register."""

    DATA = Unmodelled(31, 0, Access.RO)


class AdcF4(Adc):
    """One converter. `adc_hz` is what the common part's ADCPRE makes of the bus clock."""

    def __init__(
        self,
        clock: Clock,
        adc_hz: Callable[[], int],
        set_irq: Callable[[bool], None],
        request_dma: Callable[[bool], None],
        pins: tuple[str, ...],
        *,
        is_first: bool,
        rewired: Callable[[], None] = nothing,
    ) -> None:
        self._cr1, self._cr2 = AdcCr1F4(), AdcCr2F4()
        inside = INSIDE_MV if is_first else {}
        wires = clock, set_irq, request_dma, inside, pins, rewired
        super().__init__({}, self._cr1, self._cr2, *wires)
        self._adc_hz = adc_hz

    @property
    def adc_hz(self) -> int:
        return self._adc_hz()

    @property
    def resolution(self) -> int:
        return 12 - 2 * self._cr1.RES

    @property
    def edges(self) -> int:
        return self._cr2.EXTEN

    @property
    def awaited(self) -> tuple[int, ...]:
        return (self._cr2.EXTSEL,) if self._cr2.ADON and self._cr2.EXTEN else ()

    @property
    def has_flag_each(self) -> bool:
        return bool(self._cr2.EOCS)

    def half_cycles(self, sampling: int) -> int:
        return 2 * (SAMPLING[sampling] + self.resolution)

    def write(self, offset: int, word: int) -> None:
        super().write(offset, word)
        if offset != CR2:
            return
        if not self._cr2.ADON:
            self.stop()
        elif self._cr2.SWSTART:
            self.start()
        self._cr2.SWSTART = 0

    def on_end(self, due: int) -> None:
        """Convert no further where a result has not been read, and that is asked for."""
        if self.sr.EOC and (self._cr2.EOCS or self._cr2.DMA):
            self.sr.OVR = 1
            self.update()
        else:
            super().on_end(due)

    @property
    def is_interrupting(self) -> bool:
        return super().is_interrupting or bool(self._cr1.OVRIE and self.sr.OVR)


class AdcCommon(Peripheral):
    """What the converters have in common. `status` are their status registers."""

    def __init__(self, status: Sequence[Register]) -> None:
        self._csr, self.ccr = AdcCsr(), AdcCcr()
        self._status = status
        super().__init__({0x00: self._csr, 0x04: self.ccr, 0x08: AdcCdr()})

    def read(self, offset: int) -> int:
        if offset == 0x00:
            self._csr.STATUS = sum(sr.word << 8 * n for n, sr in enumerate(self._status))
        return super().read(offset)

    @property
    def divisor(self) -> int:
        return 2 * (self.ccr.ADCPRE + 1)
