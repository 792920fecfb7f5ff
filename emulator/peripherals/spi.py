"""Serial peripheral interface (SPI), STM32F1 and F4: a master's frames, and who answers them.

Sources: RM0008's and RM0090's register and bit names as ST's device headers stm32f103xb.h and
stm32f405xx.h have them. Nothing is connected to the pins unless somebody sets `exchange`: then MISO
is high and a master reads ones; a slave is never clocked. SPI_SR's errors are cleared as the
manuals say: OVR by reading DR, then SR; MODF by reading SR, then writing CR1.
Not modelled: CRC, one data line, receiving only, NSS as an input, I2S and TI modes, DMA's last bit.
"""

from collections.abc import Callable

from emulator.clock import Clock
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register, Unmodelled


class SpiCr1(Register):
    """SPI_CR1, SPI control register 1."""

    BIDI = Unmodelled(15, 14)  # BIDIMODE, BIDIOE
    CRC = Unmodelled(13, 12)  # CRCEN, CRCNEXT
    DFF = Field(11, 11)  # 1: frames of 16 bits
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
    FRF = Unmodelled(4, 4)  # of the STM32F405
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
    """SPI_DR, SPI data register: two registers behind one address; this is the one that is read."""

    DR = Field(15, 0)


class SpiCrc(Register):
    """SPI_CRCPR, SPI_RXCRCR, SPI_TXCRCR, SPI CRC registers."""

    CRC = Unmodelled(15, 0)


class SpiI2s(Register):
    """SPI_I2SCFGR, SPI_I2SPR, SPI I2S registers."""

    I2S = Unmodelled(11, 0)


SR, DR = 0x08, 0x0C
ENABLED = SpiCr1.SPE.mask | SpiCr1.MSTR.mask


def nothing_there(_: int, bits: int) -> int:
    """Answer a frame as a line that only a pull-up drives."""
    return (1 << bits) - 1


class Spi(Peripheral):
    """One unit. `exchange` takes a word of so many bits from MOSI and returns MISO's."""

    extra_state = ("_shifting", "_waiting", "_is_ovr_read", "_is_modf_shown")

    def __init__(
        self,
        clock: Clock,
        pclk_hz: Callable[[], int],
        set_irq: Callable[[bool], None],
        set_dma_requests: tuple[Callable[[bool], None], Callable[[bool], None]],
        *,
        has_i2spr: bool = False,
    ) -> None:
        self.cr1, self.cr2, self.dr = SpiCr1(), SpiCr2(), SpiDr()
        self.sr = SpiSr(reset=SpiSr.TXE.mask)
        registers: dict[int, Register] = {
            0x00: self.cr1,
            0x04: self.cr2,
            SR: self.sr,
            DR: self.dr,
            0x10: SpiCrc(reset=7),
            0x14: SpiCrc(),
            0x18: SpiCrc(),
            0x1C: SpiI2s(),
        }
        if has_i2spr:
            registers[0x20] = SpiI2s(reset=2)
        super().__init__(registers)
        self.exchange: Callable[[int, int], int] = nothing_there
        self._clock, self._pclk_hz, self._set_irq = clock, pclk_hz, set_irq
        self._request_tx, self._request_rx = set_dma_requests
        self._frame_end = clock.timer(self._on_frame_end)
        self._shifting: int | None = None  # the word on MOSI
        self._waiting: int | None = None  # the word in the transmit buffer
        self._is_ovr_read = self._is_modf_shown = False  # the first half of what clears them

    def reset(self) -> None:
        super().reset()
        self._frame_end.stop()
        self._shifting = self._waiting = None
        self._is_ovr_read = self._is_modf_shown = False
        self._update()

    def read(self, offset: int) -> int:
        word = super().read(offset)
        if offset == SR:
            self._is_modf_shown |= bool(self.sr.MODF)
            if self._is_ovr_read:
                self.sr.OVR = 0
        elif offset == DR:
            self.sr.RXNE = 0
        if offset in (SR, DR):
            self._is_ovr_read = offset == DR and bool(self.sr.OVR)
            self._update()
        return word

    def write(self, offset: int, word: int) -> None:
        if offset == DR:
            self._waiting = word & (1 << self._bits) - 1
            self.sr.TXE = 0
            if self._shifting is None:
                self._start_frame(self._clock.cycles)
        else:
            super().write(offset, word)
            if offset == 0x00:
                self._configured()
        self._update()

    def _configured(self) -> None:
        cr1, sr = self.cr1, self.sr
        if self._is_modf_shown:
            sr.MODF, self._is_modf_shown = 0, False
        if cr1.MSTR and cr1.SSM and not cr1.SSI:  # somebody else would be the master
            sr.MODF = 1
            cr1.word &= ~ENABLED
        if self._shifting is None:
            self._start_frame(self._clock.cycles)

    # Frames.

    @property
    def _bits(self) -> int:
        return 16 if self.cr1.DFF else 8

    def _start_frame(self, now: int) -> None:
        """Move the waiting word to the line, if there is one and a master to clock it."""
        if self._waiting is None or self.cr1.word & ENABLED != ENABLED:
            return
        self._shifting, self._waiting = self._waiting, None
        self.sr.TXE = self.sr.BSY = 1
        ticks = self._bits * (2 << self.cr1.BR)
        self._frame_end.start_at(now + ticks * self._clock.hz // self._pclk_hz())

    def _on_frame_end(self, due: int) -> None:
        word, self._shifting = self._shifting or 0, None
        answer = self.exchange(word, self._bits) & (1 << self._bits) - 1
        if self.sr.RXNE:
            self.sr.OVR = 1  # the data register keeps the older word
        else:
            self.dr.DR = answer
            self.sr.RXNE = 1
        self.sr.BSY = 0
        self._start_frame(due)
        self._update()

    def _update(self) -> None:
        """Drive the interrupt's line and the two DMA requests."""
        sr, cr2 = self.sr, self.cr2
        is_error = sr.OVR or sr.MODF
        interrupts = (cr2.TXEIE and sr.TXE) or (cr2.RXNEIE and sr.RXNE) or (cr2.ERRIE and is_error)
        self._set_irq(bool(interrupts))
        self._request_rx(bool(cr2.RXDMAEN and sr.RXNE))
        self._request_tx(bool(cr2.TXDMAEN and sr.TXE and self.cr1.SPE))
