"""Exceptions: entry, return, and how a fault finds its handler.

Sources: DDI 0403E.e B1.5 (exception model), B1.4 (mode and stack), C1.6 (debug events).
Deviation: entry and return take no cycles; the chip takes 12 or more.
"""

from dataclasses import dataclass

from emulator.cpu import Cpu
from emulator.interrupts import Exc, Interrupts, Masks
from emulator.memory_map import MemoryMap, is_execute_never
from emulator.peripherals.debug import CoreDebug
from emulator.peripherals.scb import Cfsr, Hfsr, Scb
from emulator.registers import WORD_MASK, Field
from emulator.stops import (
    Breakpoint,
    BusFaultStop,
    ExceptionReturn,
    InvalidState,
    StopReason,
    SupervisorCall,
    UndefinedInstruction,
)

FRAME_SIZE = 32  # bytes: r0-r3, r12, lr, return address, xpsr. DDI 0403E.e B1.5.6
XPSR_ALIGNED = 1 << 9  # in the stacked xpsr: SP was moved by 4 to align the frame
XPSR_T = 1 << 24
XPSR_IPSR = 0x1FF
SPSEL = 1 << 1  # of CONTROL
EXC_RETURN_HANDLER = 0xFFFF_FFF1
EXC_RETURN_THREAD_MSP = 0xFFFF_FFF9
EXC_RETURN_THREAD_PSP = 0xFFFF_FFFD
HARDFAULT_PRIORITY = -1


@dataclass(frozen=True, slots=True)
class Lockup:
    """A fault where no fault can be taken; the core does nothing until a reset."""

    pc: int


class StackError(Exception):
    """The exception's frame is not in RAM."""


