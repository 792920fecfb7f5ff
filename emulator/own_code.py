"""Instructions of our own, executed on the guest's core for what the engine has no other door to.

They run from a page that no guest address reaches, in Handler mode, and take no virtual time.
"""

from emulator.clock import NEVER, Clock
from emulator.engine import OWN_CODE, Engine
from emulator.xpsr import XPSR_T

CLREX = 0  # offsets of the pieces; each ends with BKPT
READ_LIMITS = 8
WRITE_LIMITS = 20
CODE = bytes.fromhex(
    "bff32f8f 00be 00bf"  # clrex
    "eff30a80 eff30b81 00be 00bf"  # mrs r0, msplim; mrs r1, psplim
    "80f30a88 81f30b88 00be"  # msr msplim, r0; msr psplim, r1
)


class OwnCode:
    """The pieces of one core; `has_limits` where it has Armv8-M's stack limit registers."""

    def __init__(self, engine: Engine, clock: Clock, *, has_limits: bool) -> None:
        self._engine, self._clock, self._has_limits = engine, clock, has_limits
        self._resume = engine.register_set("pc", "xpsr")
        self._mode = engine.register_set("ipsr")
        self._work = engine.register_set("r0", "r1")
        self._limits = 0, 0  # as long as the guest has not written them
        engine.put_own_code(CODE)

    def clear_exclusive(self) -> None:
        """Make the next STREX fail, if there was a LDREX: only CLREX does."""
        native = self._clock.native
        if native.is_exclusive:
            native.is_exclusive = 0
            self._run(CLREX)

    def limits(self) -> tuple[int, int]:
        """Return MSPLIM and PSPLIM; without the registers nothing is limited."""
        if not self._has_limits or not self._clock.native.is_limit_set:
            return self._limits
        self._clock.native.is_limit_set = 0
        kept = self._work.read()
        self._run(READ_LIMITS)
        msplim, psplim = self._work.read()
        self._work.write(*kept)
        self._limits = msplim, psplim
        return self._limits

    def set_limits(self, msplim: int, psplim: int) -> None:
        if self._has_limits and self.limits() != (msplim, psplim):
            self._limits = msplim, psplim
            kept = self._work.read()
            self._work.write(msplim, psplim)
            self._run(WRITE_LIMITS)
            self._work.write(*kept)

    def _run(self, piece: int) -> None:
        native = self._clock.native
        pc, xpsr = self._resume.read()
        (ipsr,) = self._mode.read()
        cycles, table = self._clock.cycles, native.table
        deadline, is_called = native.deadline, native.is_called
        native.table, native.is_watching_masks = None, 0
        self._mode.write(ipsr or 1)
        self._resume.write(OWN_CODE + piece, XPSR_T)  # in no IT block
        self._engine.runs_own_code = True
        self._engine.execute(NEVER)
        self._engine.runs_own_code = False
        native.table, native.deadline, native.is_called = table, deadline, is_called
        self._engine.flush_tlb()
        self._clock.take_back(cycles)
        self._mode.write(ipsr)
        self._resume.write(pc | 1, xpsr)
