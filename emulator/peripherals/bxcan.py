"""CAN controller (bxCAN), STM32F1 and F4, on a bus where nobody else is.

Sources: RM0008's and RM0090's register and bit names as ST's device headers stm32f103xb.h and
stm32f405xx.h have them; RM0090 32.4 for modes, 32.7 for what is sent and received.
With LBKM it receives what it sends. Without, nobody acknowledges: it tries again, or tells an error
where NART says so; with SILM alone it never begins.
Deviation: a frame takes its time without stuff bits.
UNKNOWN: the bus is recessive, whatever the pins say; a pending frame is lost with INRQ.
Not modelled: other nodes, the time stamps of TTCM, waking up by the bus, bus-off.
"""

from collections.abc import Callable
from typing import NamedTuple

from emulator.clock import Clock
from emulator.peripherals.base import Peripheral
from emulator.peripherals.bxcan_filters import CanFilters
from emulator.peripherals.bxcan_registers import (
    CanBox,
    CanBtr,
    CanEsr,
    CanIer,
    CanMcr,
    CanMsr,
    CanReceived,
    CanRfr,
    CanTsr,
)

MCR, MSR, TSR, RF0R, RF1R, IER, ESR, BTR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18, 0x1C
TX_0, RX_0, BOX_SIZE, FILTERS = 0x180, 0x1B0, 0x10, 0x200
MAILBOXES, DEPTH = 3, 3
RQCP, TXOK, TERR, ABRQ, TME_LOW = 0x01, 0x02, 0x08, 0x80, 26  # of mailbox 0 in TSR
TXRQ = 1  # in TIxR
SYNC_BITS, WARNING, PASSIVE, ACK_ERROR = 11, 96, 128, 0b011


class Frame(NamedTuple):
    """What a mailbox's or a FIFO's four registers hold."""

    identifier: int  # as in RIxR
    length: int
    low: int
    high: int

    @property
    def bits(self) -> int:
        """How many bits it has, with the space behind it."""
        is_extended, is_remote = self.identifier & 0b100, self.identifier & 0b10
        return (67 if is_extended else 47) + 8 * (0 if is_remote else min(self.length & 0xF, 8))


class CanIrqs(NamedTuple):
    """What drives its interrupts."""

    tx: Callable[[bool], None]
    rx: tuple[Callable[[bool], None], Callable[[bool], None]]
    sce: Callable[[bool], None]


