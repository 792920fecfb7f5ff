"""Direct memory access controller (DMA), STM32F10x and L5: channels that serve requests.

Sources: RM0008's register and bit names as ST's device header stm32f103xb.h has them; stm32l552xx.h
for the STM32L5, which has eight channels and a second memory (CM1AR).
Deviation: a transfer takes no time, so priorities among channels have no effect.
Not modelled: the L5's double buffers and security.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register, Unmodelled

SIZES = (1, 2, 4, 4)  # bytes, by MSIZE and PSIZE; 0b11 is reserved
GLOBAL, COMPLETE, HALF, ERROR = 1 << 0, 1 << 1, 1 << 2, 1 << 3  # a channel's flags in ISR
CHANNEL_BASE, CHANNEL_SIZE = 0x08, 0x14


class Master(Protocol):
    """The bus as the controller uses it."""

    def load(self, address: int, size: int) -> int | None:
        """Return what memory or a register holds, or None where nothing is."""
        ...

    def store(self, address: int, size: int, value: int) -> bool:
        """Write to RAM or to a register; False where neither is."""
        ...


class DmaIsr(Register):
    """DMA_ISR, Interrupt status register: TEIF, HTIF, TCIF and GIF of each channel."""

    FLAGS = Field(31, 0, Access.RO)


class DmaIfcr(Register):
    """DMA_IFCR, Interrupt flag clear register: CTEIF, CHTIF, CTCIF and CGIF of each channel."""

    FLAGS = Field(31, 0, Access.WO)


class DmaCcr(Register):
    """DMA_CCRx, Channel configuration register."""

    MEM2MEM = Field(14, 14)
    PL = Field(13, 12)
    MSIZE = Field(11, 10)
    PSIZE = Field(9, 8)
    MINC = Field(7, 7)
    PINC = Field(6, 6)
    CIRC = Field(5, 5)
    DIR = Field(4, 4)  # 1: from memory
    TEIE = Field(3, 3)  # this and what follows: at the places of their flags in ISR
    HTIE = Field(2, 2)
    TCIE = Field(1, 1)
    EN = Field(0, 0)


class DmaCcrL5(DmaCcr):
    """DMA_CCRx, channel configuration register."""

    SECURITY = Unmodelled(20, 17)  # PRIV, DSEC, SSEC, SECM
    CT = Unmodelled(16, 16)
    DBM = Unmodelled(15, 15)


class DmaCndtr(Register):
    """DMA_CNDTRx, Channel number of data register: transfers that are left."""

    NDT = Field(15, 0)


class DmaCpar(Register):
    """DMA_CPARx, Channel peripheral address register."""

    PA = Field(31, 0)


class DmaCmar(Register):
    """DMA_CMARx, Channel memory address register."""

    MA = Field(31, 0)


class DmaCm1ar(Register):
    """DMA_CM1ARx, channel memory 1 address register."""

    MA = Unmodelled(31, 0)


class Channel:
    """One channel's registers, and how far it has come."""

    def __init__(self, ccr: DmaCcr) -> None:
        self.ccr = ccr
        self.cndtr = DmaCndtr()
        self.cpar = DmaCpar()
        self.cmar = DmaCmar()
        self.total = 0  # CNDTR when the channel was enabled
        self.sources = 0  # how many may request it
        self.requested = 0  # by which of them, a bit each
        self.pulses = 0  # which of them ask for one transfer at a time

    @property
    def addresses(self) -> tuple[int, int]:
        """Return the peripheral's and the memory's address of the next transfer."""
        done = self.total - self.cndtr.NDT
        ccr = self.ccr
        return (
            self.cpar.word + done * ccr.PINC * SIZES[ccr.PSIZE],
            self.cmar.word + done * ccr.MINC * SIZES[ccr.MSIZE],
        )

    @property
    def is_ready(self) -> bool:
        wanted = self.requested or self.ccr.MEM2MEM
        return bool(self.ccr.EN and self.cndtr.NDT and wanted)


class Controller(Peripheral):
    """What serves requests: a transfer at a time, as long as there are any."""

    def __init__(self, registers: Mapping[int, Register]) -> None:
        super().__init__(registers)
        self._is_serving = False

    @abstractmethod
    def next_ready(self) -> int | None:
        """The number of what is to transfer now, if anything is."""

    @abstractmethod
    def transfer(self, n: int) -> None:
        """Make one transfer; it may raise the next request."""

    @abstractmethod
    def update_irqs(self) -> None:
        """Drive the interrupts' lines."""

    def serve(self) -> None:
        if self._is_serving:
            return
        self._is_serving = True
        while (ready := self.next_ready()) is not None:
            self.transfer(ready)
        self._is_serving = False
        self.update_irqs()


