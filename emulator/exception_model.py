"""Exceptions: entry, return, tail-chaining, late arrival, and sleep between them.

Sources: DDI 0403E.e B1.5 (exception model, WFE and WFI), B1.4 (mode and stack).
Deviation: entry and return take no cycles, the chip takes 12 or more. What could arrive during them
is a fault of the entry itself.
"""

import enum
from typing import Any

from emulator.core_registers import NPRIV
from emulator.core_units import CoreUnits
from emulator.cpu import Cpu
from emulator.exc_return import BASIC, PSP, THREAD, TOP, ExcReturns
from emulator.fault_model import FaultModel, Lockup
from emulator.fp_context import EXTENSION_SIZE, FpContext
from emulator.interrupts import THREAD_PRIORITY, UNMASKED, Exc, Interrupts, Masks
from emulator.memory_map import MemoryMap, is_execute_never
from emulator.peripherals.scb_registers import Cfsr
from emulator.protection import Mode, Protection
from emulator.registers import WORD_MASK, Field
from emulator.stacking import FRAME, FRAME_SIZE, XPSR_ALIGNED, Stack, StackError
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
    UnalignedAccess,
    UndefinedInstruction,
    WaitForEvent,
    WaitForInterrupt,
)
from emulator.views import AccessKind
from emulator.xpsr import XPSR_IPSR, XPSR_T

SPSEL = 1 << 1  # of CONTROL

USAGE_FAULTS: dict[type[StopReason], Field] = {
    UndefinedInstruction: Cfsr.UNDEFINSTR,
    NoCoprocessor: Cfsr.NOCP,
    UnalignedAccess: Cfsr.UNALIGNED,
    StackOverflow: Cfsr.STKOF,
    DivideByZero: Cfsr.DIVBYZERO,
    InvalidState: Cfsr.INVSTATE,
}


RETIRED = (Deadline, SupervisorCall, WaitForInterrupt, WaitForEvent)  # stops behind an instruction


class Sleep(enum.IntEnum):
    """What the core waits for."""

    NOTHING = 0  # it runs
    INTERRUPT = 1  # WFI, or SLEEPONEXIT
    EVENT = 2  # WFE


