"""The floating-point registers across exceptions: who owns them, where they are stored, and when.

A first floating-point instruction stops the core, here as in the architecture's pseudocode: it is
where the program gets a floating-point context, and where a handler makes the core store the one of
the code it interrupted. Sources: DDI 0403E.e B1.5.7, B1.5.8.
Deviation: CONTROL bit 3, reserved, may read as 1 while bit 2, FPCA, does.
"""

from emulator.core_registers import CoreRegisters
from emulator.memory_map import MemoryMap
from emulator.peripherals.fpu import CoprocessorAccess, Fpu
from emulator.peripherals.scb import Cfsr
from emulator.registers import Field

REGISTERS = tuple(f"s{n}" for n in range(16))  # that an exception stacks; the callee keeps the rest
EXTENSION_SIZE = 72  # bytes of an extended frame behind the basic one: S0-S15, FPSCR, reserved
FPCA = 1 << 2  # of CONTROL
FPCA_IN_ENGINE = FPCA | 1 << 3  # or the engine takes the next instruction for the first


class FpContext:
    """The floating-point side of exception entry and return; `fpu` is None where there is none."""

    def __init__(
        self,
        core: CoreRegisters,
        memory_map: MemoryMap,
        fpu: Fpu | None,
        access: CoprocessorAccess,
    ) -> None:
        self._core, self._memory_map, self._fpu, self._access = core, memory_map, fpu, access
        self._registers = core.register_set(*REGISTERS, "fpscr") if fpu else None

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

    def arm(self) -> None:
        """Decide whether the next floating-point instruction stops the core."""
        fpu = self._fpu
        if fpu is None:
            return
        is_usable = self._access.allows(is_privileged=self._core.mode.is_privileged)
        has_context = self.is_active or not fpu.fpccr.ASPEN
        self._core.has_no_coprocessor = not (is_usable and has_context) or bool(fpu.fpccr.LSPACT)

    def first_use(self) -> Field | None:
        """Let a floating-point instruction go on; return the fault where it may not."""
        fpu = self._fpu
        if fpu is None or not self._access.allows(is_privileged=self._core.mode.is_privileged):
            return Cfsr.NOCP
        if fpu.fpccr.LSPACT:
            if not self._store(fpu.fpcar.word):
                return Cfsr.LSPERR
            fpu.fpccr.LSPACT = 0
        if fpu.fpccr.ASPEN and not self.is_active:
            self._set_active(active=True)
            self._core.set("fpscr", fpu.fpdscr.word)
        return None

    def enter(self, address: int, *, is_thread: bool, is_privileged: bool) -> bool:
        """Stack the context at `address`, now or later; whether it could be."""
        fpu = self._fpu
        if fpu is None:
            return True
        stored = True
        if fpu.fpccr.LSPEN:
            fpu.fpcar.word = address
            fpu.fpccr.LSPACT, fpu.fpccr.THREAD, fpu.fpccr.USER = 1, is_thread, not is_privileged
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
            size = 4 * (len(REGISTERS) + 1)
            registers.write(
                *(int.from_bytes(where[n : n + 4], "little") for n in range(0, size, 4))
            )
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
