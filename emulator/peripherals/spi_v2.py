"""Serial peripheral interface (SPI), STM32L5: frames of 4 to 16 bits, four bytes each way.

How wide an access to DR is counts: a byte moves one byte, anything wider two, which are two frames
where these have up to 8 bits. Sources: ST's device header stm32l552xx.h for registers and bits; its
driver stm32l5xx_hal_spi.c for how software packs frames and waits for levels.
UNKNOWN: a byte too many is lost, and an empty FIFO reads 0; both outlive SPE; what level three
bytes are (full, here).
Not modelled: see spi.py.
"""

from collections.abc import Callable

from emulator.clock import Clock
from emulator.peripherals.spi import DR, Spi, SpiCr1, SpiCr2, SpiSr
from emulator.registers import Access, Field, Unmodelled

DEPTH = 4  # bytes of either FIFO
HALF = 2
LEVELS = (0b00, 0b01, 0b10, 0b11, 0b11)  # by bytes
SHORTEST, USUAL = 4, 8  # bits of a frame; what a shorter one has instead


class SpiCr1V2(SpiCr1):
    """SPI_CR1, SPI control register 1."""

    CRCL = Unmodelled(11, 11)


class SpiCr2V2(SpiCr2):
    """SPI_CR2, SPI control register 2."""

    LDMA = Unmodelled(14, 13)  # LDMA_TX, LDMA_RX
    FRXTH = Field(12, 12)  # RXNE comes with a byte; 0: with two
    DS = Field(11, 8)  # bits of a frame, less one
    NSSP = Unmodelled(3, 3)


class SpiSrV2(SpiSr):
    """SPI_SR, SPI status register."""

    FTLVL = Field(12, 11, Access.RO)
    FRLVL = Field(10, 9, Access.RO)


class SpiV2(Spi):
    """One unit."""

    extra_state = (*Spi.extra_state, "_to_send", "_heard")

    def __init__(
        self,
        clock: Clock,
        pclk_hz: Callable[[], int],
        set_irq: Callable[[bool], None],
        set_dma_requests: tuple[Callable[[bool], None], Callable[[bool], None]],
    ) -> None:
        self._cr2 = SpiCr2V2(reset=(USUAL - 1) << SpiCr2V2.DS.low)
        self._sr = SpiSrV2(reset=SpiSr.TXE.mask)
        super().__init__(
            {}, SpiCr1V2(), self._cr2, self._sr, clock, pclk_hz, set_irq, set_dma_requests
        )
        self._to_send = self._heard = b""  # the FIFOs

    @property
    def bits(self) -> int:
        bits = self._cr2.DS + 1
        return bits if bits >= SHORTEST else USUAL

    @property
    def _frame_bytes(self) -> int:
        return 1 if self.bits <= USUAL else 2

    def reset(self) -> None:
        self._to_send = self._heard = b""
        super().reset()

    # DR, whose width counts.

    def read_narrow(self, offset: int, size: int) -> int:
        if offset != DR:
            return super().read_narrow(offset, size)
        taken = min(size, 2)
        self.dr.DR = int.from_bytes(self._heard[:taken], "little")
        self._heard = self._heard[taken:]
        return super().read(offset)

    def read(self, offset: int) -> int:
        return self.read_narrow(DR, 2) if offset == DR else super().read(offset)

    def write_lanes(self, offset: int, word: int, lanes: int) -> None:
        if offset != DR:
            super().write_lanes(offset, word, lanes)
            return
        size = min(lanes.bit_count() // 8, 2)
        data = (word & 0xFFFF).to_bytes(2, "little")[:size]
        self._to_send = (self._to_send + data)[:DEPTH]
        self.begin(self._clock.cycles)
        self.update()

    def write(self, offset: int, word: int) -> None:
        if offset == DR:
            self.write_lanes(DR, word, 0xFFFF)
        else:
            super().write(offset, word)

    # Frames.

    def next_word(self) -> int | None:
        size = self._frame_bytes
        if len(self._to_send) < size:
            return None
        word = int.from_bytes(self._to_send[:size], "little")
        self._to_send = self._to_send[size:]
        return word & (1 << self.bits) - 1

    def received(self, word: int) -> None:
        size = self._frame_bytes
        if len(self._heard) + size > DEPTH:
            self._sr.OVR = 1
        else:
            self._heard += word.to_bytes(size, "little")

    def update(self) -> None:
        sr, to_send, heard = self._sr, len(self._to_send), len(self._heard)
        sr.TXE = to_send <= HALF
        sr.RXNE = heard >= (1 if self._cr2.FRXTH else HALF)
        sr.FTLVL, sr.FRLVL = LEVELS[to_send], LEVELS[heard]
        super().update()
