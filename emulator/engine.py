"""Unicorn as a board's core: memories, peripherals and clock attached, instructions executed.

The only file that imports unicorn. What it makes of a stop is in cpu.py, what the guest's accesses
see in accesses.py. Sources: DDI 0403E.e B1.4 (registers), B3.1 (map).
"""

import ctypes
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from emulator.errors import EmulatorError
from emulator.native.build import load
from emulator.native.core import FP_CONTEXT, FRAME, OTHERS, NativeCore, NativeLiteral, NativeWindow

with suppress(EmulatorError):  # the first clock says it
    load()  # before Unicorn: see native/translation.h

from unicorn.arm_const import (
    UC_ARM_REG_BASEPRI,
    UC_ARM_REG_CONTROL,
    UC_ARM_REG_CPSR,
    UC_ARM_REG_FAULTMASK,
    UC_ARM_REG_FPSCR,
    UC_ARM_REG_IPSR,
    UC_ARM_REG_MSP,
    UC_ARM_REG_PC,
    UC_ARM_REG_PRIMASK,
    UC_ARM_REG_PSP,
    UC_ARM_REG_R0,
    UC_ARM_REG_R12,
    UC_ARM_REG_S0,
    UC_ARM_REG_SP,
    UC_ARM_REG_XPSR,
    UC_CPU_ARM_CORTEX_M3,
    UC_CPU_ARM_CORTEX_M4,
    UC_CPU_ARM_CORTEX_M33,
)
from unicorn.unicorn import Uc, UcError
from unicorn.unicorn_const import (
    UC_ARCH_ARM,
    UC_CTL_IO_WRITE,
    UC_CTL_TLB_FLUSH,
    UC_ERR_INSN_INVALID,
    UC_ERR_OK,
    UC_HOOK_BLOCK,
    UC_HOOK_INTR,
    UC_HOOK_TLB_FILL,
    UC_MEM_FETCH,
    UC_MEM_READ,
    UC_MEM_WRITE,
    UC_MODE_MCLASS,
    UC_MODE_THUMB,
    UC_PROT_ALL,
    UC_TLB_VIRTUAL,
)
from unicorn.unicorn_py3.unicorn import uclib

from emulator.bus import Bus
from emulator.clock import Clock
from emulator.memory_map import PAGE_SIZE, MemoryMap
from emulator.views import SHADOW_BASE, AccessKind, Answer, Permission, Views
from emulator.xpsr import ITSTATE_BITS

REGISTERS: Final = {
    **{f"r{n}": UC_ARM_REG_R0 + n for n in range(12)},
    "r12": UC_ARM_REG_R12,
    "lr": 10,  # UC_ARM_REG_LR
    "pc": UC_ARM_REG_PC,
    "sp": UC_ARM_REG_SP,
    "msp": UC_ARM_REG_MSP,
    "psp": UC_ARM_REG_PSP,
    "xpsr": UC_ARM_REG_XPSR,
    "ipsr": UC_ARM_REG_IPSR,
    "cpsr": UC_ARM_REG_CPSR,  # the engine's own
    "control": UC_ARM_REG_CONTROL,
    "primask": UC_ARM_REG_PRIMASK,
    "basepri": UC_ARM_REG_BASEPRI,
    "faultmask": UC_ARM_REG_FAULTMASK,
    **{f"s{n}": UC_ARM_REG_S0 + n for n in range(32)},
    "fpscr": UC_ARM_REG_FPSCR,
}
MODELS: Final = {
    "cortex-m3": UC_CPU_ARM_CORTEX_M3,
    "cortex-m4": UC_CPU_ARM_CORTEX_M4,
    "cortex-m33": UC_CPU_ARM_CORTEX_M33,  # in its Secure state: it starts there
}
ACCESSES: Final = {
    UC_MEM_FETCH: AccessKind.FETCH,
    UC_MEM_READ: AccessKind.READ,
    UC_MEM_WRITE: AccessKind.WRITE,
}
OK: Final = UC_ERR_OK  # what `execute` returns: an error of the engine's
INVALID_INSTRUCTION: Final = UC_ERR_INSN_INVALID
READ_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32)
WRITE_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32)
DEADLINE_CALLBACK = ctypes.CFUNCTYPE(None)
# Bytes of what is translated. Unicorn takes a gigabyte, which leaves the second board's out of a
# near call's reach: each block then takes a quarter longer.
TRANSLATED_SIZE = 32 << 20
# Engine-physical: a page of instructions of our own, and one for accesses that reach nothing.
OWN_CODE_BASE = 0xFE00_0000
NOTHING_BASE = OWN_CODE_BASE + PAGE_SIZE
OWN_CODE = 0xFFFF_F800  # no guest address of this page is answered with anything else
OWN_CODE_ANSWER = Answer(OWN_CODE_BASE, Permission.EXECUTE)


