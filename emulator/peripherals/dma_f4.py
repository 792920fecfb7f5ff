"""Direct memory access controller (DMA), STM32F405: eight streams, each serving one of channels.

Sources: RM0090's register and bit names as ST's device header stm32f405xx.h has them; reset values
from ST's STM32F41x.svd. Deviation: a transfer takes no time, so priorities, bursts and the FIFO's
thresholds have no effect, and memory is accessed in items of the peripheral's size.
Not modelled: flow control by the peripheral, FIFO and direct mode errors.
"""

from collections.abc import Callable, Sequence

from emulator.peripherals.dma import SIZES, Controller, Master
from emulator.registers import Access, Field, Register, Unmodelled

STREAMS = 8
STREAM_BASE, STREAM_SIZE = 0x10, 0x18
COMPLETE, HALF, ERROR = 1 << 5, 1 << 4, 1 << 3  # a stream's flags in LISR or HISR
ENABLED_BY_CR = COMPLETE | HALF | ERROR  # each is a place above its enable bit
SHIFTS = (0, 6, 16, 22)  # of the flags of streams 0 to 3, or 4 to 7
FROM_MEMORY, MEMORY_TO_MEMORY = 0b01, 0b10  # DIR


class DmaIsr(Register):
    """DMA_LISR and DMA_HISR, interrupt status registers: TCIF, HTIF, TEIF, DMEIF, FEIF a stream."""

    FLAGS = Field(27, 0, Access.RO)


class DmaIfcr(Register):
    """DMA_LIFCR and DMA_HIFCR, interrupt flag clear registers."""

    FLAGS = Field(27, 0, Access.WO)


class DmaScr(Register):
    """DMA_SxCR, stream configuration register."""

    CHSEL = Field(27, 25)
    MBURST = Field(24, 23)
    PBURST = Field(22, 21)
    CT = Field(19, 19)  # 1: memory 1 is in use
    DBM = Field(18, 18)  # 1: memory 0 and 1 by turns
    PL = Field(17, 16)
    PINCOS = Field(15, 15)  # 1: the peripheral's address grows by 4
    MSIZE = Field(14, 13)
    PSIZE = Field(12, 11)
    MINC = Field(10, 10)
    PINC = Field(9, 9)
    CIRC = Field(8, 8)
    DIR = Field(7, 6)
    PFCTRL = Unmodelled(5, 5)
    TCIE = Field(4, 4)  # this and what follows: a place below their flags
    HTIE = Field(3, 3)
    TEIE = Field(2, 2)
    DMEIE = Field(1, 1)
    EN = Field(0, 0)


class DmaSndtr(Register):
    """DMA_SxNDTR, stream number of data register: transfers that are left."""

    NDT = Field(15, 0)


class DmaSpar(Register):
    """DMA_SxPAR, stream peripheral address register."""

    PA = Field(31, 0)


class DmaSmar(Register):
    """DMA_SxM0AR and DMA_SxM1AR, stream memory address registers."""

    MA = Field(31, 0)


class DmaSfcr(Register):
    """DMA_SxFCR, stream FIFO control register."""

    FEIE = Field(7, 7)
    FS = Field(5, 3, Access.RO)  # 0b100: empty
    DMDIS = Field(2, 2)
    FTH = Field(1, 0)


class Stream:
    """One stream's registers, and how far it has come."""

    def __init__(self) -> None:
        self.cr = DmaScr()
        self.ndtr = DmaSndtr()
        self.par = DmaSpar()
        self.memories = (DmaSmar(), DmaSmar())
        self.fcr = DmaSfcr(reset=0x0000_0021)
        self.total = 0  # NDTR when the stream was enabled
        self.requested = 0  # channels that request, a bit each
        self.pulses = 0  # channels that ask for one transfer at a time

    @property
    def is_ready(self) -> bool:
        cr = self.cr
        wanted = self.requested >> cr.CHSEL & 1 or cr.DIR == MEMORY_TO_MEMORY
        return bool(cr.EN and self.ndtr.NDT and wanted)

    @property
    def addresses(self) -> tuple[int, int]:
        """Return the peripheral's and the memory's address of the next transfer."""
        done, cr = self.total - self.ndtr.NDT, self.cr
        size = SIZES[cr.PSIZE]
        memory = self.memories[cr.CT].word
        step = 4 if cr.PINCOS else size
        return self.par.word + done * cr.PINC * step, memory + done * cr.MINC * size


