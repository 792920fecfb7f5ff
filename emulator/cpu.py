"""The core: runs guest instructions and says why it stopped. The only file that imports unicorn.

What the engine leaves out of an M-profile core is elsewhere: exceptions in exception_model.py, the
Flash Patch unit in views.py, time in clock.py. Sources: DDI 0403E.e B1.4 (registers), B3.1 (map).
"""

import ctypes
from collections.abc import Iterable
from typing import Any, Final

from unicorn.arm_const import (
    UC_ARM_REG_BASEPRI,
    UC_ARM_REG_CONTROL,
    UC_ARM_REG_CPSR,
    UC_ARM_REG_FAULTMASK,
    UC_ARM_REG_IPSR,
    UC_ARM_REG_MSP,
    UC_ARM_REG_PC,
    UC_ARM_REG_PRIMASK,
    UC_ARM_REG_PSP,
    UC_ARM_REG_R0,
    UC_ARM_REG_R12,
    UC_ARM_REG_SP,
    UC_ARM_REG_XPSR,
    UC_CPU_ARM_CORTEX_M3,
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
    UC_HOOK_MEM_READ_UNMAPPED,
    UC_HOOK_MEM_WRITE_UNMAPPED,
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
from emulator.clock import NEVER, Clock, NativeRegion, Stop
from emulator.memory_map import PAGE_SIZE, MemoryMap
from emulator.stops import (
    Breakpoint,
    BusFaultStop,
    Deadline,
    ExceptionReturn,
    InvalidState,
    StopReason,
    SupervisorCall,
    TableChanged,
    UndefinedInstruction,
    WaitForInterrupt,
)
from emulator.views import SHADOW_BASE, AccessKind, Permission, Views

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
    "control": UC_ARM_REG_CONTROL,
    "primask": UC_ARM_REG_PRIMASK,
    "basepri": UC_ARM_REG_BASEPRI,
    "faultmask": UC_ARM_REG_FAULTMASK,
}
MODELS: Final = {"cortex-m3": UC_CPU_ARM_CORTEX_M3}

ACCESSES: Final = {
    UC_MEM_FETCH: AccessKind.FETCH,
    UC_MEM_READ: AccessKind.READ,
    UC_MEM_WRITE: AccessKind.WRITE,
}
READ_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_uint64, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint, ctypes.c_void_p
)
WRITE_CALLBACK = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint, ctypes.c_uint64, ctypes.c_void_p
)
ITSTATE_BITS = 0b11 << 25 | 0b11_1111 << 10  # of CPSR
XPSR_T = 1 << 24
# Engine-physical, and nothing is mapped there: the guest address that has nothing, moved up.
NOWHERE = 1 << 32
INTR_SVC, INTR_BKPT, INTR_EXCEPTION_EXIT = 2, 7, 8  # the engine's numbers


class RegisterSet:
    """Some core registers, read or written in one call of the engine."""

    def __init__(self, engine: Any, names: Iterable[str]) -> None:
        numbers = [REGISTERS[name] for name in names]
        self._engine = engine
        self._count = len(numbers)
        self._numbers = (ctypes.c_int32 * self._count)(*numbers)
        self._values = (ctypes.c_uint32 * self._count)()
        at = ctypes.addressof(self._values)
        self._pointers = (ctypes.c_void_p * self._count)(*(at + 4 * n for n in range(self._count)))

    def read(self) -> list[int]:
        uclib.uc_reg_read_batch(self._engine._uch, self._numbers, self._pointers, self._count)
        return list(self._values)

    def write(self, *values: int) -> None:
        self._values[:] = list(values)
        uclib.uc_reg_write_batch(self._engine._uch, self._numbers, self._pointers, self._count)