# What native/translation.h asks to do the work.
ENGINE_FUNCTIONS = (
    "cpu_lduw_code_arm",
    "tcg_gen_qemu_ld_i32_arm",
    "tcg_gen_qemu_ld_i64_arm",
    "tcg_gen_qemu_st_i32_arm",
    "tcg_gen_qemu_st_i64_arm",
    "tcg_gen_callN_arm",
    "helper_check_exit_request_arm",
    "helper_le_lduw_mmu_arm",
    "helper_le_ldul_mmu_arm",
    "tcg_gen_brcond_i64_arm",
    "tcg_const_i64_arm",
    "tcg_gen_andi_i64_arm",
    "tcg_gen_movcond_i64_arm",
    "tcg_gen_goto_tb_arm",
    "tcg_gen_exit_tb_arm",
    "helper_vfp_set_fpscr_arm",
    "helper_v7m_msr_arm",
)

# The same library for calls that are over at once. They keep the interpreter's lock: letting go of
# it for each would let another board's thread run in between, and wait for that one's turn to end.
quick = ctypes.PyDLL(uclib._name, handle=uclib._handle)


class RegisterSet:
    """Some core registers, read or written in one call of the engine."""

    def __init__(self, handle: Any, names: Iterable[str]) -> None:
        numbers = [REGISTERS[name] for name in names]
        self._handle = handle
        self._count = len(numbers)
        self._numbers = (ctypes.c_int32 * self._count)(*numbers)
        self._values = (ctypes.c_uint32 * self._count)()
        at = ctypes.addressof(self._values)
        self._pointers = (ctypes.c_void_p * self._count)(*(at + 4 * n for n in range(self._count)))

    def read(self) -> list[int]:
        quick.uc_reg_read_batch(self._handle, self._numbers, self._pointers, self._count)
        return list(self._values)

    def write(self, *values: int) -> None:
        self._values[:] = list(values)
        quick.uc_reg_write_batch(self._handle, self._numbers, self._pointers, self._count)


