"""Analog-to-digital converter (ADC), STM32F10x: its calibration, its status, and what starts it.

Sources: RM0008's register and bit names as ST's device header stm32f103xb.h has them.
UNKNOWN: how long resetting the calibration takes; as long as calibrating here, 83 cycles.
Not modelled: see adc.py; a calibration's value in DR.
"""

from collections.abc import Callable

from emulator.clock import Clock, nothing
from emulator.peripherals.adc import CR2, Adc, AdcCr1, AdcCr2
from emulator.registers import Field, Unmodelled

SAMPLING = (3, 15, 27, 57, 83, 111, 143, 479)  # half cycles, by SMPx
CONVERTING = 25  # half cycles
CALIBRATING = 83
INSIDE_MV = {16: 1_430, 17: 1_200}  # the temperature sensor at 25 degrees; VREFINT
SOFTWARE = 0b111  # of EXTSEL


class AdcCr1F1(AdcCr1):
    """ADC_CR1, ADC control register 1."""

    DUALMOD = Unmodelled(19, 16)


class AdcCr2F1(AdcCr2):
    """ADC_CR2, ADC control register 2."""

    TSVREFE = Field(23, 23)
    SWSTART = Field(22, 22)  # 0 again when the conversion has begun
    JSWSTART = Unmodelled(21, 21)
    EXTTRIG = Field(20, 20)
    EXTSEL = Field(19, 17)
    JEXT = Unmodelled(15, 12)  # JEXTTRIG, JEXTSEL
    RSTCAL = Field(3, 3)  # 0 again when it is done
    CAL = Field(2, 2)  # likewise


STARTS = AdcCr2F1.SWSTART.mask | AdcCr2F1.JSWSTART.mask | AdcCr2F1.RSTCAL.mask | AdcCr2F1.CAL.mask
CALIBRATION = AdcCr2F1.RSTCAL.mask | AdcCr2F1.CAL.mask


class AdcF1(Adc):
    """One converter. `adc_hz` is what RCC's ADCPRE makes of the bus clock."""

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
        self._cr2 = AdcCr2F1()
        inside = INSIDE_MV if is_first else {}
        wires = clock, set_irq, request_dma, inside, pins, rewired
        super().__init__({}, AdcCr1F1(), self._cr2, *wires)
        self._adc_hz = adc_hz
        self._calibration = clock.timer(lambda _: self._calibrated())

    @property
    def adc_hz(self) -> int:
        return self._adc_hz()

    @property
    def resolution(self) -> int:
        return 12

    @property
    def edges(self) -> int:
        return self._cr2.EXTTRIG

    @property
    def awaited(self) -> tuple[int, ...]:
        cr2 = self._cr2
        is_awaiting = cr2.ADON and cr2.EXTTRIG and cr2.EXTSEL != SOFTWARE
        return (cr2.EXTSEL,) if is_awaiting else ()

    @property
    def has_flag_each(self) -> bool:
        return False

    def half_cycles(self, sampling: int) -> int:
        return SAMPLING[sampling] + CONVERTING

    def stop(self) -> None:
        super().stop()
        self._calibration.stop()

    def write(self, offset: int, word: int) -> None:
        before = self._cr2.word
        super().write(offset, word)
        if offset != CR2:
            return
        cr2 = self._cr2
        if not cr2.ADON:
            self.stop()
            cr2.word &= ~STARTS
        elif cr2.word & ~before & CALIBRATION:
            self._calibration.start(CALIBRATING * self.clock.hz // self.adc_hz)
        elif cr2.SWSTART and not AdcCr2F1.SWSTART.of(before):
            if cr2.EXTTRIG and cr2.EXTSEL == SOFTWARE:
                cr2.SWSTART = 0
                self.start()
        elif cr2.word == before:  # ADON written again, and nothing else changed
            self.start()

    def _calibrated(self) -> None:
        self._cr2.word &= ~CALIBRATION
