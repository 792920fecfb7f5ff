"""Faults: how one is noted, and which exception it becomes.

Sources: DDI 0403E.e B1.5 (fault handling, escalation, lockup), C1.6 (debug events).
"""

from collections.abc import Callable
from dataclasses import dataclass

from emulator.interrupts import Exc, Interrupts, Masks
from emulator.peripherals.debug import CoreDebug
from emulator.peripherals.scb import Scb
from emulator.peripherals.scb_registers import Cfsr, Hfsr
from emulator.registers import Field

HARDFAULT_PRIORITY = -1


@dataclass(frozen=True, slots=True)
class Lockup:
    """A fault where no fault can be taken; the core does nothing until a reset."""

    pc: int


class FaultModel:
    """Makes a fault's exception pending, in the state that the core is in now.

    Each method returns None, or Lockup where there is no exception left to take.
    """

    def __init__(
        self,
        interrupts: Interrupts,
        scb: Scb,
        debug: CoreDebug,
        masks: Callable[[], Masks],
        pc: Callable[[], int],
    ) -> None:
        self._interrupts, self._scb, self._debug = interrupts, scb, debug
        self._masks, self._pc = masks, pc

    def usage(self, status: Field) -> Lockup | None:
        self._scb.cfsr.word |= status.mask
        return self.synchronous(Exc.USAGEFAULT)

    def bus(self, status: Field, address: int | None = None) -> Lockup | None:
        self._scb.cfsr.word |= status.mask
        if address is not None:
            self._scb.bfar.ADDRESS = address
            self._scb.cfsr.BFARVALID = 1
        return self.synchronous(Exc.BUSFAULT)

    def mem_manage(self, status: Field, address: int | None = None) -> Lockup | None:
        self._scb.cfsr.word |= status.mask
        if address is not None:
            self._scb.mmfar.ADDRESS = address
            self._scb.cfsr.MMARVALID = 1
        return self.synchronous(Exc.MEMMANAGE)

    def synchronous(self, number: Exc) -> Lockup | None:
        """Take an exception that cannot wait: HardFault where it is disabled or too low."""
        if self.is_ready(number):
            self._interrupts.pend(number)
            return None
        return self._hardfault(Hfsr.FORCED)

    def breakpoint(self) -> Lockup | None:
        """Take a debug event: DebugMonitor where it is enabled and may preempt. C1.6.

        UNKNOWN: an FPB match with the monitor disabled; HardFault here, as for an executed BKPT.
        """
        self._scb.dfsr.BKPT = 1
        if self.is_ready(Exc.DEBUGMONITOR):
            self._interrupts.pend(Exc.DEBUGMONITOR)
            return None
        return self._hardfault(Hfsr.DEBUGEVT)

    @property
    def is_stepping(self) -> bool:
        """Whether the DebugMonitor wants to see the next instruction's end. C1.6: MON_STEP."""
        return self.may_step and self.is_ready(Exc.DEBUGMONITOR)

    @property
    def may_step(self) -> bool:
        """Whether it wants to, as soon as it may preempt."""
        return bool(self._debug.demcr.MON_STEP) and self._is_enabled(Exc.DEBUGMONITOR)

    def stepped(self) -> None:
        self._scb.dfsr.HALTED = 1
        self._interrupts.pend(Exc.DEBUGMONITOR)

    def while_stacking(self, number: Exc, status: Field) -> None:
        """Note a fault of an exception's entry: it may go first, or wait for the handler's end."""
        self._scb.cfsr.word |= status.mask
        is_enabled = number in self._interrupts.enabled
        if not is_enabled:
            self._scb.hfsr.FORCED = 1
        self._interrupts.pend(number if is_enabled else Exc.HARDFAULT)

    def while_preserving(
        self, number: Exc, status: Field, *, was_ready: bool, was_hardfault_ready: bool
    ) -> Lockup | None:
        """Note a fault of lazy preservation: it goes first, or waits for the handler's end.

        What could be taken on the entry that put it off decides, not what could be now. B1.5.7.
        """
        self._scb.cfsr.word |= status.mask
        if not was_ready:
            self._scb.hfsr.FORCED = 1
            number = Exc.HARDFAULT
        if not was_hardfault_ready and not self.is_ready(number):
            return Lockup(self._pc())
        self._interrupts.pend(number)
        return None

    def vector_unreadable(self, number: int) -> Lockup | None:
        """Take HardFault in place of an exception whose vector cannot be read."""
        if number <= Exc.HARDFAULT:
            return Lockup(self._pc())
        self._scb.hfsr.VECTTBL = 1
        self._interrupts.pend(Exc.HARDFAULT)
        return None

    @property
    def are_bus_faults_ignored(self) -> bool:
        """Whether CCR.BFHFNMIGN applies: in HardFault, in NMI, and with FAULTMASK set."""
        return bool(self._scb.ccr.BFHFNMIGN) and self.is_urgent

    @property
    def is_urgent(self) -> bool:
        """Whether the core runs at HardFault's priority, or NMI's."""
        return self.priority() <= HARDFAULT_PRIORITY

    def ignore_bus_fault(self, address: int) -> None:
        self._scb.cfsr.word |= Cfsr.PRECISERR.mask | Cfsr.BFARVALID.mask
        self._scb.bfar.ADDRESS = address

    def priority(self) -> int:
        """Return the priority of what runs now."""
        return self._interrupts.execution_priority(self._masks())

    def is_ready(self, number: Exc) -> bool:
        """Whether an exception is enabled and could preempt what runs now."""
        return self.preempts(number, self.priority())

    def preempts(self, number: Exc, priority: int) -> bool:
        """Whether an exception is enabled and could preempt code of a priority."""
        interrupts = self._interrupts
        own = interrupts.group_priority(interrupts.priority_of(number))
        return self._is_enabled(number) and own < priority

    def _is_enabled(self, number: Exc) -> bool:
        if number is Exc.DEBUGMONITOR:
            return bool(self._debug.demcr.MON_EN)
        return number in self._interrupts.enabled

    @property
    def is_any_taken(self) -> bool:
        """Whether an exception that is pending preempts what runs now."""
        return self._interrupts.preempting(self._masks()) is not None

    def _hardfault(self, status: Field) -> Lockup | None:
        if self.priority() <= HARDFAULT_PRIORITY:
            return Lockup(self._pc())
        self._scb.hfsr.word |= status.mask
        self._interrupts.pend(Exc.HARDFAULT)
        return None