class BxCan(Peripheral):
    """One controller. CAN1 brings the filters, CAN2 has a part of them."""

    extra_state = ("_fifos", "_order", "_sending")

    def __init__(
        self,
        clock: Clock,
        pclk_hz: Callable[[], int],
        irqs: CanIrqs,
        filters: CanFilters,
        *,
        is_second: bool = False,
    ) -> None:
        self.mcr, self.msr = CanMcr(reset=0x0001_0002), CanMsr(reset=0x0000_0C02)
        self.tsr, self.ier, self.esr = CanTsr(reset=0x1C00_0000), CanIer(), CanEsr()
        self.btr, self.rfrs = CanBtr(reset=0x0123_0000), (CanRfr(), CanRfr())
        self._boxes = [[CanBox() for _ in range(4)] for _ in range(MAILBOXES)]
        self.filters, self._is_second = filters, is_second
        boxes = {
            TX_0 + BOX_SIZE * n + 4 * i: register
            for n, box in enumerate(self._boxes)
            for i, register in enumerate(box)
        }
        received = {RX_0 + 4 * n: CanReceived() for n in range(2 * 4)}
        super().__init__(
            {
                MCR: self.mcr,
                MSR: self.msr,
                TSR: self.tsr,
                RF0R: self.rfrs[0],
                RF1R: self.rfrs[1],
                IER: self.ier,
                ESR: self.esr,
                BTR: self.btr,
                **boxes,
                **received,
                **({} if is_second else filters.registers),
            }
        )
        self._clock, self._pclk_hz, self._irqs = clock, pclk_hz, irqs
        self._synced = clock.timer(lambda _: self._enter(is_asleep=False, is_initializing=False))
        self._sent = clock.timer(lambda _: self._end_frame())
        self._clear()

    def _clear(self) -> None:
        self._fifos: tuple[tuple[tuple[int, ...], ...], ...] = ((), ())  # frames
        self._order: tuple[int, ...] = ()  # mailboxes that wait, as they were asked
        self._sending: int | None = None  # which is on the bus

    def reset(self) -> None:
        super().reset()
        self._synced.stop()
        self._sent.stop()
        self._clear()
        self._update_irqs()

    def read(self, offset: int) -> int:
        if RX_0 <= offset < FILTERS:
            n, place = divmod((offset - RX_0) // 4, 4)
            return self._fifos[n][0][place] if n < 2 and self._fifos[n] else 0
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        box = (offset - TX_0) // BOX_SIZE
        if offset >= FILTERS and not self._is_second:
            if self.filters.is_writable(offset):
                super().write(offset, word)
        elif offset == TSR:
            self._write_tsr(word)
        elif offset in (RF0R, RF1R):
            self._write_rfr(offset == RF1R, word)
        elif 0 <= box < MAILBOXES:
            self._write_box(box, offset, word)
        elif offset != BTR or self.msr.INAK:
            super().write(offset, word)
        if offset == MCR:
            self._follow_mcr()
        self._send()
        self._update_irqs()

    # Modes.

    def _follow_mcr(self) -> None:
        if self.mcr.RESET:
            self.reset()
        elif self.mcr.INRQ and not self.mcr.SLEEP:
            self._synced.stop()
            self._drop_all()
            self._enter(is_asleep=False, is_initializing=True)
        elif self.mcr.SLEEP and not self.mcr.INRQ:
            self._synced.stop()
            self.msr.SLAKI |= not self.msr.SLAK
            self._enter(is_asleep=True, is_initializing=False)
        elif not self.mcr.word & 0b11 and self.msr.word & 0b11 and not self._synced.is_running:
            self._synced.start(SYNC_BITS * self._bit_cycles)

    def _enter(self, *, is_asleep: bool, is_initializing: bool) -> None:
        self.msr.SLAK, self.msr.INAK = is_asleep, is_initializing
        self._send()

    @property
    def _bit_cycles(self) -> int:
        quanta = 1 + self.btr.TS1 + 1 + self.btr.TS2 + 1
        return (self.btr.BRP + 1) * quanta * self._clock.hz // self._pclk_hz()

    # Sending.

    def _write_box(self, box: int, offset: int, word: int) -> None:
        if box in self._order:
            return  # it waits for the bus, and is read-only
        is_asked = offset == TX_0 + BOX_SIZE * box and word & TXRQ
        super().write(offset, word)
        if is_asked and not self.msr.INAK:
            self._order = (*self._order, box)
            self._flag(box, 0)
        self._show_boxes()

    def _write_tsr(self, word: int) -> None:
        for box in range(MAILBOXES):
            bits = word >> 8 * box
            if bits & RQCP:
                self.tsr.word &= ~((RQCP | 0b1110) << 8 * box)
            if bits & ABRQ and box in self._order:
                if box == self._sending and self.btr.LBKM:
                    continue  # it comes to its end
                if box == self._sending:
                    self._sent.stop()
                    self._sending = None
                self._finish(box, RQCP)

    def _drop_all(self) -> None:
        self._sent.stop()
        self._sending, self._order = None, ()
        self._show_boxes()

    def _flag(self, box: int, flags: int) -> None:
        shift = 8 * box
        self.tsr.word = self.tsr.word & ~(0x0F << shift) | flags << shift

    def _finish(self, box: int, flags: int) -> None:
        self._order = tuple(other for other in self._order if other != box)
        self._boxes[box][0].word &= ~TXRQ
        self._flag(box, flags)
        self._show_boxes()

    def _rank(self, box: int) -> tuple[int, int]:
        """Return what decides which mailbox is first."""
        by_identifier = self._boxes[box][0].word & ~TXRQ
        return (self._order.index(box) if self.mcr.TXFP else by_identifier, box)

    def _show_boxes(self) -> None:
        free = [box for box in range(MAILBOXES) if box not in self._order]
        last = max(self._order, key=self._rank, default=0)
        self.tsr.TME = sum(1 << box for box in free)
        self.tsr.LOW = 1 << last if len(self._order) > 1 else 0
        self.tsr.CODE = free[0] if free else last

    def _frame(self, box: int) -> Frame:
        identifier, length, low, high = (register.word for register in self._boxes[box])
        return Frame(identifier & ~TXRQ, length & 0xF, low, high)

    def _send(self) -> None:
        """Put the first frame on the bus, if that is free."""
        is_on = not self.msr.word & 0b11 and (self.btr.LBKM or not self.btr.SILM)
        is_heard = self.btr.LBKM or not (self.esr.EPVF and self.esr.LEC == ACK_ERROR)
        if self._order and is_on and is_heard and self._sending is None:
            self._sending = min(self._order, key=self._rank)
            self._sent.start(self._frame(self._sending).bits * self._bit_cycles)

    def _end_frame(self) -> None:
        box, self._sending = self._sending, None
        if box is None:
            return
        if self.btr.LBKM:
            self._finish(box, RQCP | TXOK)
            self._receive(self._frame(box))
        else:
            self._miss_acknowledgement(box)
        self._send()
        self._update_irqs()

    def _miss_acknowledgement(self, box: int) -> None:
        self.esr.LEC = ACK_ERROR
        self.esr.TEC = min(self.esr.TEC + 8, PASSIVE)
        self.esr.EWGF, self.esr.EPVF = self.esr.TEC >= WARNING, self.esr.TEC >= PASSIVE
        enabled = self.ier
        self.msr.ERRI |= bool(
            enabled.LECIE or (enabled.EWGIE and self.esr.EWGF) or (enabled.EPVIE and self.esr.EPVF)
        )
        if self.mcr.NART:
            self._finish(box, RQCP | TERR)

    # Receiving.

    def _receive(self, frame: Frame) -> None:
        banks = self.filters.banks_of(is_second=self._is_second)
        taken = self.filters.match(frame.identifier, banks)
        if taken is None:
            return
        fifo, number = taken
        words = (frame.identifier, frame.length | number << 8, frame.low, frame.high)
        held, rfr = self._fifos[fifo], self.rfrs[fifo]
        if len(held) < DEPTH:
            held = (*held, words)
        else:
            rfr.FOVR = 1
            held = held if self.mcr.RFLM else (*held[:-1], words)
        rfr.FULL |= len(held) == DEPTH
        self._hold(fifo, held)

    def _hold(self, fifo: int, held: tuple[tuple[int, ...], ...]) -> None:
        self._fifos = (self._fifos[0], held) if fifo else (held, self._fifos[1])
        self.rfrs[fifo].FMP = len(held)

    def _write_rfr(self, fifo: int, word: int) -> None:
        rfr = self.rfrs[fifo]
        rfr.write(word)
        if rfr.RFOM:
            rfr.RFOM = 0
            rfr.FULL = 0
            self._hold(fifo, self._fifos[fifo][1:])

    # Interrupts.

    def _update_irqs(self) -> None:
        is_done = any(self.tsr.word >> 8 * box & RQCP for box in range(MAILBOXES))
        self._irqs.tx(bool(self.ier.TMEIE and is_done))
        enables = (self.ier.FIFO0, self.ier.FIFO1)
        for set_irq, rfr, enabled in zip(self._irqs.rx, self.rfrs, enables, strict=True):
            flags = bool(rfr.FMP) | rfr.FULL << 1 | rfr.FOVR << 2
            set_irq(bool(flags & enabled))
        is_error = self.ier.ERRIE and self.msr.ERRI
        is_asleep = self.ier.SLKIE and self.msr.SLAKI
        self._irqs.sce(bool(is_error or is_asleep))
