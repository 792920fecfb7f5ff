"""Digital-to-analog converter (DAC), STM32F405 and L5: two channels, each with its pin.

Sources: RM0090's register and bit names as ST's device header stm32f405xx.h has them;
stm32l552xx.h for what the L5 has otherwise.
A channel holds one value, DHRx, of which the DHR registers are views; it goes to DORx at once, or
with the trigger.
UNKNOWN: DORx follows while the channel is off, too.
Not modelled: triggers by external interrupts, waves, DMA; that a converter reads the pin's voltage;
the L5's calibration (CAL_FLAGx stay 0), outputs to the inside alone, sample and hold.
"""

from collections.abc import Callable, Mapping

from emulator.clock import nothing
from emulator.peripherals.absent import absent_registers
from emulator.peripherals.analog_inputs import FULL_SCALE, VREF_MV
from emulator.peripherals.base import NO_REGISTERS
from emulator.peripherals.triggered import Triggered
from emulator.registers import Access, Field, Register, Unmodelled

VIEWS = {0x08: (0, 0xFFF), 0x0C: (-4, 0xFFF0), 0x10: (4, 0xFF)}  # DHR12Rx, DHR12Lx, DHR8Rx:
CHANNEL_SIZE = 0x0C  # how far DHR goes to the right of them, and their bits
DUAL = {0x20: (0x08, 16), 0x24: (0x0C, 16), 0x28: (0x10, 8)}  # which view, and channel 2's place


class DacCr(Register):
    """DAC_CR, DAC control register."""

    DMA2 = Unmodelled(29, 28)  # DMAUDRIE2, DMAEN2
    WAVE2 = Unmodelled(27, 22)  # MAMP2, WAVE2
    TSEL2 = Field(21, 19)  # 0b111: software
    TEN2 = Field(18, 18)
    BOFF2 = Field(17, 17)
    EN2 = Field(16, 16)
    DMA1 = Unmodelled(13, 12)
    WAVE1 = Unmodelled(11, 6)
    TSEL1 = Field(5, 3)
    TEN1 = Field(2, 2)
    BOFF1 = Field(1, 1)
    EN1 = Field(0, 0)


class DacCrL5(Register):
    """DAC_CR, DAC control register."""

    CEN2 = Field(30, 30)
    DMA2 = Unmodelled(29, 28)  # DMAUDRIE2, DMAEN2
    WAVE2 = Unmodelled(27, 22)  # MAMP2, WAVE2
    TSEL2 = Field(21, 18)  # 0: software
    TEN2 = Field(17, 17)
    EN2 = Field(16, 16)
    HFSEL = Field(15, 15)
    CEN1 = Field(14, 14)
    DMA1 = Unmodelled(13, 12)
    WAVE1 = Unmodelled(11, 6)
    TSEL1 = Field(5, 2)
    TEN1 = Field(1, 1)
    EN1 = Field(0, 0)


class DacSwtrigr(Register):
    """DAC_SWTRIGR, DAC software trigger register."""

    SWTRIG = Field(1, 0, Access.WO)


class DacDhr(Register):
    """DAC_DHR12R1 to DAC_DHR8RD, data holding registers."""

    DATA = Field(31, 0)


class DacDor(Register):
    """DAC_DOR1, DAC_DOR2, data output registers."""

    DACCDOR = Field(11, 0, Access.RO)


class DacSr(Register):
    """DAC_SR, DAC status register."""

    DMAUDR2 = Field(29, 29, Access.RC_W1)
    DMAUDR1 = Field(13, 13, Access.RC_W1)


class DacSrL5(Register):
    """DAC_SR, DAC status register."""

    BWST2 = Field(31, 31, Access.RO)
    CAL_FLAG2 = Field(30, 30, Access.RO)
    DMAUDR2 = Field(29, 29, Access.RC_W1)
    BWST1 = Field(15, 15, Access.RO)
    CAL_FLAG1 = Field(14, 14, Access.RO)
    DMAUDR1 = Field(13, 13, Access.RC_W1)


class DacCcr(Register):
    """DAC_CCR, DAC calibration control register."""

    OTRIM2 = Field(20, 16)
    OTRIM1 = Field(4, 0)


class DacMcr(Register):
    """DAC_MCR, DAC mode control register."""

    MODE2 = Unmodelled(18, 16)
    MODE1 = Unmodelled(2, 0)


