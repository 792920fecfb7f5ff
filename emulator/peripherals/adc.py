"""Analog-to-digital converter (ADC): what the STM32F10x and the STM32F405 have alike.

Regular conversions of voltages that somebody sets from outside; each takes the time its channel's
sampling and the clock tree say. The families' control registers are in adc_f1.py and adc_f4.py.
Sources: RM0008's and RM0090's register and bit names as ST's device headers stm32f103xb.h and
stm32f405xx.h have them.
A trigger that comes while it converts is lost, as RM0440 has it of a later converter.
Not modelled: injected conversions, the analog watchdog, discontinuous and dual modes, triggers by
external interrupts; channels that nobody drives are at 0 V.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

from emulator.clock import Clock, nothing
from emulator.peripherals.analog_inputs import AnalogInputs
from emulator.registers import Access, Field, Register, Unmodelled

SR, CR1, CR2, SMPR1, SMPR2, SQR1, SQR2, SQR3, DR = (
    *(0x00, 0x04, 0x08, 0x0C, 0x10),
    *(0x2C, 0x30, 0x34, 0x4C),
)


class AdcSr(Register):
    """ADC_SR, ADC status register."""

    OVR = Field(5, 5, Access.RC_W0)  # of the STM32F405
    STRT = Field(4, 4, Access.RC_W0)
    JSTRT = Unmodelled(3, 3, Access.RC_W0)
    JEOC = Unmodelled(2, 2, Access.RC_W0)
    EOC = Field(1, 1, Access.RC_W0)  # cleared by reading DR, too
    AWD = Unmodelled(0, 0, Access.RC_W0)


class AdcCr1(Register):
    """ADC_CR1, ADC control register 1."""

    AWDEN = Unmodelled(23, 22)
    DISC = Unmodelled(15, 9)  # DISCNUM, JDISCEN, DISCEN, JAUTO, AWDSGL
    SCAN = Field(8, 8)
    JEOCIE = Unmodelled(7, 7)
    AWDIE = Unmodelled(6, 6)
    EOCIE = Field(5, 5)
    AWDCH = Unmodelled(4, 0)


class AdcCr2(Register):
    """ADC_CR2, ADC control register 2. What starts a conversion, and more, is the family's."""

    ALIGN = Field(11, 11)  # 1: results at the left
    DMA = Field(8, 8)
    CONT = Field(1, 1)
    ADON = Field(0, 0)


class AdcSmpr(Register):
    """ADC_SMPR1, ADC_SMPR2, ADC sample time registers."""

    SMP = Field(29, 0)


class AdcThreshold(Register):
    """ADC_HTR, ADC_LTR, ADC watchdog threshold registers."""

    T = Unmodelled(11, 0)


class AdcInjected(Register):
    """ADC_JOFR1-4, ADC_JSQR, ADC_JDR1-4, of injected conversions."""

    J = Unmodelled(21, 0)


class AdcSqr1(Register):
    """ADC_SQR1, ADC regular sequence register 1."""

    L = Field(23, 20)
    SQ = Field(19, 0)


class AdcSqr(Register):
    """ADC_SQR2, ADC_SQR3, ADC regular sequence registers."""

    SQ = Field(29, 0)


class AdcDr(Register):
    """ADC_DR, ADC regular data register."""

    DATA = Field(15, 0, Access.RO)


