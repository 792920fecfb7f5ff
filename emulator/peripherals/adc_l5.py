"""Analog-to-digital converter (ADC), STM32L5: woken, calibrated, enabled and started by software.

Sources: ST's device header stm32l552xx.h for registers and bits, programs for what they wait for.
DEEPPWD is cleared, ADVREGEN set, ADCAL waited for; ADEN leads to ADRDY, ADSTART to EOS. Bits of CR
that start something are set by a 1, and a 0 does not change them.
Deviation: ADRDY comes at once where the converter has a clock, ADSTP and ADDIS are done at once.
UNKNOWN: calibrating takes 116 cycles, as on the STM32L4; what it finds (CALFACT stays 0).
Not modelled: injected conversions, watchdogs, triggers by timers, oversampling, offsets, AUTDLY,
differential inputs, discontinuous and dual modes; channels that nobody drives are at 0 V.
"""

from collections.abc import Callable, Sequence

from emulator.clock import Clock
from emulator.peripherals.absent import absent_registers
from emulator.peripherals.analog_inputs import AnalogInputs
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register, Unmodelled

ISR, IER, CR, CFGR, CFGR2, SMPR1, SMPR2, SQR1, DR = (
    *(0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18),
    *(0x30, 0x40),
)
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


class AdcIsr(Register):
    """ADC_ISR, interrupt and status register."""

    OTHERS = Unmodelled(10, 5, Access.RC_W1)  # JQOVF, AWD3 to AWD1, JEOS, JEOC
    OVR = Field(4, 4, Access.RC_W1)
    EOS = Field(3, 3, Access.RC_W1)
    EOC = Field(2, 2, Access.RC_W1)  # cleared by reading DR, too
    EOSMP = Field(1, 1, Access.RC_W1)
    ADRDY = Field(0, 0, Access.RC_W1)


class AdcIer(Register):
    """ADC_IER, interrupt enable register: at the places of the flags in ISR."""

    OTHERS = Unmodelled(10, 5)
    ENABLES = Field(4, 0)


class AdcCrL5(Register):
    """ADC_CR, control register."""

    ADCAL = Field(31, 31)
    ADCALDIF = Unmodelled(30, 30)
    DEEPPWD = Field(29, 29)
    ADVREGEN = Field(28, 28)
    JADSTP = Unmodelled(5, 5)
    ADSTP = Field(4, 4)
    JADSTART = Unmodelled(3, 3)
    ADSTART = Field(2, 2)
    ADDIS = Field(1, 1)
    ADEN = Field(0, 0)


class AdcCfgr(Register):
    """ADC_CFGR, configuration register."""

    OTHERS = Unmodelled(31, 16)  # JQDIS to DISCEN
    AUTDLY = Unmodelled(14, 14)
    CONT = Field(13, 13)
    OVRMOD = Field(12, 12)  # 1: a result that nobody has read is lost to the next one
    EXTEN = Unmodelled(11, 10)  # 0: software alone starts
    EXTSEL = Unmodelled(9, 6)
    ALIGN = Field(5, 5)  # 1: results at the left
    RES = Field(4, 3)  # 12, 10, 8 or 6 bits
    DFSDMCFG = Unmodelled(2, 2)
    DMACFG = Field(1, 1)
    DMAEN = Field(0, 0)


class AdcCfgr2(Register):
    """ADC_CFGR2, configuration register 2."""

    OVERSAMPLING = Unmodelled(10, 0)


class AdcSmprL5(Register):
    """ADC_SMPR1, ADC_SMPR2, sample time registers."""

    SMPPLUS = Field(31, 31)  # of the first
    SMP = Field(29, 0)


class AdcSqrL5(Register):
    """ADC_SQR1 to ADC_SQR4, regular sequence registers: L in the first one's first place."""

    SQ = Field(28, 0)


class AdcDrL5(Register):
    """ADC_DR, regular data register."""

    RDATA = Field(15, 0, Access.RO)


class AdcCsrL5(Register):
    """ADC_CSR, common status register."""

    STATUS = Field(31, 0, Access.RO)


class AdcCcrL5(Register):
    """ADC_CCR, common control register."""

    VBATEN = Field(24, 24)  # this and the next two: their channels convert without, too
    TSEN = Field(23, 23)
    VREFEN = Field(22, 22)
    PRESC = Field(21, 18)
    CKMODE = Field(17, 16)  # 0: a clock of its own; else the bus's, divided by 1, 2, 4
    DUAL = Unmodelled(15, 0)


class AdcCdrL5(Register):
    """ADC_CDR, common regular data register for dual mode."""

    RDATA = Unmodelled(31, 0, Access.RO)


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
        super().__init__(registers, INSIDE_MV if is_first else {}, pins)
        self._clock, self._adc_hz = clock, adc_hz
        self._set_irq, self._request_dma = set_irq, request_dma
        self._conversion = clock.timer(self._on_end)
        self._calibration = clock.timer(lambda _: self._calibrated())
        self._position = 0  # of the conversion under way, in the sequence

    def reset(self) -> None:
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
            self._position = 0
            self._convert(self._clock.cycles)

    def _calibrated(self) -> None:
        self._cr.ADCAL = 0

    def _stop(self) -> None:
        self._conversion.stop()
        self._cr.word &= ~STARTED

    # Conversions.

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

    @property
    def _result(self) -> int:
        level = self.level(self._channel) >> 12 - self._resolution
        if not self._cfgr.ALIGN:
            return level
        return level << (16 - self._resolution if self._resolution > 6 else 2)

    def _on_end(self, due: int) -> None:
        isr, cfgr = self.isr, self._cfgr
        is_lost = isr.EOC and not cfgr.OVRMOD
        isr.OVR |= isr.EOC
        if not is_lost:
            self._dr.RDATA = self._result
        is_last = self._position == self._place(0) & 0xF
        isr.EOSMP = isr.EOC = 1
        isr.EOS |= is_last
        self._position = 0 if is_last else self._position + 1
        if not is_last or cfgr.CONT:
            self._convert(due)
        else:
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