class Engine:
    """One Unicorn engine. `on_fill` says what an access to a page reaches, None for nothing."""

    on_fill: Callable[[int, AccessKind], Answer | None]
    runs_own_code = False
    traps_unaligned = False  # all accesses; follow a change with `drop_all`

    def __init__(
        self, model: str, memory_map: MemoryMap, views: Views, bus: Bus, clock: Clock
    ) -> None:
        self._bus, self._clock = bus, clock
        self._scratch = (ctypes.c_uint8 * (2 * PAGE_SIZE))()  # from OWN_CODE_BASE on
        self._error: BaseException | None = None  # a callback's
        uc: Any = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        self._uc, self._handle = uc, uc._uch
        uc.ctl_set_cpu_model(MODELS[model])
        uc.ctl_set_tcg_buffer_size(TRANSLATED_SIZE)
        uc.ctl_set_tlb_mode(UC_TLB_VIRTUAL)
        uc.ctl_exits_enabled(True)  # or `until` would be an address the guest may reach
        uc.ctl_set_exits([])
        self._register = ctypes.c_uint32()
        self._at_register = ctypes.byref(self._register)
        self.native = self._native_core()
        self._map(memory_map, views)
        self._hook()

    def _native_core(self) -> NativeCore:
        """Tell native/core.c about the engine; have it called without the interpreter's lock."""
        library = ctypes.CDLL(None, handle=self._clock.library._handle)
        functions = (uclib.uc_reg_read_batch, uclib.uc_reg_write_batch, uclib.uc_emu_start)
        native = NativeCore(self._handle, *(ctypes.cast(f, ctypes.c_void_p) for f in functions))
        if ctypes.sizeof(native) != library.core_size():
            raise AssertionError("NativeCore and struct core differ")
        native.clock = ctypes.addressof(self._clock.native)
        native.frame[:] = [REGISTERS[name] for name in FRAME]
        native.fp_registers[:] = [REGISTERS[name] for name in FP_CONTEXT]
        native.others[:] = [REGISTERS[name] for name in OTHERS]
        self._run, self._at_core = library.core_run, ctypes.byref(native)
        return native

    def _map(self, memory_map: MemoryMap, views: Views) -> None:
        for memory in memory_map.memories:
            region = memory.region
            self._uc.mem_map_ptr(region.address, region.size, UC_PROT_ALL, memory.host_address)
        for base, buffer in ((SHADOW_BASE, views.shadow), (OWN_CODE_BASE, self._scratch)):
            at = ctypes.addressof(buffer)
            self._uc.mem_map_ptr(base, ctypes.sizeof(buffer), UC_PROT_ALL, at)
        self._callbacks = (READ_CALLBACK(self._on_read), WRITE_CALLBACK(self._on_write))
        read, write = map(address_of, self._callbacks)
        clock, library = ctypes.addressof(self._clock.native), self._clock.library
        self._windows = [
            (NativeWindow(clock, read, write, begin), size) for begin, size in self._bus.windows
        ]
        for window, size in self._windows:
            # Straight to the library: the binding's wrappers would double the cost of an access.
            its = ctypes.byref(window)
            functions = library.window_read, its, library.window_write, its
            uclib.uc_mmio_map(self._handle, window.begin, size, *functions)

    def _hook(self) -> None:
        native, library = self._clock.native, self._clock.library
        native.stop = ctypes.cast(uclib.uc_emu_stop, ctypes.c_void_p)
        native.read_registers = ctypes.cast(uclib.uc_reg_read_batch, ctypes.c_void_p)
        self._at_deadline = DEADLINE_CALLBACK(self._on_deadline)
        self._at_deadline_address = address_of(self._at_deadline)
        names = ("primask", "basepri", "faultmask", "control", "ipsr")
        native.mask_names[:] = [REGISTERS[name] for name in names]
        core = (*(f"r{n}" for n in range(13)), "sp", "lr", "xpsr")
        native.core_names[:] = [REGISTERS[name] for name in core]
        self._hook_native(UC_HOOK_BLOCK, library.clock_block)
        self._hook_native(UC_HOOK_INTR, library.clock_interrupt)
        self._uc.hook_add(UC_HOOK_TLB_FILL, self._fill)

    def _hook_native(self, kind: int, function: Any) -> None:
        handle = ctypes.c_size_t()
        uclib.uc_hook_add(
            self._handle,
            ctypes.byref(handle),
            kind,
            ctypes.cast(function, ctypes.c_void_p),
            ctypes.addressof(self._clock.native),
            ctypes.c_uint64(1),
            ctypes.c_uint64(0),
        )

    def register_set(self, *names: str) -> RegisterSet:
        return RegisterSet(self._handle, names)

    def read_register(self, number: int) -> int:
        quick.uc_reg_read(self._handle, number, self._at_register)
        return self._register.value

    def write_register(self, number: int, value: int) -> None:
        self._register.value = value
        quick.uc_reg_write(self._handle, number, self._at_register)

    # Running.

    def execute(self, deadline: int, *, passes_deadline: bool = False) -> int:
        """Run until something stops the engine; return why, or raise what a callback raised.

        A deadline that it passes is the clock's: what is due happens, and it goes on to the next.
        Where and how it stopped is in `native`.
        """
        clock = self._clock.native
        clock.deadline, clock.is_called = deadline, 0
        clock.on_deadline = self._at_deadline_address if passes_deadline else None
        self.native.traps_unaligned = self.traps_unaligned
        status: int = self._run(self._at_core)
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return status

    def set_exits(self, addresses: Iterable[int]) -> None:
        """End before the instructions at these addresses, once they are translated anew."""
        self._uc.ctl_set_exits([*addresses])

    def show_literals(self, words: Mapping[int, int]) -> None:
        """Have unaligned loads see memory's own words: guest address → the host's."""
        native = self.native
        if bool(words) != bool(native.literal_count):
            self.drop_all()  # loads are translated otherwise
        native.literal_count = len(words)
        native.literals[: len(words)] = [NativeLiteral(own, at) for at, own in words.items()]

    # What was translated, and where pages were found.

    def drop(self, begin: int, end: int) -> None:
        """Translate [begin, end) anew."""
        self._uc.ctl_remove_cache(begin, end)

    def drop_all(self) -> None:
        self._uc.ctl_flush_tb()

    def flush_tlb(self) -> None:
        """Ask again for every page."""
        self._uc.ctl(UC_CTL_TLB_FLUSH, UC_CTL_IO_WRITE)

    def put_own_code(self, code: bytes) -> None:
        """Put instructions of our own where `OWN_CODE` is answered with, while `runs_own_code`."""
        self._scratch[: len(code)] = list(code)

    def clear_nothing(self) -> None:
        """Forget what was stored to where nothing is."""
        ctypes.memset(ctypes.addressof(self._scratch) + PAGE_SIZE, 0, PAGE_SIZE)

    # Callbacks.

    def _fill(self, _: Uc, address: int, access: int, entry: Any, __: object) -> bool:
        kind = ACCESSES[access]
        is_own = self.runs_own_code and address == OWN_CODE
        answer = OWN_CODE_ANSWER if is_own else self.on_fill(address, kind)
        if answer is None:
            return False
        entry.paddr, entry.perms = answer.physical, answer.permissions
        if kind is not AccessKind.FETCH:
            # A fill inside an IT block leaves ITSTATE set for the next block, which then skips
            # instructions; the block itself was translated with its conditions.
            cpsr = self.read_register(UC_ARM_REG_CPSR)
            if cpsr & ITSTATE_BITS:
                self.write_register(UC_ARM_REG_CPSR, cpsr & ~ITSTATE_BITS)
        return True

    def _on_read(self, address: int, size: int) -> int:
        try:
            return self._bus.read(address, size)
        except BaseException as error:
            self._failed(error)
            return 0

    def _on_write(self, address: int, size: int, value: int) -> None:
        try:
            self._bus.write(address, size, value)
        except BaseException as error:
            self._failed(error)

    def _on_deadline(self) -> None:
        try:
            self._clock.pass_deadline()
        except BaseException as error:
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        """Keep it until the engine has stopped: none passes a library, not even Ctrl-C's."""
        self._error = error
        self._clock.request_attention()


def address_of(function: Any) -> int | None:
    """Return where a library's function is."""
    return None if function is None else ctypes.cast(function, ctypes.c_void_p).value


def lend_functions() -> None:
    """Tell native/translation.h where Unicorn's functions are, before Unicorn calls ours."""
    own = [getattr(uclib, name, None) for name in ENGINE_FUNCTIONS]  # or it hides them
    load().set_engine_functions((ctypes.c_void_p * len(own))(*map(address_of, own)))


with suppress(EmulatorError):  # nothing of ours is there to be called
    lend_functions()


def error_of(status: int) -> Exception:
    """Return what to raise for a status of the engine's that the guest cannot cause."""
    return UcError(status)