class Adc(AnalogInputs):
    """One converter. `pins` names those of its channels that are at pins, from channel 0 on."""

    extra_state: ClassVar[tuple[str, ...]] = (*AnalogInputs.extra_state, "_position")

    def __init__(
        self,
        registers: Mapping[int, Register],
        cr1: AdcCr1,
        cr2: AdcCr2,
        clock: Clock,
        set_irq: Callable[[bool], None],
        request_dma: Callable[[bool], None],
        inside_mv: Mapping[int, int],  # channels inside the chip
        pins: tuple[str, ...],
        rewired: Callable[[], None] = nothing,  # it awaits another trigger
    ) -> None:
        self.sr, self.cr1, self.cr2, self.dr = AdcSr(), cr1, cr2, AdcDr()
        self._smprs = (AdcSmpr(), AdcSmpr())
        self._sqr1, self._sqrs = AdcSqr1(), (AdcSqr(), AdcSqr())
        super().__init__(
            {
                SR: self.sr,
                CR1: cr1,
                CR2: cr2,
                SMPR1: self._smprs[0],
                SMPR2: self._smprs[1],
                **{0x14 + 4 * n: AdcInjected() for n in range(4)},
                0x24: AdcThreshold(reset=0xFFF),
                0x28: AdcThreshold(),
                SQR1: self._sqr1,
                SQR2: self._sqrs[0],
                SQR3: self._sqrs[1],
                **{0x38 + 4 * n: AdcInjected() for n in range(5)},
                DR: self.dr,
                **registers,
            },
            inside_mv,
            pins,
            rewired,
        )
        self.clock, self._set_irq, self._request_dma = clock, set_irq, request_dma
        self._conversion = clock.timer(self.on_end)
        self._position = 0  # of the conversion under way, in the sequence

    @property
    @abstractmethod
    def adc_hz(self) -> int:
        """What clocks it."""

    @property
    @abstractmethod
    def resolution(self) -> int:
        """Bits of a result."""

    @property
    @abstractmethod
    def edges(self) -> int:
        """Of a trigger, which ones start it: 1 that which rises, 2 that which falls."""

    @property
    @abstractmethod
    def has_flag_each(self) -> bool:
        """Whether EOC comes with each conversion of a sequence, and not with the last alone."""

    @abstractmethod
    def half_cycles(self, sampling: int) -> int:
        """How long a conversion takes, in halves of its clock's cycles."""

    def reset(self) -> None:
        with self.rewiring():
            super().reset()
            self.stop()
            self.update()

    def stop(self) -> None:
        self._conversion.stop()
        self._request_dma(False)

    def read(self, offset: int) -> int:
        if offset == DR:
            self.sr.EOC = 0
            self._request_dma(False)
            self.update()
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        with self.rewiring():
            super().write(offset, word)
        self.update()

    # Conversions.

    def trigger(self, number: int, *, rises: bool) -> None:
        """Take an edge of a trigger."""
        is_ours = number in self.awaited and self.edges >> (not rises) & 1
        if is_ours and not self._conversion.is_running:
            self.start()

    def start(self) -> None:
        """Begin the sequence anew."""
        if self.cr2.ADON:
            self.sr.STRT = 1
            self._position = 0
            self._convert(self.clock.cycles)

    @property
    def _channel(self) -> int:
        words = (*self._sqrs[::-1], self._sqr1)
        register, place = divmod(self._position, 6)
        return words[register].word >> 5 * place & 0x1F

    def _convert(self, now: int) -> None:
        high, place = self._channel < 10, self._channel % 10
        sampling = self._smprs[high].word >> 3 * place & 0b111
        half_cycles = self.half_cycles(sampling)
        self._conversion.start_at(now + half_cycles * self.clock.hz // (2 * self.adc_hz))

    def on_end(self, due: int) -> None:
        is_last = not self.cr1.SCAN or self._position == self._sqr1.L
        self.dr.DATA = self.result(self._channel, self.resolution, is_left=bool(self.cr2.ALIGN))
        if is_last or self.has_flag_each:
            self.sr.EOC = 1
        self.update()
        if self.cr2.DMA:
            self._request_dma(True)
        self._position = 0 if is_last else self._position + 1
        if not is_last or self.cr2.CONT:
            self._convert(due)

    @property
    def is_interrupting(self) -> bool:
        return bool(self.cr1.EOCIE and self.sr.EOC)

    def update(self) -> None:
        self._set_irq(self.is_interrupting)
