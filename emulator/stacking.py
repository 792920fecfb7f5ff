"""Exception frames on a stack, wherever that is and whatever may go wrong with it.

Sources: DDI 0403E.e B1.5.6; Armv8-M's stack limits.
"""

import struct

from emulator.fault_model import FaultModel
from emulator.fp_context import FpContext
from emulator.interrupts import Exc
from emulator.memory_map import MemoryMap
from emulator.peripherals.scb import Scb
from emulator.peripherals.scb_registers import CcrV8, Cfsr
from emulator.protection import Mode, Protection
from emulator.registers import WORD_MASK, Field
from emulator.views import AccessKind
from emulator.xpsr import XPSR_IPSR

FRAME = struct.Struct("<8I")  # r0-r3, r12, lr, return address, xpsr. DDI 0403E.e B1.5.6
FRAME_SIZE = FRAME.size
XPSR_ALIGNED = 1 << 9  # in the stacked xpsr: SP was moved by 4 to align the frame


class StackError(Exception):
    """The exception's frame is not in RAM, or where it may not be: the exception to take, why."""

    def __init__(self, number: Exc, status: Field) -> None:
        self.number, self.status = number, status


class Stack:
    """The stack that a frame is pushed to, at whatever SP says."""

    def __init__(
        self,
        memory_map: MemoryMap,
        protection: Protection,
        scb: Scb,
        fp: FpContext,
        faults: FaultModel,
    ) -> None:
        self._memory_map, self._protection, self._scb = memory_map, protection, scb
        self._fp, self._faults = fp, faults

    def push(self, sp: int, frame: list[int], size: int, mode: Mode, limit: int) -> int:
        """Push it, with what else `size` has room for; return the new SP. StackError."""
        is_extended = size > FRAME_SIZE
        misaligned = bool(sp & 0b100 and (self._scb.ccr.STKALIGN or is_extended))
        new_sp = sp - size - 4 * misaligned & WORD_MASK
        *words, xpsr = frame
        words.append(xpsr & ~XPSR_ALIGNED | XPSR_ALIGNED * misaligned)
        where = self._memory_map.slice_at(new_sp, FRAME_SIZE)
        if new_sp < limit and not self._is_limit_ignored:
            raise StackError(Exc.USAGEFAULT, Cfsr.STKOF)
        stored = FRAME_SIZE if self._fp.is_lazy else size
        if not self._protection.allows_all(new_sp, stored, AccessKind.WRITE, mode):
            raise StackError(Exc.MEMMANAGE, Cfsr.MSTKERR)
        if where is None or not self._memory_map.is_writable(new_sp):
            raise StackError(Exc.BUSFAULT, Cfsr.STKERR)
        where[:] = FRAME.pack(*words)
        is_thread = not xpsr & XPSR_IPSR
        if is_extended and not self._fp.enter(
            new_sp + FRAME_SIZE, is_thread=is_thread, is_privileged=mode.is_privileged
        ):
            raise StackError(Exc.BUSFAULT, Cfsr.STKERR)
        return new_sp

    @property
    def _is_limit_ignored(self) -> bool:
        """Whether CCR.STKOFHFNMIGN applies. Armv8-M only: other cores have no limit."""
        return bool(self._scb.ccr.word & CcrV8.STKOFHFNMIGN.mask) and self._faults.is_urgent