class Dma(Controller):
    """The controller. `set_irqs` has one function for each channel."""

    extra_state = ("_progress",)

    def __init__(
        self,
        bus: Master,
        set_irqs: Sequence[Callable[[bool], None]],
        *,
        has_second_memory: bool = False,
    ) -> None:
        self.isr = DmaIsr()
        make_ccr = DmaCcrL5 if has_second_memory else DmaCcr
        self.channels = [Channel(make_ccr()) for _ in set_irqs]
        registers: dict[int, Register] = {0x00: self.isr, 0x04: DmaIfcr()}
        for n, channel in enumerate(self.channels):
            own = (channel.ccr, channel.cndtr, channel.cpar, channel.cmar)
            base = CHANNEL_BASE + n * CHANNEL_SIZE
            registers |= {base + 4 * i: register for i, register in enumerate(own)}
            if has_second_memory:
                registers[base + 0x10] = DmaCm1ar()
        super().__init__(registers)
        self._bus, self._set_irqs = bus, set_irqs

    @property
    def _progress(self) -> tuple[tuple[int, int], ...]:
        return tuple((channel.total, channel.requested) for channel in self.channels)

    @_progress.setter
    def _progress(self, progress: tuple[tuple[int, int], ...]) -> None:
        for channel, (total, requested) in zip(self.channels, progress, strict=True):
            channel.total, channel.requested = total, requested

    def reset(self) -> None:
        super().reset()
        for channel in self.channels:
            channel.total = 0
        self.update_irqs()

    def write(self, offset: int, word: int) -> None:
        n, at = divmod(offset - CHANNEL_BASE, CHANNEL_SIZE)
        if offset == 0x04:
            self._clear(word)
        elif not 0 <= n < len(self.channels):
            super().write(offset, word)
        elif at == 0x00:
            self._configure(self.channels[n], word)
        elif not self.channels[n].ccr.EN:  # an enabled channel keeps its other registers
            super().write(offset, word)
        self.update_irqs()

    def request(self, channel: int, *, is_pulse: bool = False) -> Callable[[bool], None]:
        """Return what drives a request of a channel, numbered from 1; many may have one.

        A pulse is over with the transfer that it asked for, and lost where the channel is off.
        """
        requested = self.channels[channel - 1]
        source = requested.sources
        requested.sources += 1
        requested.pulses |= is_pulse << source

        def set_request(level: bool) -> None:
            if is_pulse and not requested.ccr.EN:
                return
            requested.requested = requested.requested & ~(1 << source) | level << source
            if level:
                self.serve()

        return set_request

    def _clear(self, word: int) -> None:
        """Clear flags; clearing GIF clears all four of its channel."""
        for shift in range(0, 4 * len(self.channels), 4):
            flags = word >> shift & 0b1111
            self.isr.word &= ~((0b1111 if flags & GLOBAL else flags) << shift)
            if not self.isr.word >> shift & 0b1110:
                self.isr.word &= ~(GLOBAL << shift)

    def _configure(self, channel: Channel, word: int) -> None:
        was_enabled = channel.ccr.EN
        channel.ccr.write(word)
        if channel.ccr.EN and not was_enabled:
            channel.total = channel.cndtr.NDT
            self.serve()

    def next_ready(self) -> int | None:
        return next((n for n, channel in enumerate(self.channels) if channel.is_ready), None)

    def transfer(self, n: int) -> None:
        channel = self.channels[n]
        ccr = channel.ccr
        peripheral, memory = channel.addresses
        source, size, target, target_size = peripheral, SIZES[ccr.PSIZE], memory, SIZES[ccr.MSIZE]
        if ccr.DIR:
            source, size, target, target_size = target, target_size, source, size
        channel.cndtr.NDT -= 1
        channel.requested &= ~channel.pulses
        value = self._bus.load(source, size)
        if value is None or not self._bus.store(target, target_size, value):
            ccr.EN = 0
            self._flag(n, ERROR)
            return
        left = channel.cndtr.NDT
        if left == channel.total // 2:
            self._flag(n, HALF)
        if left == 0:
            self._flag(n, COMPLETE)
            if ccr.CIRC and not ccr.MEM2MEM:
                channel.cndtr.NDT = channel.total

    def _flag(self, n: int, flag: int) -> None:
        self.isr.word |= (flag | GLOBAL) << 4 * n

    def update_irqs(self) -> None:
        for n, (channel, set_irq) in enumerate(zip(self.channels, self._set_irqs, strict=True)):
            flags = self.isr.word >> 4 * n
            set_irq(bool(flags & channel.ccr.word & (COMPLETE | HALF | ERROR)))
