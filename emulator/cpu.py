"""The core: runs guest instructions and says why it stopped.

What the engine leaves out of an M-profile core is elsewhere: exceptions in exception_model.py, the
Flash Patch unit in views.py, time in clock.py. Sources: DDI 0403E.e B1.4 (registers), B1.5.
"""

import ctypes
from collections.abc import Iterable

from emulator.accesses import Accesses
from emulator.bus import Bus
from emulator.clock import Clock
from emulator.core_registers import CoreRegisters
from emulator.division import Division
from emulator.engine import INVALID_INSTRUCTION, OK, Engine, error_of
from emulator.frames import Frames
from emulator.interrupts import Interrupts, Masks
from emulator.memory_map import PAGE_SIZE, MemoryMap
from emulator.native.clock import NativeRegion, Stop
from emulator.native.core import NOT_THUMB, NativeFpContext
from emulator.protection import Protection
from emulator.second_look import SecondLook
from emulator.stops import (
    Breakpoint,
    BusFaultStop,
    Deadline,
    DivideByZero,
    ExceptionReturn,
    InvalidState,
    NoCoprocessor,
    StackOverflow,
    StopReason,
    SupervisorCall,
    TableChanged,
    UnalignedAccess,
    UndefinedInstruction,
    WaitForEvent,
    WaitForInterrupt,
)
from emulator.target_test import TargetTest
from emulator.views import Views
from emulator.xpsr import XPSR_IPSR, XPSR_T, advanced_itstate, condition_passes

# The engine's numbers.
INTR_SVC, INTR_ABORT, INTR_BKPT, INTR_EXCEPTION_EXIT, INTR_NOCP, INTR_STKOF = 2, 4, 7, 8, 17, 19
EXC_RETURN_MIN = 0xFF00_0000  # the engine also stops at the Security Extension's FNC_RETURN
WFI, WFI_W, WFE, WFE_W = 0xBF30, 0x8003, 0xBF20, 0x8002  # of the wide ones, the second halfword
HINT_W = 0xF3AF  # and the first
STOPS = tuple(Stop)  # by number


