"""Instructions of our own, executed on the guest's core for what the engine has no other door to.

They run from a page that no guest address reaches, in Handler mode, and take no virtual time.
"""

from emulator.clock import NEVER, Clock
from emulator.engine import OWN_CODE, Engine
from emulator.xpsr import XPSR_T

CLREX = 0  # offsets of the pieces; each ends with BKPT
WRITE_LIMITS = 8
CODE = bytes.fromhex(
    "bff32f8f 00be 00bf"  # clrex
    "80f30a88 81f30b88 00be"  # msr msplim, r0; msr psplim, r1
)


class OwnCode:
    """The pieces of one core."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock
        self._resume = engine.register_set("pc", "xpsr")
        self._mode = engine.register_set("ipsr")
        self._work = engine.register_set("r0", "r1")
        engine.put_own_code(CODE)

    def clear_exclusive(self) -> None:
        """Make the next STREX fail, if there was a LDREX: only CLREX does."""
        native = self._clock.native
        if native.is_exclusive:
            native.is_exclusive = 0
            self._run(CLREX)

    def set_limits(self, msplim: int, psplim: int) -> None:
        native = self._engine.native
        if native.has_limits and native.limits[:] != [msplim, psplim]:
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
