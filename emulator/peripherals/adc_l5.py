"""Analog-to-digital converter (ADC), STM32L5: woken, calibrated, enabled, then started.

Sources: ST's device header stm32l552xx.h for registers and bits, programs for what they wait for.
DEEPPWD is cleared, ADVREGEN set, ADCAL waited for; ADEN leads to ADRDY, ADSTART to EOS. Bits of CR
that start something are set by a 1, and a 0 does not change them.
Deviation: ADRDY comes at once where the converter has a clock, ADSTP and ADDIS are done at once.
UNKNOWN: calibrating takes 116 cycles, as on the STM32L4; what it finds (CALFACT stays 0).
A trigger that comes while it converts is lost, as RM0440 has it of the STM32G4.
Not modelled: injected conversions, watchdogs, triggers by external interrupts and TRGO2,
oversampling, offsets, AUTDLY, differential inputs, discontinuous and dual modes; channels that
nobody drives are at 0 V.
"""

from collections.abc import Callable, Sequence

from emulator.clock import Clock, nothing
from emulator.peripherals.absent import absent_registers
from emulator.peripherals.adc_l5_registers import (
    CFGR,
    CFGR2,
    CR,
    DR,
    IER,
    ISR,
    SMPR1,
    SMPR2,
    SQR1,
    AdcCcrL5,
    AdcCdrL5,
    AdcCfgr,
    AdcCfgr2,
    AdcCrL5,
    AdcCsrL5,
    AdcDrL5,
    AdcIer,
    AdcIsr,
    AdcSmprL5,
    AdcSqrL5,
)
from emulator.peripherals.analog_inputs import AnalogInputs
from emulator.peripherals.base import Peripheral
from emulator.registers import Register

ABSENT = (
    "@20 TR1=FFF0000 TR2=FF0000 TR3=FF0000 @4C JSQR @60 OFR1 OFR2 OFR3 OFR4"
    " @80 JDR1 JDR2 JDR3 JDR4 @A0 AWD2CR AWD3CR @B0 DIFSEL CALFACT"
)
SAMPLING = (5, 13, 25, 49, 95, 185, 495, 1281)  # halves of a cycle, by SMPx
LONGER_SHORTEST = 7  # with SMPPLUS
CALIBRATING = 116
PRESCALERS = (1, 2, 4, 6, 8, 10, 12, 16, 32, 64, 128, 256)  # by PRESC; further ones are reserved
VREFINT_MV = 1_212
SENSOR_MV = {30: 757, 130: 1_007}  # by degrees
INSIDE_MV = {0: VREFINT_MV, 17: SENSOR_MV[30], 18: 1_100}  # 18: a third of VBAT
CALIBRATION_MV = 3_000  # the supply at which the vendor calibrates


SETTINGS = AdcCrL5.ADCALDIF.mask | AdcCrL5.DEEPPWD.mask | AdcCrL5.ADVREGEN.mask
ENABLED = AdcCrL5.ADEN.mask
STARTED = AdcCrL5.ADSTART.mask | AdcCrL5.ADSTP.mask


