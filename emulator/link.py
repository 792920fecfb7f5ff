"""The virtual serial line: bytes on their way to and from a board, with their virtual time.

Pure but for the clock's timer. Host to board, a byte takes ten bit times at the host's baud rate;
board to host, the USART takes that time itself. Where the two rates differ by more than a
receiver can follow, the other side gets a framing error.
"""

from collections import deque
from typing import NamedTuple

from emulator.clock import NS_PER_S, Clock
from emulator.peripherals.usart import FRAME_BITS, Usart
from emulator.trace import Happening

TOLERANCE = 20  # a receiver follows a rate that is off by less than 1 in this many: 5 %


class Received(NamedTuple):
    """A byte that the host has, and when its last bit arrived."""

    ns: int
    byte: int


class Link:
    """One line between a host and a USART."""

    def __init__(self, clock: Clock, usart: Usart, baudrate: int = 115_200) -> None:
        self.baudrate = baudrate  # the host's
        self.received: deque[Received] = deque()
        self._clock, self._usart = clock, usart
        self._sending: deque[int] = deque()
        self._free_ns = 0  # when the line to the board is free again
        self._arrival = clock.timer(self._on_arrival)
        usart.line = self

    def send(self, data: bytes) -> None:
        """Put bytes on the line to the board, behind those that are on it already."""
        was_idle = not self._sending
        self._sending.extend(data)
        if was_idle and data:
            self._free_ns = max(self._free_ns, self._clock.ns)
            self._schedule()

    def receive(self, size: int | None = None) -> bytes:
        """Return bytes that have arrived from the board, at most `size`."""
        count = len(self.received) if size is None else min(size, len(self.received))
        return bytes(self.received.popleft().byte for _ in range(count))

    @property
    def unsent(self) -> int:
        """Return how many bytes to the board are still on the line."""
        return len(self._sending)

    def discard_unsent(self) -> None:
        self._sending.clear()
        self._arrival.stop()

    def transmitted(self, byte: int, baudrate: int, cycle: int) -> None:
        heard = Received(self._clock.ns_at(cycle), self._sampled(byte, baudrate))
        self._clock.trace.note(Happening.FROM_BOARD, heard.byte, heard.ns)
        self.received.append(heard)

    def _schedule(self) -> None:
        self._free_ns += FRAME_BITS * NS_PER_S // self.baudrate
        self._arrival.start_at(self._clock.cycle_at(self._free_ns))

    def _on_arrival(self, due: int) -> None:
        del due
        byte = self._sending.popleft()
        is_framed = self._matches(self._usart.baudrate)
        self._clock.trace.note(Happening.TO_BOARD, byte, self._free_ns)
        self._usart.receive(self._sampled(byte, self._usart.baudrate), is_framed)
        if self._sending:
            self._schedule()

    def _matches(self, baudrate: int) -> bool:
        return abs(baudrate - self.baudrate) * TOLERANCE < self.baudrate

    def _sampled(self, byte: int, baudrate: int) -> int:
        """Return what a receiver makes of a byte: itself, or garbage at the wrong rate."""
        return byte if self._matches(baudrate) else byte << 1 & 0xFF | 1

    def state(self) -> tuple[object, ...]:
        return (self.baudrate, tuple(self.received), tuple(self._sending), self._free_ns)

    def restore(self, state: tuple[int, tuple[tuple[int, int], ...], tuple[int, ...], int]) -> None:
        self.baudrate, received, sending, self._free_ns = state
        self.received = deque(map(Received._make, received))
        self._sending = deque(sending)