class ExceptionModel:
    """The part of the core between `Cpu` and the registers of SCB and NVIC."""

    def __init__(
        self,
        cpu: Cpu,
        memory_map: MemoryMap,
        interrupts: Interrupts,
        units: CoreUnits,
        protection: Protection,
        exc_returns: ExcReturns,
    ) -> None:
        self._exc_returns = exc_returns
        self._frames = cpu.frames(interrupts, units.fp_context, exc_returns.to_handler)
        self._cpu, self._memory_map, self._interrupts = cpu, memory_map, interrupts
        self._protection, self._scb = protection, units.scb
        self._core = core = cpu.registers
        self._faults = FaultModel(
            interrupts, units.scb, units.debug, self.masks, lambda: core.get("pc")
        )
        self._fp = FpContext(
            *(core, memory_map, protection, self._faults),
            *(units.fpu, units.access, units.fp_context),
        )
        self._stack = Stack(memory_map, protection, units.scb, self._fp, self._faults)
        self._frame = core.register_set("r0", "r1", "r2", "r3", "r12", "lr", "pc", "xpsr")
        self._stacks = core.register_set("msp", "psp")
        self._entry = core.register_set("lr", "pc", "xpsr")
        self._sleep = Sleep.NOTHING

    def reset(self) -> None:
        self._sleep = Sleep.NOTHING
        self._core.has_event = False

    def state(self) -> tuple[Any, ...]:
        return (int(self._sleep), self._core.has_event, self._core.is_exclusive)

    def restore(self, state: tuple[int, bool, bool]) -> None:
        self._core.clear_exclusive()  # it is of another run, and not in the state
        sleep, self._core.has_event, self._core.is_exclusive = state
        self._sleep = Sleep(sleep)

    def masks(self) -> Masks:
        return Masks(*self._core.masks())

    def take_pending(self) -> Lockup | None:
        """Enter the pending exception that preempts what runs now, if there is one.

        While one is held back by the core's masks, the core stops as soon as they change.
        """
        if self._interrupts.has_news:
            self._interrupts.has_news = False
            self._core.has_event |= bool(self._scb.scr.SEVONPEND)
        is_any, masks, lockup = self._interrupts.is_any_pending, UNMASKED, None
        if is_any:
            masks = self.masks()
        if self._sleep:
            self._wake(masks)
        if is_any:
            number = self._interrupts.preempting(masks)
            if number is not None and not self._enter_natively(number):
                lockup = self._enter()
            is_any = self._interrupts.is_any_pending
        self._cpu.watch_masks(masks if is_any else UNMASKED)
        return lockup

    # Sleep. DDI 0403E.e B1.5.17 and B1.5.18.

    @property
    def is_sleeping(self) -> bool:
        return self._sleep is not Sleep.NOTHING

    @property
    def may_change_course(self) -> bool:
        """Whether `take_pending` may have something to do though no time has passed."""
        return self._sleep is Sleep.EVENT or self._interrupts.is_any_pending

    def _wake(self, masks: Masks) -> None:
        if self._sleep is Sleep.EVENT and self._core.has_event:
            self._core.has_event = False
            self._sleep = Sleep.NOTHING
        if self._sleep is Sleep.INTERRUPT and masks.primask:
            masks = masks._replace(primask=0)  # it wakes the core and is not taken
        if self._interrupts.preempting(masks) is not None:
            self._sleep = Sleep.NOTHING

    # Entry. DDI 0403E.e B1.5.6.

    def _enter_natively(self, number: int) -> bool:
        """Do what `_enter` does, at once, where nothing about it is unusual; whether it was."""
        if not self._is_usual:
            return False
        self._fp.let_go()
        vtor, stkalign = self._scb.vtor.word, self._scb.ccr.STKALIGN
        if not self._frames.enter(number, vtor, stkalign=stkalign):
            return False
        self._activate(number)
        return True

    @property
    def _is_usual(self) -> bool:
        """Whether all that a frame needs is what native/frames.c asks for itself."""
        return not (self._protection.depends_on_mode or self._core.is_exclusive)

    @property
    def _does_more_on_exit(self) -> bool:
        """Whether a return to Thread mode is not all that a handler's end is."""
        return bool(self._scb.scr.SLEEPONEXIT) or self._faults.may_step

    def _vector(self, number: int) -> int | None:
        where = self._memory_map.slice_at(self._scb.vtor.word + 4 * number, 4)
        return None if where is None else int.from_bytes(where, "little")

    def _enter(self) -> Lockup | None:
        frame = self._frame.read()
        control = self._core.get("control")
        from_handler, mode = bool(frame[-1] & XPSR_IPSR), self._core.mode
        self._core.set("ipsr", Exc.HARDFAULT)  # Handler mode: MSP and PSP are readable there
        msp, psp = self._stacks.read()
        on_psp = not from_handler and bool(control & SPSEL)
        is_extended = self._fp.is_active
        size = FRAME_SIZE + EXTENSION_SIZE * is_extended
        limit = self._core.limits()[on_psp]
        try:
            sp = self._stack.push(psp if on_psp else msp, frame, size, mode, limit)
        except StackError as error:
            sp = max((psp if on_psp else msp) - size, limit)
            self._faults.while_stacking(error.number, error.status)
        self._stacks.write(*((msp, sp) if on_psp else (sp, psp)))
        self._core.set("control", control & ~SPSEL)
        self._fp.drop()
        self._core.clear_exclusive()
        exc_return = self._exc_returns.of(
            is_thread=not from_handler, on_psp=on_psp, is_extended=is_extended
        )
        return self._take(exc_return)

    def _take(self, exc_return: int) -> Lockup | None:
        """Start the handler of what is pending now; the frame is on the stack.

        That may be another exception than the one the frame was pushed for: a late arrival.
        """
        while (number := self._interrupts.preempting(self.masks())) is not None:
            if (vector := self._vector(number)) is not None:
                self._activate(number)
                self._entry.write(exc_return, vector & ~1, number | XPSR_T * (vector & 1))
                self._set_mode(number)
                return None
            if (lockup := self._faults.vector_unreadable(number)) is not None:
                return lockup
        return None

    def _activate(self, number: int) -> None:
        self._interrupts.activate(number, self._core.cycles)
        self._sleep = Sleep.NOTHING
        self._core.has_event = True

    def _set_mode(self, ipsr: int) -> None:
        self._core.set("ipsr", ipsr)
        if self._core.get("control") & NPRIV or self._protection.depends_on_mode:
            self._core.mode_changed()

    # Return. DDI 0403E.e B1.5.

    def _leave(self, exc_return: int) -> Lockup | None:
        """Return from the current exception, or go straight on to a pending one."""
        interrupts = self._interrupts
        number = self._core.get("ipsr")
        is_active = number in interrupts.active
        interrupts.deactivate(number)
        if number != Exc.NMI and self._core.masks()[-1]:
            self._core.set("faultmask", 0)
        if not is_active or not self._is_legal(exc_return):
            return self._fault_on_return(exc_return)
        if interrupts.is_any_pending and interrupts.preempting(self.masks()) is not None:
            return self._take(exc_return)  # tail-chaining: the frame stays where it is
        if self._is_usual and self._frames.leave(exc_return):
            self._left()
            return None
        return self._unstack(exc_return)

    def _is_legal(self, exc_return: int) -> bool:
        if not self._exc_returns.has(exc_return):
            return False
        if not exc_return & THREAD:
            return bool(self._interrupts.active)
        return not self._interrupts.active or bool(self._scb.ccr.NONBASETHRDENA)

    def _fault_on_return(self, exc_return: int) -> Lockup | None:
        lockup = self._faults.usage(Cfsr.INVPC)
        return lockup or self._take(exc_return | TOP)

    def _unstack(self, exc_return: int) -> Lockup | None:
        is_extended, on_psp = not exc_return & BASIC, bool(exc_return & PSP)
        msp, psp = self._stacks.read()
        sp = psp if on_psp else msp
        where = self._memory_map.slice_at(sp, FRAME_SIZE)
        size = FRAME_SIZE + EXTENSION_SIZE * is_extended
        is_thread = bool(exc_return & THREAD)
        is_privileged = not (is_thread and self._core.get("control") & NPRIV)
        mode = Mode(is_privileged, self._faults.is_urgent)
        loaded = FRAME_SIZE if self._fp.is_put_off else size
        if not self._protection.allows_all(sp, loaded, AccessKind.READ, mode):
            return self._faults.mem_manage(Cfsr.MUNSTKERR) or self._take(exc_return)
        if where is None or not self._fp.leave(sp + FRAME_SIZE, is_extended=is_extended):
            return self._faults.bus(Cfsr.UNSTKERR) or self._take(exc_return)
        *registers, pc, xpsr = FRAME.unpack(where)
        if bool(xpsr & XPSR_IPSR) is is_thread:
            return self._fault_on_return(exc_return)  # as if the frame had been pushed again
        sp = sp + size + 4 * bool(xpsr & XPSR_ALIGNED) & WORD_MASK
        self._stacks.write(*((msp, sp) if on_psp else (sp, psp)))
        control = self._core.get("control")
        self._core.set("control", control | SPSEL if on_psp else control & ~SPSEL)
        self._core.clear_exclusive()
        self._frame.write(*registers, pc & ~1, xpsr & ~XPSR_ALIGNED)
        self._set_mode(xpsr & XPSR_IPSR)  # last: it may end the privilege to write the rest
        self._left()
        return None

    def _left(self) -> None:
        self._core.has_event = True
        if not self._interrupts.active and self._scb.scr.SLEEPONEXIT:
            self._sleep = Sleep.INTERRUPT

    # Running. DDI 0403E.e B1.5.

    def run(self, deadline: int) -> StopReason:
        """Execute until `deadline`, or one instruction where the DebugMonitor steps."""
        self._fp.let_go(THREAD_PRIORITY)  # of whatever the core interrupts by itself
        if not self._faults.is_stepping:
            is_usual = self._is_usual and not self._does_more_on_exit
            vtor, stkalign = self._scb.vtor.word, self._scb.ccr.STKALIGN
            self._interrupts.let_go(vtor, stkalign, is_usual=is_usual)
            try:
                return self._cpu.run(deadline)
            finally:  # a device of somebody's may have raised something
                if self._interrupts.take_back():
                    self._sleep = Sleep.INTERRUPT
        stop = self._cpu.step()
        if isinstance(stop, RETIRED):
            self._faults.stepped()
        return stop

    def handle(self, stop: StopReason) -> Lockup | None:
        """Make pending what a stop of the core calls for, return, or sleep."""
        faults = self._faults
        match stop:
            case SupervisorCall():
                return faults.synchronous(Exc.SVCALL)
            case Breakpoint():
                return faults.breakpoint()
            case ExceptionReturn(exc_return):
                return self._leave(exc_return)
            case WaitForInterrupt():
                self._sleep = Sleep.INTERRUPT
            case WaitForEvent():
                self._sleep = Sleep.EVENT
            case BusFaultStop():
                return self._access_fault(stop)
            case NoCoprocessor(is_fpu=True):
                return self._fp.first_use()
            case _ if type(stop) in USAGE_FAULTS:
                return faults.usage(USAGE_FAULTS[type(stop)])
            case _:
                pass
        return None

    def _access_fault(self, stop: BusFaultStop) -> Lockup | None:
        address = stop.address
        if stop.is_fetch and (stop.is_protected or is_execute_never(address)):
            return self._faults.mem_manage(Cfsr.IACCVIOL)
        if stop.is_fetch:
            return self._faults.bus(Cfsr.IBUSERR)
        if stop.is_protected:
            return self._faults.mem_manage(Cfsr.DACCVIOL, address)
        if self._faults.are_bus_faults_ignored:
            self._faults.ignore_bus_fault(address)
            return self.handle(self._cpu.step_over_nothing())
        return self._faults.bus(Cfsr.PRECISERR, address)