class AdcL5(AnalogInputs):
    """One converter. `adc_hz` is what the common part makes of its clock, 0 without one."""

    extra_state = (*AnalogInputs.extra_state, "_position")
    first_at_pins = 1

    def __init__(
        self,
        clock: Clock,
        adc_hz: Callable[[], int],
        set_irq: Callable[[bool], None],
        request_dma: Callable[[bool], None],
        pins: tuple[str, ...],
        rewired: Callable[[], None] = nothing,  # it awaits another trigger
        *,
        is_first: bool,
    ) -> None:
        self.isr, self._ier, self._dr = AdcIsr(), AdcIer(), AdcDrL5()
        self._cfgr = AdcCfgr(reset=0x8000_0000)
        self._cr = AdcCrL5(reset=AdcCrL5.DEEPPWD.mask)
        self._smprs = (AdcSmprL5(), AdcSmprL5())
        self._sqrs = tuple(AdcSqrL5() for _ in range(4))
        registers: dict[int, Register] = {
            ISR: self.isr,
            IER: self._ier,
            CR: self._cr,
            CFGR: self._cfgr,
            CFGR2: AdcCfgr2(),
            SMPR1: self._smprs[0],
            SMPR2: self._smprs[1],
            **{SQR1 + 4 * n: sqr for n, sqr in enumerate(self._sqrs)},
            DR: self._dr,
            **absent_registers("ADC", ABSENT),
        }
        super().__init__(registers, INSIDE_MV if is_first else {}, pins, rewired)
        self._clock, self._adc_hz = clock, adc_hz
        self._set_irq, self._request_dma = set_irq, request_dma
        self._conversion = clock.timer(self._on_end)
        self._calibration = clock.timer(lambda _: self._calibrated())
        self._position = 0  # of the conversion under way, in the sequence

    def reset(self) -> None:
        with self.rewiring():
            super().reset()
            self._calibration.stop()
            self._stop()
            self._update()

    def read(self, offset: int) -> int:
        if offset == DR:
            self.isr.EOC = 0
            self._update()
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        if offset == CR:
            word |= self._cr.word & ~SETTINGS
        before = self._cr.word
        with self.rewiring():
            super().write(offset, word)
            if offset == CR:
                self._command(self._cr.word & ~before)
        self._update()

    def _command(self, begun: int) -> None:
        """Do what the bits of CR that were set now ask for."""
        cr = self._cr
        if AdcCrL5.ADCAL.of(begun) and (hz := self._adc_hz()):
            self._calibration.start(CALIBRATING * self._clock.hz // hz)
        if cr.DEEPPWD or not cr.ADVREGEN or not self._adc_hz():
            cr.word &= ~(ENABLED | STARTED)
        elif AdcCrL5.ADEN.of(begun):
            self.isr.ADRDY = 1
        if cr.ADDIS and not cr.ADSTART:
            cr.ADEN = 0
        cr.ADDIS = 0
        if not cr.ADEN or cr.ADSTP:
            self._stop()
        elif AdcCrL5.ADSTART.of(begun) and not self._cfgr.EXTEN:
            self._start()

    @property
    def awaited(self) -> tuple[int, ...]:
        """The trigger that starts it, by EXTSEL."""
        return (self._cfgr.EXTSEL,) if self._cr.ADSTART and self._cfgr.EXTEN else ()

    def trigger(self, number: int, *, rises: bool) -> None:
        """Take an edge of a trigger."""
        is_ours = number in self.awaited and self._cfgr.EXTEN >> (not rises) & 1
        if is_ours and not self._conversion.is_running:
            self._start()

    def _calibrated(self) -> None:
        self._cr.ADCAL = 0

    def _stop(self) -> None:
        self._conversion.stop()
        self._cr.word &= ~STARTED

    # Conversions.

    def _start(self) -> None:
        self._position = 0
        self._convert(self._clock.cycles)

    def _place(self, n: int) -> int:
        register, place = divmod(n, 5)
        return self._sqrs[register].word >> 6 * place & 0x1F

    @property
    def _channel(self) -> int:
        return self._place(self._position + 1)

    @property
    def _resolution(self) -> int:
        return 12 - 2 * self._cfgr.RES

    def _convert(self, now: int) -> None:
        high, place = self._channel >= 10, self._channel % 10
        sampling = SAMPLING[self._smprs[high].word >> 3 * place & 0b111]
        if sampling == SAMPLING[0] and self._smprs[0].SMPPLUS:
            sampling = LONGER_SHORTEST
        halves = sampling + 2 * self._resolution + 1
        if hz := self._adc_hz():
            self._conversion.start_at(now + halves * self._clock.hz // (2 * hz))

    def _on_end(self, due: int) -> None:
        isr, cfgr = self.isr, self._cfgr
        is_lost = isr.EOC and not cfgr.OVRMOD
        isr.OVR |= isr.EOC
        if not is_lost:
            is_left = bool(cfgr.ALIGN)
            self._dr.RDATA = self.result(self._channel, self._resolution, is_left=is_left)
        is_last = self._position == self._place(0) & 0xF
        isr.EOSMP = isr.EOC = 1
        isr.EOS |= is_last
        self._position = 0 if is_last else self._position + 1
        if not is_last or cfgr.CONT:
            self._convert(due)
        elif not cfgr.EXTEN:
            self._cr.ADSTART = 0
        self._update()

    @property
    def is_interrupting(self) -> bool:
        return bool(self.isr.word & self._ier.word)

    def _update(self) -> None:
        self._set_irq(self.is_interrupting)
        self._request_dma(bool(self._cfgr.DMAEN and self.isr.EOC))


class AdcCommonL5(Peripheral):
    """What the converters have in common. `status` are their status registers."""

    def __init__(
        self, status: Sequence[Register], hclk_hz: Callable[[], int], own_hz: Callable[[], int]
    ) -> None:
        self._csr, self._ccr = AdcCsrL5(), AdcCcrL5()
        self._status, self._hclk_hz, self._own_hz = status, hclk_hz, own_hz
        super().__init__({0x00: self._csr, 0x08: self._ccr, 0x0C: AdcCdrL5()})

    def read(self, offset: int) -> int:
        if offset == 0x00:
            self._csr.STATUS = sum(isr.word << 16 * n for n, isr in enumerate(self._status))
        return super().read(offset)

    def adc_hz(self) -> int:
        """Return what clocks the converters, 0 for nothing."""
        ccr = self._ccr
        if ccr.CKMODE:
            return self._hclk_hz() >> ccr.CKMODE - 1
        return self._own_hz() // PRESCALERS[min(ccr.PRESC, len(PRESCALERS) - 1)]
