"""Serial peripheral interface (SPI): a master's frames, and who answers them.

What waits before a frame and after it is the version's: spi_v1.py and spi_v2.py.
Sources: RM0008's and RM0090's register and bit names as ST's device headers stm32f103xb.h and
stm32f405xx.h have them; stm32l552xx.h for the STM32L5. Nothing is connected to the pins unless
somebody sets `exchange`: then MISO is high and a master reads ones; a slave is never clocked.
SPI_SR's errors are cleared as the manuals say: OVR by reading DR, then SR; MODF by reading SR, then
writing CR1.
Not modelled: CRC, one data line, receiving only, NSS as an input, I2S and TI modes, DMA's last bit.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

from emulator.clock import Clock
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register, Unmodelled


class SpiCr1(Register):
    """SPI_CR1, SPI control register 1."""

    BIDI = Unmodelled(15, 14)  # BIDIMODE, BIDIOE
    CRC = Unmodelled(13, 12)  # CRCEN, CRCNEXT
    RXONLY = Unmodelled(10, 10)
    SSM = Field(9, 9)  # 1: SSI takes the place of the NSS pin
    SSI = Field(8, 8)
    LSBFIRST = Field(7, 7)  # for who is on the line; the words are the same
    SPE = Field(6, 6)
    BR = Field(5, 3)  # divides the bus clock by 2 << BR
    MSTR = Field(2, 2)
    MODE = Field(1, 0)  # CPOL, CPHA: likewise


class SpiCr2(Register):
    """SPI_CR2, SPI control register 2."""

    TXEIE = Field(7, 7)
    RXNEIE = Field(6, 6)
    ERRIE = Field(5, 5)
    FRF = Unmodelled(4, 4)  # not of the STM32F103
    SSOE = Field(2, 2)
    TXDMAEN = Field(1, 1)
    RXDMAEN = Field(0, 0)


class SpiSr(Register):
    """SPI_SR, SPI status register."""

    FRE = Field(8, 8, Access.RO)
    BSY = Field(7, 7, Access.RO)
    OVR = Field(6, 6, Access.RO)
    MODF = Field(5, 5, Access.RO)
    CRCERR = Field(4, 4, Access.RC_W0)
    UDR = Field(3, 3, Access.RO)
    CHSIDE = Field(2, 2, Access.RO)
    TXE = Field(1, 1, Access.RO)
    RXNE = Field(0, 0, Access.RO)


class SpiDr(Register):
    """SPI_DR, SPI data register: behind its address are two; this is the one that is read."""

    DR = Field(15, 0)


class SpiCrc(Register):
    """SPI_CRCPR, SPI_RXCRCR, SPI_TXCRCR, SPI CRC registers."""

    CRC = Unmodelled(15, 0)


SR, DR = 0x08, 0x0C
ENABLED = SpiCr1.SPE.mask | SpiCr1.MSTR.mask


def nothing_there(_: int, bits: int) -> int:
    """Answer a frame as a line that only a pull-up drives."""
    return (1 << bits) - 1


class Spi(Peripheral):
    """One unit. `exchange` takes a word of so many bits from MOSI and returns MISO's."""

    extra_state: ClassVar[tuple[str, ...]] = ("_shifting", "_is_ovr_read", "_is_modf_shown")

    def __init__(
        self,
        registers: Mapping[int, Register],
        cr1: SpiCr1,
        cr2: SpiCr2,
        sr: SpiSr,
        clock: Clock,
        pclk_hz: Callable[[], int],
        set_irq: Callable[[bool], None],
        set_dma_requests: tuple[Callable[[bool], None], Callable[[bool], None]],
    ) -> None:
        self.cr1, self.cr2, self.sr, self.dr = cr1, cr2, sr, SpiDr()
        crcs = {0x10: SpiCrc(reset=7), 0x14: SpiCrc(), 0x18: SpiCrc()}
        super().__init__({0x00: cr1, 0x04: cr2, SR: sr, DR: self.dr, **crcs, **registers})
        self.exchange: Callable[[int, int], int] = nothing_there
        self._clock, self._pclk_hz, self._set_irq = clock, pclk_hz, set_irq
        self._request_tx, self._request_rx = set_dma_requests
        self._frame_end = clock.timer(self._on_frame_end)
        self._shifting: int | None = None  # the word on MOSI
        self._is_ovr_read = self._is_modf_shown = False  # the first half of what clears them

    @property
    @abstractmethod
    def bits(self) -> int:
        """How many a frame has."""

    @abstractmethod
    def next_word(self) -> int | None:
        """Take the word that waits to be sent, if there is one."""

    @abstractmethod
    def received(self, word: int) -> None:
        """Put a word where software reads it, or lose it and say so."""

    def reset(self) -> None:
        super().reset()
        self._frame_end.stop()
        self._shifting = None
        self._is_ovr_read = self._is_modf_shown = False
        self.update()

    def read(self, offset: int) -> int:
        word = super().read(offset)
        if offset == SR:
            self._is_modf_shown |= bool(self.sr.MODF)
            if self._is_ovr_read:
                self.sr.OVR = 0
        if offset in (SR, DR):
            self._is_ovr_read = offset == DR and bool(self.sr.OVR)
            self.update()
        return word

    def write(self, offset: int, word: int) -> None:
        super().write(offset, word)
        if offset == 0x00:
            self._configured()
        self.update()

    def _configured(self) -> None:
        cr1, sr = self.cr1, self.sr
        if self._is_modf_shown:
            sr.MODF, self._is_modf_shown = 0, False
        if cr1.MSTR and cr1.SSM and not cr1.SSI:  # somebody else would be the master
            sr.MODF = 1
            cr1.word &= ~ENABLED
        self.begin(self._clock.cycles)

    # Frames.

    def begin(self, now: int) -> None:
        """Put the next word on the line, if there is one, a master to clock it, and no other."""
        if self._shifting is not None or self.cr1.word & ENABLED != ENABLED:
            return
        self._shifting = self.next_word()
        self.sr.BSY = self._shifting is not None
        if self._shifting is not None:
            ticks = self.bits * (2 << self.cr1.BR)
            self._frame_end.start_at(now + ticks * self._clock.hz // self._pclk_hz())

    def _on_frame_end(self, due: int) -> None:
        word, self._shifting = self._shifting or 0, None
        self.received(self.exchange(word, self.bits) & (1 << self.bits) - 1)
        self.sr.BSY = 0
        self.begin(due)
        self.update()

    def update(self) -> None:
        """Drive the interrupt's line and the two DMA requests."""
        sr, cr2 = self.sr, self.cr2
        is_error = sr.OVR or sr.MODF
        interrupts = (cr2.TXEIE and sr.TXE) or (cr2.RXNEIE and sr.RXNE) or (cr2.ERRIE and is_error)
        self._set_irq(bool(interrupts))
        self._request_rx(bool(cr2.RXDMAEN and sr.RXNE))
        self._request_tx(bool(cr2.TXDMAEN and sr.TXE and self.cr1.SPE))
