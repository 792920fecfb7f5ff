"""Serial peripheral interface (SPI), STM32F1 and F4: frames of 8 or 16 bits, a word each way.

Sources and gaps: as spi.py.
"""

from collections.abc import Callable

from emulator.clock import Clock
from emulator.peripherals.spi import DR, Spi, SpiCr1, SpiCr2, SpiSr
from emulator.registers import Field, Register, Unmodelled


class SpiCr1V1(SpiCr1):
    """SPI_CR1, SPI control register 1."""

    DFF = Field(11, 11)  # 1: frames of 16 bits


class SpiI2s(Register):
    """SPI_I2SCFGR, SPI_I2SPR, SPI I2S registers."""

    I2S = Unmodelled(11, 0)


class SpiV1(Spi):
    """One unit."""

    extra_state = (*Spi.extra_state, "_waiting")

    def __init__(
        self,
        clock: Clock,
        pclk_hz: Callable[[], int],
        set_irq: Callable[[bool], None],
        set_dma_requests: tuple[Callable[[bool], None], Callable[[bool], None]],
        *,
        has_i2spr: bool = False,
    ) -> None:
        i2s: dict[int, Register] = {0x1C: SpiI2s()}
        if has_i2spr:
            i2s[0x20] = SpiI2s(reset=2)
        self._cr1, sr = SpiCr1V1(), SpiSr(reset=SpiSr.TXE.mask)
        super().__init__(i2s, self._cr1, SpiCr2(), sr, clock, pclk_hz, set_irq, set_dma_requests)
        self._waiting: int | None = None  # the word in the transmit buffer

    @property
    def bits(self) -> int:
        return 16 if self._cr1.DFF else 8

    def reset(self) -> None:
        self._waiting = None
        super().reset()

    def read(self, offset: int) -> int:
        if offset == DR:
            self.sr.RXNE = 0
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        if offset != DR:
            super().write(offset, word)
            return
        self._waiting = word & (1 << self.bits) - 1
        self.sr.TXE = 0
        self.begin(self._clock.cycles)
        self.update()

    def next_word(self) -> int | None:
        word, self._waiting = self._waiting, None
        self.sr.TXE = 1
        return word

    def received(self, word: int) -> None:
        if self.sr.RXNE:
            self.sr.OVR = 1  # the data register keeps the older word
        else:
            self.dr.DR = word
            self.sr.RXNE = 1
