"""The floating-point registers across exceptions: who owns them, where they are stored, and when.

A first floating-point instruction is where the program gets a floating-point context, and where a
handler makes the core store the one of the code it interrupted. What is usual of that is
native/fp_context.c's; the rest stops the core. Sources: DDI 0403E.e B1.5.7, B1.5.8.
Deviation: CONTROL bit 3, reserved, may read as 1 while bit 2, FPCA, does. FPCA becomes 1 without
FPCCR.ASPEN, too. A room that the same block of instructions has moved is found one block late.
"""

from emulator.core_registers import CoreRegisters
from emulator.fault_model import FaultModel, Lockup
from emulator.interrupts import Exc
from emulator.memory_map import MemoryMap
from emulator.native.core import FP_CONTEXT, NativeFpContext
from emulator.peripherals.fpu import CoprocessorAccess, Fpccr, FpccrV8, Fpu
from emulator.peripherals.scb_registers import Cfsr
from emulator.protection import Mode, Protection
from emulator.registers import Field
from emulator.views import AccessKind

EXTENSION_SIZE = 72  # bytes of an extended frame behind the basic one: S0-S15, FPSCR, reserved
STORED_SIZE = 68  # of these
FPCA = 1 << 2  # of CONTROL
FPCA_IN_ENGINE = FPCA | 1 << 3  # or the engine takes the next instruction for the first
READY: dict[Exc, Field] = {
    Exc.HARDFAULT: Fpccr.HFRDY,
    Exc.MEMMANAGE: Fpccr.MMRDY,
    Exc.BUSFAULT: Fpccr.BFRDY,
    Exc.USAGEFAULT: FpccrV8.UFRDY,
    Exc.DEBUGMONITOR: Fpccr.MONRDY,
}
READY_BITS = sum(field.mask for field in READY.values())


class FpContext:
    """The floating-point side of exception entry and return; `fpu` is None where there is none."""

    def __init__(
        self,
        core: CoreRegisters,
        memory_map: MemoryMap,
        protection: Protection,
        faults: FaultModel,
        fpu: Fpu | None,
        access: CoprocessorAccess,
        native: NativeFpContext,
    ) -> None:
        self._core, self._memory_map, self._protection = core, memory_map, protection
        self._faults, self._fpu, self._access, self._native = faults, fpu, access, native
        self._registers = core.register_set(*FP_CONTEXT) if fpu else None
        fields = fpu.fpccr.fields() if fpu else ()
        self._ready_bits = {n: field.mask for n, field in READY.items() if field in fields}

    @property
    def exists(self) -> bool:
        return self._fpu is not None

    @property
    def is_active(self) -> bool:
        """CONTROL.FPCA: the code that runs has a floating-point context."""
        return self.exists and bool(self._core.get("control") & FPCA)

    def _set_active(self, *, active: bool) -> None:
        control = self._core.get("control") & ~FPCA_IN_ENGINE
        self._core.set_control(control | FPCA_IN_ENGINE * active)

    def let_go(self, priority: int | None = None) -> None:
        """Say what native/fp_context.c must know to put off a context by itself, and to store it.

        `priority` is that of the code it is of; what runs now, unless one is given.
        """
        if self._fpu is not None:
            self._native.is_protected = self._protection.depends_on_mode
            self._native.ready = self._ready(priority)

    def _ready(self, priority: int | None = None) -> int:
        """Return FPCCR's bits of the exceptions that could preempt the code a context is of."""
        above = self._faults.priority() if priority is None else priority
        bits = self._ready_bits.items()
        return sum([bit for number, bit in bits if self._faults.preempts(number, above)])

    def first_use(self) -> Lockup | None:
        """Let a floating-point instruction go on, or have the fault taken where it may not."""
        fpu = self._fpu
        if fpu is None or not self._access.allows(is_privileged=self._core.is_privileged):
            return self._faults.usage(Cfsr.NOCP)
        lockup = self._preserve(fpu) if fpu.fpccr.LSPACT else None
        if not fpu.fpccr.LSPACT and fpu.fpccr.ASPEN and not self.is_active:
            self._set_active(active=True)
            self._core.set("fpscr", fpu.fpdscr.word)
        return lockup

    def _preserve(self, fpu: Fpu) -> Lockup | None:
        """Store the context that an entry left room for, as the code it is of may.

        After a fault that has to wait, it counts as stored, and the registers are UNKNOWN.
        """
        fpccr, lockup = fpu.fpccr, None
        if (fault := self._store_late(fpu)) is not None:
            was_ready, was_hardfault_ready = READY[fault[0]].of(fpccr.word), fpccr.HFRDY
            lockup = self._faults.while_preserving(
                *fault, was_ready=bool(was_ready), was_hardfault_ready=bool(was_hardfault_ready)
            )
        if lockup is None and not (fault and self._faults.is_any_taken):
            fpccr.LSPACT = 0
        return lockup

    def _store_late(self, fpu: Fpu) -> tuple[Exc, Field] | None:
        """Return the fault, if there is one. That of CPACR is Armv8-M's."""
        fpccr, address = fpu.fpccr, fpu.fpcar.word
        mode = Mode(not fpccr.USER, is_urgent=not fpccr.HFRDY)
        is_usable = self._access.allows(is_privileged=mode.is_privileged)
        if not is_usable and isinstance(fpccr, FpccrV8):
            return Exc.USAGEFAULT, Cfsr.NOCP
        if not self._protection.allows_all(address, STORED_SIZE, AccessKind.WRITE, mode):
            return Exc.MEMMANAGE, Cfsr.MLSPERR
        return None if self._store(address) else (Exc.BUSFAULT, Cfsr.LSPERR)

    @property
    def is_put_off(self) -> bool:
        """Whether a context is still to be stored."""
        return self._fpu is not None and bool(self._fpu.fpccr.LSPACT)

    @property
    def is_lazy(self) -> bool:
        """Whether the next one will be stored later."""
        return self._fpu is not None and bool(self._fpu.fpccr.LSPEN)

    def enter(self, address: int, *, is_thread: bool, is_privileged: bool) -> bool:
        """Stack the context at `address`, now or later; whether it could be."""
        fpu = self._fpu
        if fpu is None:
            return True
        stored = True
        if fpu.fpccr.LSPEN:
            fpu.fpcar.word = address
            fpu.fpccr.LSPACT, fpu.fpccr.THREAD, fpu.fpccr.USER = 1, is_thread, not is_privileged
            fpu.fpccr.word = fpu.fpccr.word & ~READY_BITS | self._ready()
        else:
            stored = self._store(address)
        return stored

    def leave(self, address: int, *, is_extended: bool) -> bool:
        """Give back the context that a frame has or has not; whether it could be read."""
        fpu, registers = self._fpu, self._registers
        if fpu is None or registers is None:
            return True
        if is_extended and not fpu.fpccr.LSPACT:
            where = self._memory_map.slice_at(address, EXTENSION_SIZE)
            if where is None:
                return False
            offsets = range(0, STORED_SIZE, 4)
            registers.write(*(int.from_bytes(where[n : n + 4], "little") for n in offsets))
        if is_extended:
            fpu.fpccr.LSPACT = 0
        self._set_active(active=is_extended)
        return True

    def drop(self) -> None:
        """Start a handler, which has no context."""
        if self.is_active:
            self._set_active(active=False)

    def _store(self, address: int) -> bool:
        where = self._memory_map.slice_at(address, EXTENSION_SIZE)
        if where is None or self._registers is None or not self._memory_map.is_writable(address):
            return False
        words = (*self._registers.read(), 0)
        where[:] = b"".join(word.to_bytes(4, "little") for word in words)
        return True
