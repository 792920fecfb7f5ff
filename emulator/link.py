"""The virtual serial line: frames on their way to and from a board, with their virtual time.

Pure but for the clock's timers. Host to board, a frame takes its bits' times at the host's baud
rate; board to host, the USART takes that time itself. Where the two rates differ by more than a
receiver can follow, the other side gets a framing error. Faults lie in wait in between.

What the host does is done through methods here, each of which `on_action` hears of.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from emulator.clock import NS_PER_S, Clock
from emulator.errors import BoardError
from emulator.faults import FaultPlan, Faults
from emulator.peripherals.usart import Usart
from emulator.trace import Happening

TOLERANCE = 20  # a receiver follows a rate that is off by less than 1 in this many: 5 %
IDLE: Final = 0xFFFF  # the line's levels, first in bit 0, while nothing is sent
BREAK: Final = 0
PARITIES: Final = ("N", "E", "O", "M", "S")  # none, even, odd, mark, space; pyserial's letters
RESET_LINES: Final = ("dtr", "rts")
ACTIONS: Final = frozenset(  # of a host; each is a method of Link
    {
        *("send", "send_without_stop_bit", "send_with_wrong_parity", "set_break"),
        *("set_baudrate", "set_format", "set_dtr", "set_rts", "wire_reset", "set_faults"),
        "discard_unsent",
    }
)


class Received(NamedTuple):
    """A byte that the host has, and when its last bit arrived."""

    ns: int
    byte: int


class Format(NamedTuple):
    """How the host frames its bytes."""

    bits: int = 8  # 5 to 8
    parity: str = "N"
    stop_bits: float = 1

    @property
    def half_bits(self) -> int:
        return 2 * (1 + self.bits + (self.parity != "N")) + round(2 * self.stop_bits)

    def levels(self, byte: int) -> int:
        """Return the levels behind the start bit: data, parity, stop bits, and then idle."""
        data = byte & (1 << self.bits) - 1
        if self.parity == "N":
            return IDLE << self.bits & IDLE | data
        odd = data.bit_count() & 1
        parity = {"E": odd, "O": 1 - odd, "M": 1, "S": 0}[self.parity]
        return IDLE << self.bits + 1 & IDLE | parity << self.bits | data


class Link:
    """One line between a host and a USART."""

    def __init__(self, clock: Clock, usart: Usart, on_reset: Callable[[], None]) -> None:
        self.received: deque[Received] = deque()
        self.faults = Faults()
        self.on_action: Callable[[str, tuple[Any, ...]], None] | None = None
        self.on_heard: Callable[[Received], None] | None = None
        self.has_spoken = False  # the board has sent something
        self.dtr = self.rts = self.is_breaking = False
        self._baudrate, self._format = 115_200, Format()  # the host's
        self._clock, self._usart, self._on_reset = clock, usart, on_reset
        self._reset_line: str | None = None
        self._sending: deque[int] = deque()  # levels of frames that wait
        self._on_line: deque[tuple[int | None, int]] = deque()  # of the frame that is on it
        self._is_low = False  # the last frame was a break, which lasts
        self._free_ns = 0  # when the line to the board is free again
        self._arrival = clock.timer(self._on_arrival)
        self._late: deque[Received] = deque()  # held up on their way to the host
        self._late_arrival = clock.timer(self._on_late_arrival)
        usart.line = self

    # What the host does.

    def send(self, data: bytes) -> None:
        """Put bytes on the line to the board, behind those that are on it already."""
        self._did("send", data)
        self._put([self._format.levels(byte) for byte in data])

    def send_without_stop_bit(self, byte: int) -> None:
        """Send a byte whose stop bit is low: a framing error."""
        self._did("send_without_stop_bit", byte)
        stop = self._format.bits + (self._format.parity != "N")
        self._put([self._format.levels(byte) & ~(1 << stop)])

    def send_with_wrong_parity(self, byte: int) -> None:
        """Send a byte with the other parity bit; the format must have one."""
        if self._format.parity == "N":
            raise BoardError("no parity bit to get wrong; set a format with parity E or O first")
        self._did("send_with_wrong_parity", byte)
        self._put([self._format.levels(byte) ^ 1 << self._format.bits])

    def set_break(self, is_on: bool) -> None:
        """Hold the line to the board low behind what is on it, a frame at least, or let it go."""
        if is_on != self.is_breaking:
            self._did("set_break", is_on)
            self.is_breaking = is_on
            self._put([BREAK] if is_on else [])

    def set_baudrate(self, baudrate: int) -> None:
        if baudrate < 1:
            raise BoardError(f"{baudrate} baud; give a rate of 1 or more")
        if baudrate != self._baudrate:
            self._did("set_baudrate", baudrate)
            self._baudrate = baudrate

    def set_format(self, bits: int, parity: str, stop_bits: float) -> None:
        """Frame what is sent from now on so; parity is one of N, E, O, M, S."""
        if bits not in range(5, 9) or parity not in PARITIES or stop_bits not in {1, 1.5, 2}:
            raise BoardError(f"no format {bits}{parity}{stop_bits}; formats look like 8N1 or 8E2")
        fresh = Format(bits, parity, stop_bits)
        if fresh != self._format:
            self._did("set_format", *fresh)
            self._format = fresh

    def set_dtr(self, level: bool) -> None:
        self._set_modem_line("dtr", level)

    def set_rts(self, level: bool) -> None:
        self._set_modem_line("rts", level)

    def wire_reset(self, name: str | None) -> None:
        """Reset the board whenever DTR or RTS is asserted, as boards with a capacitor there do."""
        if name not in {None, *RESET_LINES}:
            raise BoardError(f"no line {name!r} to reset by; there are: {', '.join(RESET_LINES)}")
        self._did("wire_reset", name)
        self._reset_line = name

    def set_faults(self, plan: FaultPlan | str, seed: int = 0) -> None:
        """Have these faults from now on; `FaultPlan()` or "" for none."""
        plan = FaultPlan.parse(plan) if isinstance(plan, str) else plan
        self._did("set_faults", str(plan), seed)
        self.faults.set(plan, seed)

    def discard_unsent(self) -> None:
        """Forget the bytes to the board that are not on the line yet, and the one that is."""
        self._did("discard_unsent")
        self._sending.clear()
        self._on_line.clear()
        self._arrival.stop()

    def receive(self, size: int | None = None) -> bytes:
        """Return bytes that have arrived from the board, at most `size`."""
        count = len(self.received) if size is None else min(size, len(self.received))
        return bytes(self.received.popleft().byte for _ in range(count))

    @property
    def baudrate(self) -> int:
        return self._baudrate

    @baudrate.setter
    def baudrate(self, baudrate: int) -> None:
        self.set_baudrate(baudrate)

    @property
    def unsent(self) -> int:
        """Return how many bytes to the board are still on the line."""
        return len(self._sending) + len(self._on_line)

    @property
    def settings(self) -> list[tuple[str, tuple[Any, ...]]]:
        """Return the actions that make a line of another board like this one."""
        return [
            ("set_baudrate", (self._baudrate,)),
            ("set_format", tuple(self._format)),
            ("wire_reset", (self._reset_line,)),
            ("set_dtr", (self.dtr,)),
            ("set_rts", (self.rts,)),
            ("set_faults", (str(self.faults.plan), self.faults.seed)),
        ]

    def _did(self, name: str, *arguments: object) -> None:
        if self.on_action is not None:
            self.on_action(name, arguments)

    def _set_modem_line(self, name: str, level: bool) -> None:
        if level == getattr(self, name):
            return
        self._did(f"set_{name}", level)
        setattr(self, name, level)
        if level and name == self._reset_line:
            self._on_reset()

    # To the board.

    def _put(self, frames: list[int]) -> None:
        self._sending.extend(frames)
        if not self._arrival.is_running:
            self._free_ns = max(self._free_ns, self._clock.ns)
            self._schedule()

    def _schedule(self) -> None:
        """Put the next frame on the line, if there is one and no break."""
        if not self._on_line:
            if not self._sending or (self._is_low and self.is_breaking):
                return
            levels = self._sending.popleft()
            self._is_low = levels == BREAK
            self._on_line.extend(self.faults.pass_on(levels, self._free_ns))
        delay_ns = self._on_line[0][1]
        self._free_ns += delay_ns + self._format.half_bits * NS_PER_S // (2 * self._baudrate)
        self._arrival.start_at_ns(self._free_ns)

    def _on_arrival(self, due: int) -> None:
        del due
        levels, _ = self._on_line.popleft()
        if levels is not None:
            self._clock.trace.note(Happening.TO_BOARD, levels & IDLE, self._free_ns)
            self._sample(levels)
        self._schedule()

    def _sample(self, levels: int) -> None:
        """Have the USART see a frame: at its own rate, and with its own number of bits."""
        usart = self._usart
        if self._matches(usart.timing.baudrate):
            stop = levels >> usart.data_bits & 1
            usart.receive(levels & 0xFF, bool(stop), ninth=levels >> 8 & 1)
        else:
            usart.receive(_garbled(levels & 0xFF), False)

    # From the board.

    def transmitted(self, byte: int, baudrate: int, cycle: int) -> None:
        """Take a byte whose last bit left the TX pin at `cycle`."""
        self.has_spoken = True
        ns = self._clock.ns_at(cycle)
        byte = byte if self._matches(baudrate) else _garbled(byte)
        for levels, delay_ns in self.faults.pass_on(byte, ns):
            if levels is not None:
                self._hear(Received(ns + delay_ns, levels & 0xFF))

    def _hear(self, received: Received) -> None:
        """Give the host a byte, unless it, or one before it, is late."""
        if self._late or received.ns > self._clock.ns:
            last_ns = self._late[-1].ns if self._late else 0
            self._late.append(received._replace(ns=max(received.ns, last_ns)))
            self._late_arrival.start_at_ns(self._late[0].ns)
            return
        self._clock.trace.note(Happening.FROM_BOARD, received.byte, received.ns)
        self.received.append(received)
        if self.on_heard is not None:
            self.on_heard(received)

    def _on_late_arrival(self, due: int) -> None:
        del due
        late, self._late = self._late, deque()
        for received in late:
            self._hear(received)

    def _matches(self, baudrate: int) -> bool:
        return abs(baudrate - self._baudrate) * TOLERANCE < self._baudrate

    # Keeping it.

    def state(self) -> tuple[object, ...]:
        """Return everything that `restore` needs, as plain values."""
        return (
            (self._baudrate, tuple(self._format), self._reset_line),
            (self.dtr, self.rts, self.is_breaking, self._is_low, self.has_spoken),
            (tuple(self.received), tuple(self._late)),
            (tuple(self._sending), tuple(self._on_line), self._free_ns),
            self.faults.state(),
        )

    def restore(self, state: tuple[Any, ...]) -> None:
        settings, levels, from_board, to_board, faults = state
        self._baudrate, format_, self._reset_line = settings
        self._format = Format(*format_)
        self.dtr, self.rts, self.is_breaking, self._is_low, self.has_spoken = levels
        self.received, self._late = (deque(map(Received._make, part)) for part in from_board)
        sending, on_line, self._free_ns = to_board
        self._sending, self._on_line = deque(sending), deque(on_line)
        self.faults.restore(faults)


def _garbled(byte: int) -> int:
    """Return what a receiver at the wrong rate makes of a byte."""
    return byte << 1 & 0xFF | 1
