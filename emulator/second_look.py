"""An instruction looked at closer: where an answer per page is too coarse.

The engine asks once for a page; a fault has an address, and the MPU's rules hold for 32 bytes.
"""

from collections.abc import Callable, Iterable

from emulator.accesses import Accesses
from emulator.clock import Clock
from emulator.core_registers import CoreRegisters
from emulator.engine import Engine
from emulator.protection import Verdict
from emulator.stops import BusFaultStop, StopReason, UnalignedAccess
from emulator.transfers import Transfer, is_unprivileged, transfers
from emulator.views import AccessKind, page_of


class SecondLook:
    """Looks at one instruction, or executes it in a way of its own; `step` is the cpu's."""

    def __init__(
        self,
        engine: Engine,
        registers: CoreRegisters,
        accesses: Accesses,
        clock: Clock,
        step: Callable[[], StopReason],
    ) -> None:
        self._engine, self._registers, self._accesses = engine, registers, accesses
        self._clock, self._step = clock, step
        names = (*(f"r{n}" for n in range(13)), "sp", "lr", "pc")
        self._operands = registers.register_set(*names)

    def at_fault(self, fault: BusFaultStop) -> StopReason:
        """Return what becomes of an instruction whose access to a page was refused."""
        if self._accesses.refused is not Verdict.MIXED:
            return fault if fault.is_fetch else self._located(fault)
        if fault.is_fetch:
            pc = self._registers.get("pc")
            for address in (pc, pc + self._clock.width_at(pc) - 1):
                verdict = self._accesses.judge(address, AccessKind.FETCH, is_unprivileged=False)
                if verdict is not Verdict.ALLOWED:
                    return BusFaultStop(address, is_fetch=True, is_protected=True)
        return self._forbidden(self._transfers()) or self._step_through()

    def at_unprivileged(self) -> StopReason | None:
        """Return what becomes of LDRT, STRT or one of their kind; None at anything else.

        UNKNOWN: whether alignment counts before the MPU; so here, as for all others and in QEMU.
        """
        if not is_unprivileged(*self._next()):
            return None
        accesses = self._transfers()
        if self._engine.traps_unaligned and any(address % size for _, address, size in accesses):
            return UnalignedAccess()
        return self._forbidden(accesses, is_unprivileged=True) or self._step_through()

    def _next(self) -> tuple[int, int]:
        """Return the next instruction's halfwords; the second one counts if it is wide."""
        pc = self._registers.get("pc")
        return self._clock.halfword_at(pc), self._clock.halfword_at(pc + 2)

    def _transfers(self) -> list[Transfer]:
        """Return what the next instruction accesses."""
        *operands, pc = self._operands.read()
        return transfers(*self._next(), (*operands, pc + 4))

    def _located(self, fault: BusFaultStop) -> BusFaultStop:
        """Return the fault with its address: a fill knows the page only."""
        for _, address, size in self._transfers():
            if page_of(address) == fault.address:
                return BusFaultStop(address, is_fetch=False, is_protected=fault.is_protected)
            if page_of(address + size - 1) == fault.address:
                break
        return fault

    def _forbidden(
        self, accesses: Iterable[Transfer], *, is_unprivileged: bool = False
    ) -> BusFaultStop | None:
        """Return the first of these accesses that is not allowed."""
        for access, address, size in accesses:
            for end in (address, address + size - 1):
                verdict = self._accesses.judge(end, access, is_unprivileged=is_unprivileged)
                if verdict is not Verdict.ALLOWED:
                    is_protected = verdict is Verdict.MEM_FAULT
                    return BusFaultStop(address, is_fetch=False, is_protected=is_protected)
        return None

    def _step_through(self) -> StopReason:
        """Execute one instruction, all of whose accesses are allowed, whatever else is there."""
        self._engine.native.is_judged = 1
        try:
            return self._step()
        finally:
            self._engine.native.is_judged = 0
            self._engine.flush_tlb()

    def step_over_nothing(self) -> StopReason:
        """Execute one instruction whose accesses to where nothing is are ignored."""
        self._accesses.is_tolerant = True
        try:
            return self._step()
        finally:
            self._accesses.is_tolerant = False
            self._engine.flush_tlb()
            self._engine.clear_nothing()