class Dac(Triggered):
    """The converter. `pins` names those of its channels, `software` is that trigger's TSELx."""

    extra_state = ("_held",)

    def __init__(
        self,
        pins: tuple[str, str],
        cr: DacCr | DacCrL5 | None = None,
        sr: Register | None = None,
        software: int = 0b111,
        further: Mapping[int, Register] = NO_REGISTERS,
        rewired: Callable[[], None] = nothing,  # it awaits other triggers
    ) -> None:
        self.pins, self._software = pins, software
        self.cr, self._dors = cr or DacCr(), (DacDor(), DacDor())
        dhrs = {0x08 + 4 * n: DacDhr() for n in range(9)}
        super().__init__(
            {
                0x00: self.cr,
                0x04: DacSwtrigr(),
                **dhrs,
                0x2C: self._dors[0],
                0x30: self._dors[1],
                0x34: sr or DacSr(),
                **further,
            },
            rewired,
        )
        self._held = (0, 0)  # DHR1, DHR2

    def voltage(self, pin: str) -> int | None:
        """Return the millivolts at a pin, None while its channel is off."""
        channel = self.pins.index(pin)
        if not self.cr.word >> 16 * channel & type(self.cr).EN1.mask:
            return None
        return self._dors[channel].DACCDOR * VREF_MV // FULL_SCALE

    def reset(self) -> None:
        with self.rewiring():
            super().reset()
            self._held = (0, 0)

    def read(self, offset: int) -> int:
        if offset in DUAL:
            view, place = DUAL[offset]
            return self._shown(0, view) | self._shown(1, view) << place
        channel, view = self._view_at(offset)
        return self._shown(channel, view) if view in VIEWS else super().read(offset)

    def write(self, offset: int, word: int) -> None:
        channel, view = self._view_at(offset)
        if offset in DUAL:
            view, place = DUAL[offset]
            self._held = self._taken(view, word), self._taken(view, word >> place)
        elif view in VIEWS:
            one, other = self._held
            taken = self._taken(view, word)
            self._held = (one, taken) if channel else (taken, other)
        else:
            with self.rewiring():
                super().write(offset, word)
        software = word if offset == 0x04 else 0
        for n, number in enumerate(self._awaited):
            if number is None or (number == self._software and software >> n & 1):
                self._let_through(n)

    @property
    def _awaited(self) -> tuple[int | None, int | None]:
        """The channels' triggers, None where one needs none."""
        kind, one, other = type(self.cr), self.cr.word, self.cr.word >> 16
        return (
            kind.TSEL1.of(one) if kind.TEN1.of(one) else None,
            kind.TSEL1.of(other) if kind.TEN1.of(other) else None,
        )

    @property
    def awaited(self) -> tuple[int, ...]:
        """The triggers that let values through, by TSELx."""
        return tuple({number for number in self._awaited if number is not None})

    def trigger(self, number: int, *, rises: bool) -> None:
        """Take an edge of a trigger."""
        for n, awaited in enumerate(self._awaited):
            if rises and number == awaited:
                self._let_through(n)

    def _let_through(self, channel: int) -> None:
        self._dors[channel].DACCDOR = self._held[channel]

    @staticmethod
    def _view_at(offset: int) -> tuple[int, int]:
        """Return the channel whose view is at an offset, and which one as VIEWS has it."""
        is_second = 0x14 <= offset < 0x20
        return int(is_second), offset - CHANNEL_SIZE * is_second

    def _shown(self, channel: int, view: int) -> int:
        right, bits = VIEWS[view]
        held = self._held[channel]
        return (held >> right if right > 0 else held << -right) & bits

    @staticmethod
    def _taken(view: int, word: int) -> int:
        right, bits = VIEWS[view]
        word &= bits
        return word << right if right > 0 else word >> -right


def dac_l5(pins: tuple[str, str], rewired: Callable[[], None] = nothing) -> Dac:
    """Make the STM32L5's."""
    further: dict[int, Register] = {0x38: DacCcr(), 0x3C: DacMcr()}
    sample_and_hold = "@40 SHSR1 SHSR2 SHHR=10001 SHRR=10001"
    further |= absent_registers("DAC", sample_and_hold)
    return Dac(pins, DacCrL5(), DacSrL5(), software=0, further=further, rewired=rewired)
