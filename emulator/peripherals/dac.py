"""Digital-to-analog converter (DAC), STM32F405: two channels, each with its pin.

Sources: RM0090's register and bit names as ST's device header stm32f405xx.h has them.
A channel holds one value, DHRx, of which the DHR registers are views; it goes to DORx at once, or
with the trigger.
UNKNOWN: DORx follows while the channel is off, too.
Not modelled: triggers but software's, waves, DMA; that a converter reads the pin's voltage.
"""

from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register, Unmodelled

VREF_MV = 3_300
FULL_SCALE = 4_095
VIEWS = {0x08: (0, 0xFFF), 0x0C: (-4, 0xFFF0), 0x10: (4, 0xFF)}  # DHR12Rx, DHR12Lx, DHR8Rx:
CHANNEL_SIZE = 0x0C  # how far DHR goes to the right of them, and their bits
DUAL = {0x20: (0x08, 16), 0x24: (0x0C, 16), 0x28: (0x10, 8)}  # which view, and channel 2's place
SOFTWARE = 0b111  # TSELx


class DacCr(Register):
    """DAC_CR, DAC control register."""

    DMA2 = Unmodelled(29, 28)  # DMAUDRIE2, DMAEN2
    WAVE2 = Unmodelled(27, 22)  # MAMP2, WAVE2
    TSEL2 = Field(21, 19)  # 0b111: software; the others never come
    TEN2 = Field(18, 18)
    BOFF2 = Field(17, 17)
    EN2 = Field(16, 16)
    DMA1 = Unmodelled(13, 12)
    WAVE1 = Unmodelled(11, 6)
    TSEL1 = Field(5, 3)
    TEN1 = Field(2, 2)
    BOFF1 = Field(1, 1)
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


class Dac(Peripheral):
    """The converter. `pins` names those of its channels."""

    extra_state = ("_held",)

    def __init__(self, pins: tuple[str, str]) -> None:
        self.pins = pins
        self.cr, self._dors = DacCr(), (DacDor(), DacDor())
        dhrs = {0x08 + 4 * n: DacDhr() for n in range(9)}
        super().__init__(
            {
                0x00: self.cr,
                0x04: DacSwtrigr(),
                **dhrs,
                0x2C: self._dors[0],
                0x30: self._dors[1],
                0x34: DacSr(),
            }
        )
        self._held = (0, 0)  # DHR1, DHR2

    def voltage(self, pin: str) -> int | None:
        """Return the millivolts at a pin, None while its channel is off."""
        channel = self.pins.index(pin)
        if not self.cr.word >> 16 * channel & DacCr.EN1.mask:
            return None
        return self._dors[channel].DACCDOR * VREF_MV // FULL_SCALE

    def reset(self) -> None:
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
            super().write(offset, word)
        for n, dor in enumerate(self._dors):
            control = self.cr.word >> 16 * n
            is_triggered = offset == 0x04 and word >> n & 1
            is_ours = DacCr.TSEL1.of(control) == SOFTWARE and is_triggered
            if is_ours or not DacCr.TEN1.of(control):
                dor.DACCDOR = self._held[n]

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