class ExceptionModel:
    """The part of the core between `Cpu` and the registers of SCB and NVIC."""

    def __init__(
        self,
        cpu: Cpu,
        memory_map: MemoryMap,
        interrupts: Interrupts,
        scb: Scb,
        debug: CoreDebug,
    ) -> None:
        self._cpu, self._memory_map, self._interrupts = cpu, memory_map, interrupts
        self._scb, self._debug = scb, debug
        self._frame = cpu.register_set("r0", "r1", "r2", "r3", "r12", "lr", "pc", "xpsr")
        self._stacks = cpu.register_set("msp", "psp")
        self._entry = cpu.register_set("lr", "pc", "xpsr")

    def masks(self) -> Masks:
        return Masks(*self._cpu.masks.read())

    def take_pending(self) -> bool:
        """Enter the pending exception that preempts what runs now, if there is one."""
        number = self._interrupts.preempting(self.masks())
        if number is not None:
            self._enter(number)
        return number is not None

    def would_wake(self) -> bool:
        """Whether a pending exception ends WFI: PRIMASK is ignored. DDI 0403E.e B1.5."""
        if not self._interrupts.is_any_pending:
            return False
        return self._interrupts.preempting(self.masks()._replace(primask=0)) is not None

    # Entry. DDI 0403E.e B1.5.6.

    def _enter(self, number: int) -> None:
        frame = self._frame.read()
        control = self._cpu.get("control")
        from_handler = bool(self._interrupts.active)
        self._cpu.set("ipsr", number)  # Handler mode first: MSP and PSP are readable there
        msp, psp = self._stacks.read()
        on_psp = not from_handler and bool(control & SPSEL)
        try:
            sp = self._push(psp if on_psp else msp, frame)
        except StackError:
            sp = (psp if on_psp else msp) - FRAME_SIZE
            self._fault_while_stacking(Cfsr.STKERR)
        self._stacks.write(*((msp, sp) if on_psp else (sp, psp)))
        self._cpu.set("control", control & ~SPSEL)
        self._interrupts.activate(number)
        exc_return = EXC_RETURN_THREAD_PSP if on_psp else EXC_RETURN_THREAD_MSP
        self._branch_to_handler(number, EXC_RETURN_HANDLER if from_handler else exc_return)

    def _push(self, sp: int, frame: list[int]) -> int:
        misaligned = bool(sp & 0b100 and self._scb.ccr.STKALIGN)
        new_sp = sp - FRAME_SIZE - 4 * misaligned & WORD_MASK
        *words, xpsr = frame
        words.append(xpsr & ~XPSR_ALIGNED | XPSR_ALIGNED * misaligned)
        where = self._memory_map.slice_at(new_sp, FRAME_SIZE)
        if where is None or not self._memory_map.is_writable(new_sp):
            raise StackError
        where[:] = b"".join(word.to_bytes(4, "little") for word in words)
        return new_sp

    def _branch_to_handler(self, number: int, exc_return: int) -> None:
        address = self._scb.vtor.word + 4 * number
        entry = self._memory_map.slice_at(address, 4)
        if entry is None:
            self._scb.hfsr.VECTTBL = 1
            self._interrupts.pend(Exc.HARDFAULT)
            return
        vector = int.from_bytes(entry, "little")
        self._entry.write(exc_return, vector & ~1, number | XPSR_T * (vector & 1))
        self._cpu.set("ipsr", number)

    # Return. DDI 0403E.e B1.5.

    def _leave(self, exc_return: int) -> Lockup | None:
        """Return from the current exception, or go straight on to a pending one."""
        number = self._cpu.get("ipsr")
        self._interrupts.deactivate(number)
        if number != Exc.NMI:
            self._cpu.set("faultmask", 0)
        is_legal = exc_return in self._legal_returns()
        if not is_legal and (lockup := self._fault(Exc.USAGEFAULT, Cfsr.INVPC)) is not None:
            return lockup
        following = self._interrupts.preempting(self.masks())
        if following is not None:  # tail-chaining: the frame stays where it is
            self._interrupts.activate(following)
            self._branch_to_handler(following, exc_return)
            return None
        return self._unstack(exc_return)

    def _legal_returns(self) -> set[int]:
        if self._interrupts.active:
            return {EXC_RETURN_HANDLER}
        return {EXC_RETURN_THREAD_MSP, EXC_RETURN_THREAD_PSP}

    def _unstack(self, exc_return: int) -> Lockup | None:
        on_psp = exc_return == EXC_RETURN_THREAD_PSP
        msp, psp = self._stacks.read()
        sp = psp if on_psp else msp
        where = self._memory_map.slice_at(sp, FRAME_SIZE)
        if where is None:
            return self._fault(Exc.BUSFAULT, Cfsr.UNSTKERR)
        frame = [int.from_bytes(where[n : n + 4], "little") for n in range(0, FRAME_SIZE, 4)]
        xpsr = frame[-1]
        sp = sp + FRAME_SIZE + 4 * bool(xpsr & XPSR_ALIGNED) & WORD_MASK
        self._stacks.write(*((msp, sp) if on_psp else (sp, psp)))
        control = self._cpu.get("control")
        self._cpu.set("control", control | SPSEL if on_psp else control & ~SPSEL)
        *registers, pc, _ = frame
        self._frame.write(*registers, pc & ~1, xpsr & ~XPSR_ALIGNED)
        self._cpu.set("ipsr", xpsr & XPSR_IPSR)  # last: it may end the privilege to write the rest
        return None

    # Faults. DDI 0403E.e B1.5.

    def raise_for(self, stop: StopReason) -> Lockup | None:
        """Make pending what a stop of the core calls for, or return from the exception it ends."""
        match stop:
            case SupervisorCall():
                return self._raise(Exc.SVCALL)
            case Breakpoint():
                return self._breakpoint()
            case ExceptionReturn(exc_return):
                return self._leave(exc_return)
            case BusFaultStop(address, is_fetch=True) if is_execute_never(address):
                return self._fault(Exc.MEMMANAGE, Cfsr.IACCVIOL)
            case BusFaultStop(_, is_fetch=True):
                return self._fault(Exc.BUSFAULT, Cfsr.IBUSERR)
            case BusFaultStop(address):
                return self._fault(Exc.BUSFAULT, Cfsr.PRECISERR, address)
            case UndefinedInstruction():
                return self._fault(Exc.USAGEFAULT, Cfsr.UNDEFINSTR)
            case InvalidState():
                return self._fault(Exc.USAGEFAULT, Cfsr.INVSTATE)
            case _:
                return None

    def _fault(self, number: Exc, status: Field, address: int | None = None) -> Lockup | None:
        """Note a fault in CFSR and take its exception, or HardFault where that cannot be taken."""
        self._scb.cfsr.word |= status.mask
        if address is not None:
            self._scb.bfar.ADDRESS = address
            self._scb.cfsr.BFARVALID = 1
        return self._raise(number)

    def _breakpoint(self) -> Lockup | None:
        """Take a debug event: DebugMonitor where it is enabled and may preempt. C1.6.

        UNKNOWN: an FPB match with the monitor disabled; HardFault here, as for an executed BKPT.
        """
        self._scb.dfsr.BKPT = 1
        if self._debug.demcr.MON_EN and self._can_take(Exc.DEBUGMONITOR):
            self._interrupts.pend(Exc.DEBUGMONITOR)
            return None
        return self._hardfault(Hfsr.DEBUGEVT)

    def _raise(self, number: Exc) -> Lockup | None:
        if number in self._interrupts.enabled and self._can_take(number):
            self._interrupts.pend(number)
            return None
        return self._hardfault(Hfsr.FORCED)

    def _can_take(self, number: Exc) -> bool:
        interrupts = self._interrupts
        priority = interrupts.group_priority(interrupts.priority_of(number))
        return priority < interrupts.execution_priority(self.masks())

    def _hardfault(self, status: Field) -> Lockup | None:
        if self._interrupts.execution_priority(self.masks()) <= HARDFAULT_PRIORITY:
            return Lockup(self._cpu.get("pc"))
        self._scb.hfsr.word |= status.mask
        self._interrupts.pend(Exc.HARDFAULT)
        return None

    def _fault_while_stacking(self, status: Field) -> None:
        self._scb.cfsr.word |= status.mask
        enabled = Exc.BUSFAULT in self._interrupts.enabled
        if not enabled:
            self._scb.hfsr.FORCED = 1
        self._interrupts.pend(Exc.BUSFAULT if enabled else Exc.HARDFAULT)