class Cpu:
    """One core and its view of memory."""

    def __init__(
        self,
        model: str,
        memory_map: MemoryMap,
        views: Views,
        bus: Bus,
        clock: Clock,
        protection: Protection,
        *,
        has_fpu: bool,
        has_limits: bool,
    ) -> None:
        self._memory_map, self._views, self._clock = memory_map, views, clock
        self._protection = protection
        self._breakpoints: frozenset[int] = frozenset()
        self._engine = Engine(model, memory_map, views, bus, clock)
        self._engine.native.has_limits = has_limits
        self.registers = CoreRegisters(self._engine, clock, protection, has_fpu=has_fpu)
        self._accesses = Accesses(self._engine, self.registers, views, bus, protection)
        self._second_look = SecondLook(
            self._engine, self.registers, self._accesses, clock, self.step
        )
        self._division = Division(clock, self.registers)
        self._target_test = TargetTest(clock, self.registers, protection) if has_limits else None
        self.step_over_nothing = self._second_look.step_over_nothing
        self._map_for_counting()

    # Running.

    def run(self, deadline: int) -> StopReason:
        """Execute from one deadline (cycles) to the next, until something stops the core."""
        return self._execute(deadline, passes_deadline=True)

    def watch_masks(self, masks: Masks) -> None:
        """While anything is masked, stop as soon as the masks are no longer these."""
        if self._accesses.is_lenient:
            masks = Masks(*self.registers.masks())
            if not masks.faultmask:
                self._accesses.is_lenient = False
                self._engine.flush_tlb()
        self.registers.watch_masks(masks)

    def step(self) -> StopReason:
        """Execute one instruction."""
        pc, xpsr = self.registers.resume.read()
        if not xpsr & XPSR_T:
            return InvalidState()
        cycles = self._clock.cycles
        stop = self._run_up_to(pc + self._clock.width_at(pc), cycles + 1)
        if isinstance(stop, Deadline):
            self._clock.take_back(cycles + 1)
        return stop

    def _run_up_to(self, address: int, deadline: int) -> StopReason:
        """Run, but do not execute the instruction at `address`."""
        pc = self.registers.get("pc")
        self._set_exits(pc, address + 2, address)
        try:
            return self._execute(deadline)
        finally:  # a device of somebody's may have raised something
            self._set_exits(pc, address + 2)

    def _set_exits(self, begin: int, end: int, *more: int) -> None:
        """End before these instructions, and where one always does; translate [begin, end) anew."""
        always = self._breakpoints | self._division.sites
        self._accesses.exits = always
        self._engine.set_exits([*always, *more])
        for page in range(begin & -PAGE_SIZE, end, PAGE_SIZE):  # each is found by itself
            self._engine.drop(max(begin, page), min(end, page + PAGE_SIZE))

    def _execute(self, deadline: int, *, passes_deadline: bool = False) -> StopReason:
        native = self._clock.native
        self._accesses.fault = None
        status = self._engine.execute(deadline, passes_deadline=passes_deadline)
        if status == NOT_THUMB:
            return InvalidState()
        if status != OK:
            return self._stopped_by_error(status)
        match STOPS[int(native.reason)]:
            case Stop.NONE:
                return self._hint() or self._breakpoint() or self._divide() or Deadline()
            case Stop.DIVISION:
                self._division.sites.add(native.stopped_at)
                self._set_exits(native.stopped_at, native.stopped_at + 2)
                return self._execute(native.deadline)
            case Stop.TABLE:
                return TableChanged()
            case Stop.INTERRUPT:
                return self._stopped_by_interrupt(native.interrupt)
            case Stop.COPROCESSOR:
                return self._reach_coprocessor(native.stopped_at, deadline)
            case Stop.DEADLINE | Stop.MASKS | Stop.CALL:
                return Deadline()

    def _hint(self) -> WaitForInterrupt | WaitForEvent | None:
        """Say which hint was executed last: the engine stops behind these two."""
        pc = self._engine.native.pc
        if pc != self._clock.block_end:
            return None
        before, last = self._clock.halfword_at(pc - 4), self._clock.halfword_at(pc - 2)
        if last == WFI or (before, last) == (HINT_W, WFI_W):
            return WaitForInterrupt()
        if last == WFE or (before, last) == (HINT_W, WFE_W):
            return WaitForEvent()
        return None

    def _breakpoint(self) -> Breakpoint | None:
        return Breakpoint() if self._engine.native.pc in self._breakpoints else None

    def _divide(self) -> DivideByZero | None:
        pc = self._engine.native.pc
        return self._division.execute(pc) if pc in self._division.sites else None

    def _reach_coprocessor(self, address: int, deadline: int) -> StopReason:
        """Go on to a floating-point instruction that may not be executed."""
        if self.registers.get("pc") != address:
            stop = self._run_up_to(address, deadline)
            if not isinstance(stop, Deadline) or self.registers.get("pc") != address:
                return stop
        xpsr = self.registers.get("xpsr")
        if condition_passes(xpsr):
            return NoCoprocessor(is_fpu=True)
        self.registers.resume.write(address + 4 | 1, advanced_itstate(xpsr))
        self._clock.take_back(self._clock.cycles + 1)
        return Deadline()

    def _stopped_by_interrupt(self, number: int) -> StopReason:
        if number == INTR_SVC:
            return SupervisorCall()
        if number == INTR_BKPT:
            self._left_block()
            return Breakpoint()
        if number == INTR_EXCEPTION_EXIT:
            pc, xpsr = self._engine.native.pc, self._engine.native.xpsr
            if not xpsr & XPSR_IPSR or pc < EXC_RETURN_MIN:
                return BusFaultStop(pc, is_fetch=True)  # it is an address there, like any other
            return ExceptionReturn(pc | bool(xpsr & XPSR_T))  # T has the address's bit 0
        self._left_block()
        if number == INTR_NOCP:
            return NoCoprocessor()
        if number == INTR_STKOF:
            return StackOverflow()
        return UnalignedAccess() if number == INTR_ABORT else UndefinedInstruction()

    def _stopped_by_error(self, status: int) -> StopReason:
        if self._accesses.fault is not None:
            self._left_block()
            return self._second_look.at_fault(self._accesses.fault)
        if status != INVALID_INSTRUCTION:
            raise error_of(status)
        if self.registers.get("pc") == self._clock.block_end:
            return self._hint() or Deadline()  # or behind YIELD, which is a NOP here
        self._left_block()
        if self._target_test is not None and self._target_test.execute():
            return Deadline()
        if (stop := self._second_look.at_unprivileged()) is not None:
            return stop
        is_thumb = self.registers.get("xpsr") & XPSR_T
        return UndefinedInstruction() if is_thumb else InvalidState()

    def _left_block(self) -> None:
        pc = ctypes.c_uint32(self.registers.get("pc"))
        self._clock.library.clock_left_block_at(ctypes.byref(self._clock.native), pc)

    # Changes from outside the guest.

    def protection_changed(self) -> None:
        """Ask again for every page: other accesses are allowed now."""
        self._protection.changed()
        self._engine.flush_tlb()
        if self._views.code_pages:
            # Stores while a page could not be executed left what was translated from it.
            self._engine.drop_all()

    def views_changed(self, pages: Iterable[int]) -> None:
        """Drop what was translated from these guest pages: their fetch view is another now."""
        self._engine.flush_tlb()
        self._engine.show_literals(self._views.literals)
        for page in pages:
            self._engine.drop(page, page + PAGE_SIZE)
        self._map_for_counting()

    def set_breakpoints(self, addresses: frozenset[int]) -> None:
        """Stop before each instruction at one of these addresses."""
        changed = addresses ^ self._breakpoints
        self._breakpoints = addresses
        for page in {address & -PAGE_SIZE for address in changed}:
            self._set_exits(page, page + 2 * PAGE_SIZE)

    def trap_divisions(self, *, is_on: bool) -> None:
        """Have a division by zero stop the core, or not."""
        if is_on != self._division.is_trapped:
            sites = self._division.sites.copy()
            self._division.trap(is_on=is_on)
            for page in {address & -PAGE_SIZE for address in sites}:
                self._set_exits(page, page + 2 * PAGE_SIZE)

    def trap_unaligned(self, *, is_on: bool) -> None:
        """Have every unaligned access stop the core, or only those that always do."""
        if is_on != self._engine.traps_unaligned:
            self._engine.traps_unaligned = is_on
            self._engine.drop_all()

    def code_pages_changed(self) -> None:
        """Drop what was translated from RAM: all of it may have been overwritten."""
        for page in self._views.code_pages:
            self.memory_changed(page, page + PAGE_SIZE)

    def memory_changed(self, begin: int, end: int) -> None:
        """Drop what was translated from [begin, end): its bytes are others now."""
        if self._protection.depends_on_mode:
            self._engine.drop_all()  # a range is found only where it may be executed
        else:
            self._engine.drop(begin, end)
        self._clock.forget_blocks()

    def flash_changed(self) -> None:
        """Drop everything translated: flash, which has aliases and shadows, has other bytes now."""
        self._engine.drop_all()
        self._clock.forget_blocks()

    def frames(self, interrupts: Interrupts, fp: NativeFpContext, to_handler: int) -> Frames:
        """Return what pushes and pops the frames of exceptions."""
        return Frames(self._engine, self._clock, self._memory_map, interrupts, fp, to_handler)

    def _map_for_counting(self) -> None:
        """Tell the native clock what a fetch sees: shadow pages first, then memories."""
        native = self._clock.native
        shadow = ctypes.addressof(self._views.shadow)
        regions = [
            NativeRegion(page, page + PAGE_SIZE, shadow + offset, 1)
            for page, offset in self._views.fetch_pages.items()
        ]
        regions += [
            NativeRegion(w.begin, w.end, w.memory.host_address, not w.memory.is_writable)
            for w in self._memory_map.windows
        ]
        native.regions[: len(regions)] = regions
        native.region_count = len(regions)
        self._clock.forget_blocks()
