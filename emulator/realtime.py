"""A board in real time: virtual time at a rate of the host's, in the thread that calls.

Between two slices of virtual time the host gets its turn; while the board waits for the host's time
to pass, so does the thread, and the host can end that wait. One thread for both: two would take the
interpreter's lock from each other, and what arrived would lie there meanwhile.
"""

import time
from collections.abc import Callable
from typing import Protocol

from emulator.board import Board
from emulator.clock import NS_PER_S
from emulator.link import Link
from emulator.pace import SilenceWatch

SLICE_NS = 4_000_000  # of virtual time, between two looks at what the host wants
LONG_SLICE_NS = 10_000_000  # the same for a board that follows the host's time
IDLE_SHARE = 10  # a board that executes less than 1 in this many instructions only waits
CATCH_UP_NS = 40_000_000  # a host that stalls for longer is not caught up with
BUSY_NS = 50_000_000  # how long after a byte the line counts as busy
BUSY_NAP_S, IDLE_NAP_S = 0.001, 0.010


class Host(Protocol):
    """Whoever is at the other end of the line."""

    def wait(self, seconds: float) -> None:
        """Return when the host wants something, or after this time."""

    def take(self, line: Link) -> None:
        """Do with the line what the host wants; do not wait for it."""

    def give(self, output: bytes) -> None:
        """Have what the board sent; do not wait."""


def keep_up(board: Board, rate: float, host: Host, is_over: Callable[[], bool]) -> None:
    """Keep virtual time at `rate` times the host's, 0 for as fast as it goes, until `is_over`.

    As fast as it goes means: while it has something to do. A board that sleeps or polls, and whose
    line is quiet, follows the host's time, so that others get on.
    """
    clock, silence = board.clock, SilenceWatch(board)
    pacer, busy_until_ns = _Pacer(clock.ns, rate), 0
    while not is_over():
        host.take(board.line)
        now_ns, busy, cycles = clock.ns, clock.busy_cycles, clock.cycles
        target_ns = pacer.target_ns(now_ns)
        board.run_until(target_ns)
        silence.look()
        if output := board.line.receive():
            host.give(output)
        if output or board.line.unsent:
            busy_until_ns = clock.ns + BUSY_NS
        is_quiet = clock.ns >= busy_until_ns
        executed = (clock.busy_cycles - busy) * IDLE_SHARE
        pacer.waits(clock.ns, does=is_quiet and executed < clock.cycles - cycles)
        if pacer.is_there(now_ns, target_ns):
            host.wait(IDLE_NAP_S if is_quiet else BUSY_NAP_S)


class _Pacer:
    """Says how far the board should be, from how much of the host's time has gone by."""

    def __init__(self, now_ns: int, rate: float) -> None:
        self._rate = self._present_rate = rate
        self._start(now_ns)

    def _start(self, now_ns: int) -> None:
        self._started_s, self._started_ns = time.monotonic(), now_ns

    def waits(self, now_ns: int, *, does: bool) -> None:
        """Note whether the board has nothing to do; then the host's time is fast enough."""
        rate = self._rate or float(does)
        if rate != self._present_rate:
            self._present_rate = rate
            self._start(now_ns)

    def target_ns(self, now_ns: int) -> int:
        """Return when to run to: now, or up to a slice ahead where the board is behind."""
        if not self._present_rate:
            return now_ns + SLICE_NS
        elapsed_ns = (time.monotonic() - self._started_s) * NS_PER_S * self._present_rate
        wanted_ns = self._started_ns + round(elapsed_ns)
        if wanted_ns - now_ns > CATCH_UP_NS:
            self._start(now_ns)
        return min(wanted_ns, now_ns + LONG_SLICE_NS)

    def is_there(self, began_ns: int, target_ns: int) -> bool:
        """Whether the board, having run to its target, is where it should be."""
        return bool(self._present_rate) and target_ns < began_ns + LONG_SLICE_NS