class DmaF4(Controller):
    """The controller. `set_irqs` has one function for each stream."""

    extra_state = ("_progress",)

    def __init__(self, bus: Master, set_irqs: Sequence[Callable[[bool], None]]) -> None:
        self._isrs = (DmaIsr(), DmaIsr())
        self.streams = [Stream() for _ in range(STREAMS)]
        registers: dict[int, Register] = dict(zip((0x00, 0x04), self._isrs, strict=True))
        registers |= {0x08: DmaIfcr(), 0x0C: DmaIfcr()}
        for n, stream in enumerate(self.streams):
            own = (stream.cr, stream.ndtr, stream.par, *stream.memories, stream.fcr)
            base = STREAM_BASE + n * STREAM_SIZE
            registers |= {base + 4 * i: register for i, register in enumerate(own)}
        super().__init__(registers)
        self._bus, self._set_irqs = bus, set_irqs

    @property
    def _progress(self) -> tuple[tuple[int, int], ...]:
        return tuple((stream.total, stream.requested) for stream in self.streams)

    @_progress.setter
    def _progress(self, progress: tuple[tuple[int, int], ...]) -> None:
        for stream, (total, requested) in zip(self.streams, progress, strict=True):
            stream.total, stream.requested = total, requested

    def reset(self) -> None:
        super().reset()
        for stream in self.streams:
            stream.total = 0
        self.update_irqs()

    def write(self, offset: int, word: int) -> None:
        n, at = divmod(offset - STREAM_BASE, STREAM_SIZE)
        if offset in (0x08, 0x0C):
            self._isrs[offset == 0x0C].word &= ~word
        elif not 0 <= n < STREAMS:
            super().write(offset, word)
        elif at == 0x00:
            self._configure(n, word)
        elif not self.streams[n].cr.EN or at == 0x10 - 4 * self.streams[n].cr.CT:
            super().write(offset, word)  # of an enabled one: the memory that is not in use
        self.update_irqs()

    def request(
        self, stream: int, channel: int, *, is_pulse: bool = False
    ) -> Callable[[bool], None]:
        """Return what drives a channel's request of a stream, both numbered from 0.

        A pulse is over with the transfer that it asked for, and lost where the stream is off.
        """
        requested = self.streams[stream]
        requested.pulses |= is_pulse << channel

        def set_request(level: bool) -> None:
            if is_pulse and not (requested.cr.EN and requested.cr.CHSEL == channel):
                return
            requested.requested = requested.requested & ~(1 << channel) | level << channel
            if level:
                self.serve()

        return set_request

    def _configure(self, n: int, word: int) -> None:
        stream = self.streams[n]
        if not stream.cr.EN:
            stream.cr.write(word)
            stream.total = stream.ndtr.NDT
            self.serve()
        elif not DmaScr.EN.of(word):
            stream.cr.EN = 0
            self._flag(n, COMPLETE)  # says that the stream has stopped
        else:  # of an enabled stream, only the interrupts can be changed
            enables = ENABLED_BY_CR >> 1 | DmaScr.DMEIE.mask
            stream.cr.word = stream.cr.word & ~enables | word & enables

    def next_ready(self) -> int | None:
        return next((n for n, stream in enumerate(self.streams) if stream.is_ready), None)

    def transfer(self, n: int) -> None:
        stream = self.streams[n]
        cr, size = stream.cr, SIZES[stream.cr.PSIZE]
        source, target = stream.addresses
        if cr.DIR == FROM_MEMORY:
            source, target = target, source
        stream.ndtr.NDT -= 1
        stream.requested &= ~stream.pulses
        value = self._bus.load(source, size)
        if value is None or not self._bus.store(target, size, value):
            cr.EN = 0
            self._flag(n, ERROR)
            return
        left = stream.ndtr.NDT
        if left == stream.total // 2:
            self._flag(n, HALF)
        if left == 0:
            self._flag(n, COMPLETE)
            self._begin_anew(stream)

    def _begin_anew(self, stream: Stream) -> None:
        """Go on after the last transfer, or stop."""
        cr = stream.cr
        if cr.DIR == MEMORY_TO_MEMORY or not (cr.CIRC or cr.DBM):
            cr.EN = 0
            return
        cr.CT ^= cr.DBM
        stream.ndtr.NDT = stream.total

    def _flag(self, n: int, flag: int) -> None:
        self._isrs[n // 4].word |= flag << SHIFTS[n % 4]

    def update_irqs(self) -> None:
        for n, (stream, set_irq) in enumerate(zip(self.streams, self._set_irqs, strict=True)):
            flags = self._isrs[n // 4].word >> SHIFTS[n % 4]
            set_irq(bool(flags & stream.cr.word << 1 & ENABLED_BY_CR))