class Cpu:
    """One core and its view of memory."""

    def __init__(
        self, model: str, memory_map: MemoryMap, views: Views, bus: Bus, clock: Clock
    ) -> None:
        self._memory_map, self._views, self._bus, self._clock = memory_map, views, bus, clock
        self._fault: BusFaultStop | None = None
        self._is_locating = False  # a fault's address is being looked for
        self._error: Exception | None = None  # a callback's; ctypes would swallow it
        engine: Any = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        self._engine = engine
        self._engine.ctl_set_cpu_model(MODELS[model])
        self._engine.ctl_set_tlb_mode(UC_TLB_VIRTUAL)
        self._engine.ctl_exits_enabled(True)  # or `until` would be an address the guest may reach
        self._engine.ctl_set_exits([])
        self._map()
        self._hook()

    def _map(self) -> None:
        for memory in self._memory_map.memories:
            region = memory.region
            self._engine.mem_map_ptr(region.address, region.size, UC_PROT_ALL, memory.host_address)
        shadow = self._views.shadow
        at = ctypes.addressof(shadow)
        self._engine.mem_map_ptr(SHADOW_BASE, ctypes.sizeof(shadow), UC_PROT_ALL, at)
        self._callbacks = (READ_CALLBACK(self._on_read), WRITE_CALLBACK(self._on_write))
        for begin, size in self._bus.windows:
            # Straight to the library: the binding's wrappers would double the cost of an access.
            uclib.uc_mmio_map(
                self._engine._uch, begin, size, self._callbacks[0], begin, self._callbacks[1], begin
            )

    def _hook(self) -> None:
        native, library = self._clock.native, self._clock.library
        native.stop = ctypes.cast(uclib.uc_emu_stop, ctypes.c_void_p)
        native.read_registers = ctypes.cast(uclib.uc_reg_read_batch, ctypes.c_void_p)
        masks = ("primask", "basepri", "faultmask")
        native.mask_names[:] = [REGISTERS[name] for name in masks]
        core = (*(f"r{n}" for n in range(13)), "sp", "lr", "xpsr")
        native.core_names[:] = [REGISTERS[name] for name in core]
        self.masks = RegisterSet(self._engine, masks)
        self._resume = RegisterSet(self._engine, ("pc", "xpsr"))
        self._state = RegisterSet(
            self._engine,
            (*(f"r{n}" for n in range(13)), "lr", "pc", "msp", "psp", "xpsr", *masks, "control"),
        )
        self._hook_native(UC_HOOK_BLOCK, library.clock_block)
        self._hook_native(UC_HOOK_INTR, library.clock_interrupt)
        self._engine.hook_add(UC_HOOK_TLB_FILL, self._on_tlb_fill)
        self._map_for_counting()

    def _hook_native(self, kind: int, function: Any) -> None:
        handle = ctypes.c_size_t()
        uclib.uc_hook_add(
            self._engine._uch,
            ctypes.byref(handle),
            kind,
            ctypes.cast(function, ctypes.c_void_p),
            ctypes.addressof(self._clock.native),
            ctypes.c_uint64(1),
            ctypes.c_uint64(0),
        )

    # Registers.

    def register_set(self, *names: str) -> RegisterSet:
        return RegisterSet(self._engine, names)

    def get(self, name: str) -> int:
        return int(self._engine.reg_read(REGISTERS[name]))

    def set(self, name: str, value: int) -> None:
        thumb = name == "pc"  # the engine takes EPSR.T from bit 0 of the address
        self._engine.reg_write(REGISTERS[name], value | thumb)

    def reset(self, sp: int, entry: int) -> None:
        """Take the reset vector's values. DDI 0403E.e B1.5."""
        others = [0] * 13
        xpsr = XPSR_T * (entry & 1)
        self.restore((*others, 0xFFFF_FFFF, entry & ~1, sp & ~3, 0, xpsr, 0, 0, 0, 0, 0))

    def state(self) -> tuple[int, ...]:
        """Return every register, readable or not in the core's present mode."""
        ipsr = self.get("ipsr")
        self.set("ipsr", ipsr or 1)  # unprivileged Thread mode reads both stack pointers as 0
        values = self._state.read()
        self.set("ipsr", ipsr)
        return (*values, ipsr)

    def restore(self, state: tuple[int, ...]) -> None:
        *values, ipsr = state
        self.set("ipsr", 1)  # Handler mode: everything can be written
        self.set("control", 0)
        self._state.write(*values)
        self.set("ipsr", ipsr)

    # Running.

    def run(self, deadline: int) -> StopReason:
        """Execute until the clock reaches `deadline` (cycles), or something else stops the core."""
        pc, xpsr = self._resume.read()
        if not xpsr & XPSR_T:
            return InvalidState()
        native = self._clock.native
        self._fault = None
        status = self._execute(pc, deadline)
        if status != UC_ERR_OK:
            return self._stopped_by_error(status)
        match Stop(native.reason):
            case Stop.NONE:
                return WaitForInterrupt()
            case Stop.TABLE:
                return TableChanged()
            case Stop.INTERRUPT:
                return self._stopped_by_interrupt(native.interrupt)
            case Stop.DEADLINE | Stop.MASKS:
                return Deadline()

    def _execute(self, pc: int, deadline: int) -> int:
        """Run the engine until it stops; return its status, or raise what a callback raised."""
        native = self._clock.native
        native.deadline, native.reason = deadline, Stop.NONE
        native.repeats = 0  # what a loop polls may have changed since
        status = uclib.uc_emu_start(self._engine._uch, pc | 1, 0, 0, 0)
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return int(status)

    def _stopped_by_interrupt(self, number: int) -> StopReason:
        if number == INTR_SVC:
            return SupervisorCall()
        if number == INTR_BKPT:
            self._left_block()
            return Breakpoint()
        if number == INTR_EXCEPTION_EXIT:
            return ExceptionReturn(self.get("pc") | 1)
        self._left_block()
        return UndefinedInstruction()

    def _stopped_by_error(self, status: int) -> StopReason:
        if self._fault is not None:
            self._left_block()
            return self._fault if self._fault.is_fetch else self._locate(self._fault)
        if status != UC_ERR_INSN_INVALID:
            raise UcError(status)
        if self.get("pc") == self._clock.block_end:
            return Deadline()  # behind WFE or YIELD, which are NOPs here
        self._left_block()
        return UndefinedInstruction() if self.get("xpsr") & XPSR_T else InvalidState()

    def _left_block(self) -> None:
        pc = ctypes.c_uint32(self.get("pc"))
        self._clock.library.clock_left_block_at(ctypes.byref(self._clock.native), pc)

    def _locate(self, fault: BusFaultStop) -> BusFaultStop:
        """Execute the faulting instruction again, to learn the address: a fill knows the page only.

        Not with a hook that is always there: while one is, the engine takes its slow path for
        every access of the guest, five times as slow.
        """
        nowhere = UC_HOOK_MEM_READ_UNMAPPED | UC_HOOK_MEM_WRITE_UNMAPPED
        hook = self._engine.hook_add(nowhere, self._on_access_to_nowhere)
        self._engine.ctl_flush_tb()  # what was translated without the hook does not call it
        cycles = self._clock.cycles
        self._is_locating = True
        self._execute(self.get("pc"), NEVER)
        self._is_locating = False
        self._engine.hook_del(hook)
        self._engine.ctl_flush_tb()
        self._flush_tlb()
        self._clock.take_back(cycles)
        return self._fault or fault

    # What the guest's accesses see.

    def _on_tlb_fill(self, _: Uc, address: int, access: int, entry: Any, __: object) -> bool:
        is_fetch = access == UC_MEM_FETCH
        if is_fetch and self._views.is_new_code_page(address):
            self._flush_tlb()  # or the page's data entry would let stores pass by unseen
        answer = self._views.answer(address, ACCESSES[access], is_peripheral=self._bus.has)
        if answer is None and self._is_locating and not is_fetch:
            entry.paddr = NOWHERE | address
            entry.perms = Permission.WRITE if access == UC_MEM_WRITE else Permission.READ
            return True
        if answer is None:
            self._fault = BusFaultStop(address, is_fetch)
            return False
        entry.paddr, entry.perms = answer.physical, answer.permissions
        if not is_fetch:
            # A fill inside an IT block leaves ITSTATE set for the next block, which then skips
            # instructions; the block itself was translated with its conditions.
            cpsr = self._engine.reg_read(UC_ARM_REG_CPSR)
            if cpsr & ITSTATE_BITS:
                self._engine.reg_write(UC_ARM_REG_CPSR, cpsr & ~ITSTATE_BITS)
        return True

    def _on_access_to_nowhere(
        self, _: Uc, __: int, address: int, ___: int, ____: int, _____: object
    ) -> bool:
        self._fault = BusFaultStop(address & ~NOWHERE, is_fetch=False)
        return False

    def _on_read(self, _: int, offset: int, size: int, begin: int) -> int:
        try:
            return self._bus.read(begin + offset, size)
        except Exception as error:
            self._error = error
            return 0

    def _on_write(self, _: int, offset: int, size: int, value: int, begin: int) -> None:
        try:
            self._bus.write(begin + offset, size, value)
        except Exception as error:
            self._error = error

    # Changes from outside the guest.

    def views_changed(self, pages: Iterable[int]) -> None:
        """Drop what was translated from these guest pages: their fetch view is another now."""
        self._flush_tlb()
        for page in pages:
            self._engine.ctl_remove_cache(page, page + PAGE_SIZE)
        self._map_for_counting()

    def code_pages_changed(self) -> None:
        """Drop what was translated from RAM: all of it may have been overwritten."""
        for page in self._views.code_pages:
            self.memory_changed(page, page + PAGE_SIZE)

    def memory_changed(self, begin: int, end: int) -> None:
        """Drop what was translated from [begin, end): its bytes are others now."""
        self._engine.ctl_remove_cache(begin, end)
        self._clock.native.generation += 1

    def flash_changed(self) -> None:
        """Drop everything translated: flash, which has aliases and shadows, has other bytes now."""
        self._engine.ctl_flush_tb()
        self._clock.native.generation += 1

    def _flush_tlb(self) -> None:
        self._engine.ctl(UC_CTL_TLB_FLUSH, UC_CTL_IO_WRITE)

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
        native.generation += 1
