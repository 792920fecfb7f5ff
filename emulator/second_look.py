"""An instruction executed once more, or with a closer look: where an answer per page is too coarse.

The engine asks once for a page; a fault has an address, and the MPU's rules hold for 32 bytes.
"""

from collections.abc import Callable

from emulator.accesses import Accesses
from emulator.clock import NEVER, Clock
from emulator.core_registers import CoreRegisters
from emulator.engine import ALL_ACCESSES, TO_NOWHERE, Engine
from emulator.memory_map import MemoryMap
from emulator.protection import Verdict
from emulator.stops import BusFaultStop, StopReason
from emulator.views import AccessKind


class SecondLook:
    """Executes one instruction; `step` is the cpu's."""

    def __init__(
        self,
        engine: Engine,
        registers: CoreRegisters,
        accesses: Accesses,
        memory_map: MemoryMap,
        clock: Clock,
        step: Callable[[], StopReason],
    ) -> None:
        self._engine, self._registers, self._accesses = engine, registers, accesses
        self._memory_map, self._clock, self._step = memory_map, clock, step
        self._undo: list[tuple[int, bytes]] = []  # what the instruction overwrites
        self._forbidden: list[BusFaultStop] = []  # what it may not

    def at_fault(self, fault: BusFaultStop) -> StopReason:
        """Return what becomes of an instruction whose access to a page was refused."""
        if self._accesses.refused is not Verdict.MIXED:
            return fault if fault.is_fetch else self._locate(fault)
        if fault.is_fetch:
            pc = self._registers.get("pc")
            for address in (pc, pc + self._clock.width_at(pc) - 1):
                if self._accesses.judge(address, AccessKind.FETCH) is not Verdict.ALLOWED:
                    return BusFaultStop(address, is_fetch=True, is_protected=True)
        return self._observe()

    def _locate(self, fault: BusFaultStop) -> BusFaultStop:
        """Execute the faulting instruction again, to learn the address: a fill knows the page only.

        Not with a hook that is always there: while one is, the engine takes its slow path for
        every access of the guest, five times as slow.
        """
        cycles = self._clock.cycles
        self._accesses.is_locating = True
        with self._engine.watching(TO_NOWHERE, self._accesses.reached_nowhere):
            self._engine.execute(self._registers.get("pc"), NEVER)
        self._accesses.is_locating = False
        self._clock.take_back(cycles)
        return self._accesses.fault or fault

    def _observe(self) -> StopReason:
        """Execute one instruction in a page where some addresses may be accessed, some may not.

        Its accesses are looked at one by one; if one is not allowed, the instruction is undone.
        """
        before = self._registers.state()
        self._undo.clear()
        self._forbidden.clear()
        self._accesses.is_observed = True
        with self._engine.watching(ALL_ACCESSES, self._on_observed):
            stop = self._step()
        self._accesses.is_observed = False
        if not self._forbidden:
            return stop
        for address, content in reversed(self._undo):
            where = self._memory_map.slice_at(address, len(content))
            if where is not None:
                where[:] = content
        self._registers.restore(before)
        return self._forbidden[0]

    def _on_observed(self, access: AccessKind, address: int, size: int) -> None:
        verdict = self._accesses.judge(address, access)
        if verdict is not Verdict.ALLOWED:
            is_protected = verdict is Verdict.MEM_FAULT
            self._forbidden.append(BusFaultStop(address, is_fetch=False, is_protected=is_protected))
        content = self._memory_map.slice_at(address, size)
        if content is not None:
            self._undo.append((address, bytes(content)))

    def step_over_nothing(self) -> StopReason:
        """Execute one instruction whose accesses to where nothing is are ignored."""
        self._accesses.is_tolerant = True
        stop = self._step()
        self._accesses.is_tolerant = False
        self._engine.flush_tlb()
        self._engine.clear_nothing()
        return stop
