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
    UC_HOOK_MEM_READ,
    UC_HOOK_MEM_READ_UNMAPPED,
    UC_HOOK_MEM_WRITE,
    UC_HOOK_MEM_WRITE_UNMAPPED,
    UC_HOOK_TLB_FILL,
    UC_MEM_FETCH,
    UC_MEM_READ,
    UC_MEM_WRITE,
    UC_MEM_WRITE_UNMAPPED,
    UC_MODE_MCLASS,
    UC_MODE_THUMB,
    UC_PROT_ALL,
    UC_TLB_VIRTUAL,
)
from unicorn.unicorn_py3.unicorn import uclib

from emulator.bus import Bus
from emulator.clock import NEVER, Clock, NativeRegion, Stop
from emulator.memory_map import PAGE_SIZE, MemoryMap
from emulator.protection import Mode, Protection, Verdict
from emulator.stops import (
    Breakpoint,
    BusFaultStop,
    Deadline,
    ExceptionReturn,
    InvalidState,
    NoCoprocessor,
    StopReason,
    SupervisorCall,
    TableChanged,
    UnalignedAccess,
    UndefinedInstruction,
    WaitForEvent,
    WaitForInterrupt,
)
from emulator.views import SHADOW_BASE, AccessKind, Answer, Permission, Views

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
FP_REGISTERS: Final = {
    **{f"s{n}": UC_ARM_REG_S0 + n for n in range(32)},
    "fpscr": UC_ARM_REG_FPSCR,
}
MODELS: Final = {"cortex-m3": UC_CPU_ARM_CORTEX_M3, "cortex-m4": UC_CPU_ARM_CORTEX_M4}

NUMBERS: Final = {**REGISTERS, **FP_REGISTERS}
ACCESSES: Final = {
    UC_MEM_FETCH: AccessKind.FETCH,
    UC_MEM_READ: AccessKind.READ,
    UC_MEM_WRITE: AccessKind.WRITE,
}
PERMISSIONS: Final = {
    AccessKind.FETCH: Permission.EXECUTE,
    AccessKind.READ: Permission.READ,
    AccessKind.WRITE: Permission.WRITE,
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
INTR_SVC, INTR_ABORT, INTR_BKPT, INTR_EXCEPTION_EXIT, INTR_NOCP = 2, 4, 7, 8, 17  # the engine's
NMI, HARDFAULT = 2, 3  # in IPSR
NPRIV = 1  # of CONTROL: Thread mode is unprivileged
WFI, WFI_W, WFE, WFE_W = 0xBF30, 0x8003, 0xBF20, 0x8002  # of the wide ones, the second halfword
HINT_W = 0xF3AF  # and the first
FIRST_WIDE = 0xE800  # the lowest halfword that starts a 32-bit instruction
ALWAYS = 0b1110
# A page where no guest address is answered with anything else, for instructions of our own.
OWN_CODE = 0xFFFF_F800
OWN_CODE_BASE = 0xFE00_0000  # engine-physical
NOTHING_BASE = OWN_CODE_BASE + PAGE_SIZE  # what a tolerated access to where nothing is reaches
CLREX_BKPT = bytes.fromhex("bff32f8f 00be")


def condition_passes(xpsr: int) -> bool:
    """Whether the next instruction is executed, where it is in an IT block. DDI 0403E.e A7.3."""
    condition = itstate_of(xpsr) >> 4 if itstate_of(xpsr) else ALWAYS
    n, z, c, v = (bool(xpsr >> bit & 1) for bit in (31, 30, 29, 28))
    holds = (z, c, n, v, c and not z, n == v, n == v and not z, True)[condition >> 1]
    return holds is not bool(condition & 1 and condition != ALWAYS)


def itstate_of(xpsr: int) -> int:
    """Put ITSTATE together from its two places in xpsr."""
    return xpsr >> 25 & 0b11 | xpsr >> 8 & 0b1111_1100


def advanced_itstate(xpsr: int) -> int:
    """Return xpsr as it is behind the next instruction. DDI 0403E.e A7.3.3."""
    itstate = itstate_of(xpsr)
    itstate = itstate & 0b1110_0000 | itstate << 1 & 0b1_1111 if itstate & 0b111 else 0
    return xpsr & ~ITSTATE_BITS | (itstate & 0b11) << 25 | (itstate & 0b1111_1100) << 8


class RegisterSet:
    """Some core registers, read or written in one call of the engine."""

    def __init__(self, engine: Any, names: Iterable[str]) -> None:
        numbers = [NUMBERS[name] for name in names]
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
        self,
        model: str,
        memory_map: MemoryMap,
        views: Views,
        bus: Bus,
        clock: Clock,
        protection: Protection,
        *,
        has_fpu: bool,
    ) -> None:
        self._has_fpu = has_fpu
        clock.native.has_no_coprocessor = True  # until somebody says otherwise
        self._memory_map, self._views, self._bus, self._clock = memory_map, views, bus, clock
        self._protection = protection
        self._fault: BusFaultStop | None = None
        self._breakpoints: frozenset[int] = frozenset()
        self._is_tolerant = False  # accesses to where nothing is are made, to nothing
        self._runs_own_code = False
        self._undo: list[tuple[int, bytes]] = []  # what an observed instruction overwrites
        self._forbidden: list[BusFaultStop] = []  # what it may not
        self._refused = Verdict.ALLOWED  # what was said of the last access that was not
        self._is_observed = False  # one instruction is executed; its accesses are judged one by one
        self._scratch = (ctypes.c_uint8 * (2 * PAGE_SIZE))()  # OWN_CODE's page, then nothing's
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
        self._scratch[: len(CLREX_BKPT)] = list(CLREX_BKPT)
        at = ctypes.addressof(self._scratch)
        self._engine.mem_map_ptr(OWN_CODE_BASE, 2 * PAGE_SIZE, UC_PROT_ALL, at)
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
        fp = FP_REGISTERS if self._has_fpu else ()
        self._resume = RegisterSet(self._engine, ("pc", "xpsr"))
        self._state = RegisterSet(
            self._engine,
            (
                *(f"r{n}" for n in range(13)),
                "lr",
                "pc",
                "msp",
                "psp",
                "xpsr",
                *masks,
                "control",
                *fp,
            ),
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
        return int(self._engine.reg_read(NUMBERS[name]))

    def set(self, name: str, value: int) -> None:
        thumb = name == "pc"  # the engine takes EPSR.T from bit 0 of the address
        self._engine.reg_write(NUMBERS[name], value | thumb)

    def reset(self, sp: int, entry: int) -> None:
        """Take the reset vector's values. DDI 0403E.e B1.5."""
        others = [0] * 13
        xpsr = XPSR_T * (entry & 1)
        fp = [0] * (len(FP_REGISTERS) * self._has_fpu)
        self.restore((*others, 0xFFFF_FFFF, entry & ~1, sp & ~3, 0, xpsr, 0, 0, 0, 0, *fp, 0))

    def state(self) -> tuple[int, ...]:
        """Return every register, readable or not in the core's present mode."""
        ipsr = self.get("ipsr")
        self.set("ipsr", ipsr or 1)  # unprivileged Thread mode reads both stack pointers as 0
        values = self._state.read()
        self.set("ipsr", ipsr)
        return (*values, ipsr)

    @property
    def has_event(self) -> bool:
        """The event register, which SEV sets and WFE clears."""
        return bool(self._clock.native.has_event)

    @has_event.setter
    def has_event(self, value: bool) -> None:
        self._clock.native.has_event = value

    @property
    def has_no_coprocessor(self) -> bool:
        """Whether the core stops before the next floating-point instruction."""
        return bool(self._clock.native.has_no_coprocessor)

    @has_no_coprocessor.setter
    def has_no_coprocessor(self, value: bool) -> None:
        self._clock.native.has_no_coprocessor = value

    @property
    def is_exclusive(self) -> bool:
        """Whether the exclusive monitor may be set: LDREX has been executed."""
        return bool(self._clock.native.is_exclusive)

    @is_exclusive.setter
    def is_exclusive(self, value: bool) -> None:
        self._clock.native.is_exclusive = value

    @property
    def mode(self) -> Mode:
        ipsr = self.get("ipsr")
        is_privileged = bool(ipsr) or not self.get("control") & NPRIV
        return Mode(is_privileged, is_urgent=ipsr in {NMI, HARDFAULT})

    def set_control(self, value: int) -> None:
        """Write CONTROL, which the engine does not let unprivileged code do."""
        ipsr = self.get("ipsr")
        self.set("ipsr", ipsr or HARDFAULT)
        self.set("control", value)
        self.set("ipsr", ipsr)
        self.mode_changed()

    def mode_changed(self) -> None:
        """Have the engine access memory as the present mode may: its own flag is older."""
        cpsr = self._engine.reg_read(UC_ARM_REG_CPSR)
        self._engine.reg_write(UC_ARM_REG_CPSR, cpsr)  # recomputes the flag; nothing else does
        if self._protection.depends_on_mode:
            self._flush_tlb()  # the engine's flag does not tell HardFault from other handlers

    def protection_changed(self) -> None:
        """Ask again for every page: other accesses are allowed now."""
        self._protection.changed()
        self._flush_tlb()
        if self._views.code_pages:
            # Stores while a page could not be executed left what was translated from it.
            self._engine.ctl_flush_tb()

    def restore(self, state: tuple[int, ...]) -> None:
        *values, ipsr = state
        self.set("ipsr", 1)  # Handler mode: everything can be written
        self.set("control", 0)
        self._state.write(*values)
        self.set("ipsr", ipsr)
        self.mode_changed()

    # Running.

    def run(self, deadline: int) -> StopReason:
        """Execute until the clock reaches `deadline` (cycles), or something else stops the core."""
        pc, xpsr = self._resume.read()
        if not xpsr & XPSR_T:
            return InvalidState()
        return self._reason(self._execute(pc, deadline), deadline)

    def step(self) -> StopReason:
        """Execute one instruction."""
        pc, xpsr = self._resume.read()
        if not xpsr & XPSR_T:
            return InvalidState()
        cycles = self._clock.cycles
        is_wide = self._clock.halfword_at(pc) >= FIRST_WIDE
        stop = self._run_up_to(pc + 2 + 2 * is_wide, cycles + 1)
        if isinstance(stop, Deadline):
            self._clock.take_back(cycles + 1)
        return stop

    def _run_up_to(self, address: int, deadline: int) -> StopReason:
        """Run, but do not execute the instruction at `address`."""
        pc = self.get("pc")
        self._set_exit(pc, address)
        stop = self._reason(self._execute(pc, deadline), deadline)
        self._set_exit(pc, None)
        return stop

    def _set_exit(self, begin: int, address: int | None) -> None:
        """Have the engine translate anew from `begin`, and end there where it reaches `address`."""
        self._engine.ctl_set_exits([*self._breakpoints, *([] if address is None else [address])])
        self._engine.ctl_remove_cache(begin, begin + PAGE_SIZE)

    def _reason(self, status: int, deadline: int) -> StopReason:
        native = self._clock.native
        if status != UC_ERR_OK:
            return self._stopped_by_error(status)
        match Stop(native.reason):
            case Stop.NONE:
                return self._hint() or self._breakpoint() or Deadline()
            case Stop.TABLE:
                return TableChanged()
            case Stop.INTERRUPT:
                return self._stopped_by_interrupt(native.interrupt)
            case Stop.COPROCESSOR:
                return self._reach_coprocessor(native.stopped_at, deadline)
            case Stop.DEADLINE | Stop.MASKS:
                return Deadline()

    def _hint(self) -> WaitForInterrupt | WaitForEvent | None:
        """Say which hint was executed last: the engine stops behind these two."""
        pc = self.get("pc")
        if pc != self._clock.block_end:
            return None
        before, last = self._clock.halfword_at(pc - 4), self._clock.halfword_at(pc - 2)
        if last == WFI or (before, last) == (HINT_W, WFI_W):
            return WaitForInterrupt()
        if last == WFE or (before, last) == (HINT_W, WFE_W):
            return WaitForEvent()
        return None

    def _breakpoint(self) -> Breakpoint | None:
        return Breakpoint() if self.get("pc") in self._breakpoints else None

    def _reach_coprocessor(self, address: int, deadline: int) -> StopReason:
        """Go on to a floating-point instruction that may not be executed."""
        if self.get("pc") != address:
            stop = self._run_up_to(address, deadline)
            if not isinstance(stop, Deadline) or self.get("pc") != address:
                return stop
        xpsr = self.get("xpsr")
        if condition_passes(xpsr):
            return NoCoprocessor(is_fpu=True)
        self._resume.write(address + 4 | 1, advanced_itstate(xpsr))
        self._clock.take_back(self._clock.cycles + 1)
        return Deadline()

    def _execute(self, pc: int, deadline: int) -> int:
        """Run the engine until it stops; return its status, or raise what a callback raised."""
        native = self._clock.native
        native.deadline, native.reason = deadline, Stop.NONE
        native.last = None  # what ran before does not say why the engine stops now
        self._fault = None
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
            pc, xpsr = self._resume.read()
            return ExceptionReturn(pc | bool(xpsr & XPSR_T))  # T has the address's bit 0
        self._left_block()
        if number == INTR_NOCP:
            return NoCoprocessor()
        return UnalignedAccess() if number == INTR_ABORT else UndefinedInstruction()

    def _stopped_by_error(self, status: int) -> StopReason:
        if self._fault is not None:
            self._left_block()
            return self._stopped_by_fault(self._fault)
        if status != UC_ERR_INSN_INVALID:
            raise UcError(status)
        if self.get("pc") == self._clock.block_end:
            return self._hint() or Deadline()  # or behind YIELD, which is a NOP here
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

    def _stopped_by_fault(self, fault: BusFaultStop) -> StopReason:
        if self._refused is not Verdict.MIXED:
            return fault if fault.is_fetch else self._locate(fault)
        if fault.is_fetch:
            pc = self.get("pc")
            end = pc + 1 + 2 * (self._clock.halfword_at(pc) >= FIRST_WIDE)
            for address in (pc, end):
                if self._judge(address, AccessKind.FETCH) is not Verdict.ALLOWED:
                    return BusFaultStop(address, is_fetch=True, is_protected=True)
        return self._observe()

    def _judge(self, address: int, access: AccessKind) -> Verdict:
        return self._protection.of(address, access, self.mode)

    def _observe(self) -> StopReason:
        """Execute one instruction in a page where some addresses may be accessed, some may not.

        Its accesses are looked at one by one; if one is not allowed, the instruction is undone.
        """
        before = self.state()
        self._undo.clear()
        hook = self._engine.hook_add(UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE, self._on_observed)
        self._engine.ctl_flush_tb()
        self._flush_tlb()
        self._forbidden.clear()
        self._is_observed = True
        stop = self.step()
        self._is_observed = False
        self._engine.hook_del(hook)
        self._engine.ctl_flush_tb()
        self._flush_tlb()
        if not self._forbidden:
            return stop
        for address, content in reversed(self._undo):
            where = self._memory_map.slice_at(address, len(content))
            if where is not None:
                where[:] = content
        self.restore(before)
        return self._forbidden[0]

    def _on_observed(
        self, _: Uc, access: int, address: int, size: int, __: int, ___: object
    ) -> None:
        verdict = self._judge(address, ACCESSES[access])
        if verdict is not Verdict.ALLOWED:
            is_protected = verdict is Verdict.MEM_FAULT
            self._forbidden.append(BusFaultStop(address, is_fetch=False, is_protected=is_protected))
        content = self._memory_map.slice_at(address, size)
        if content is not None:
            self._undo.append((address, bytes(content)))

    def step_over_nothing(self) -> StopReason:
        """Execute one instruction whose accesses to where nothing is are ignored."""
        self._is_tolerant = True
        stop = self.step()
        self._is_tolerant = False
        self._flush_tlb()
        ctypes.memset(ctypes.addressof(self._scratch) + PAGE_SIZE, 0, PAGE_SIZE)
        return stop

    def clear_exclusive(self) -> None:
        """Make the next STREX fail, if there was a LDREX: only CLREX does, so execute one."""
        native = self._clock.native
        if not native.is_exclusive:
            return
        native.is_exclusive = 0
        pc, xpsr = self._resume.read()
        cycles, table = self._clock.cycles, native.table
        native.table, native.is_watching_masks = None, 0
        self._runs_own_code = True
        self._execute(OWN_CODE, NEVER)
        self._runs_own_code = False
        native.table = table
        self._flush_tlb()
        self._clock.take_back(cycles)
        self._resume.write(pc | 1, xpsr)

    # What the guest's accesses see.

    def _on_tlb_fill(self, _: Uc, address: int, access: int, entry: Any, __: object) -> bool:
        is_fetch = access == UC_MEM_FETCH
        if is_fetch and self._views.is_new_code_page(address):
            self._flush_tlb()  # or the page's data entry would let stores pass by unseen
        answer = self._answer(address, ACCESSES[access])
        if answer is None:
            is_protected = self._refused is Verdict.MEM_FAULT
            self._fault = BusFaultStop(address, is_fetch, is_protected)
            return False
        entry.paddr, entry.perms = answer.physical, answer.permissions
        if not is_fetch:
            # A fill inside an IT block leaves ITSTATE set for the next block, which then skips
            # instructions; the block itself was translated with its conditions.
            cpsr = self._engine.reg_read(UC_ARM_REG_CPSR)
            if cpsr & ITSTATE_BITS:
                self._engine.reg_write(UC_ARM_REG_CPSR, cpsr & ~ITSTATE_BITS)
        return True

    def _answer(self, page: int, access: AccessKind) -> Answer | None:
        if self._runs_own_code and page == OWN_CODE:
            return Answer(OWN_CODE_BASE, Permission.EXECUTE)
        verdict = self._refused = self._protection.of_page(page, access, self.mode)
        if verdict is Verdict.ALLOWED or (verdict is Verdict.MIXED and self._is_observed):
            answer = self._views.answer(page, access, is_peripheral=self._bus.has)
            if answer is not None:
                return Answer(answer.physical, self._allowed(page, answer.permissions))
        if access is AccessKind.FETCH:
            # A breakpoint at a page's start makes the engine ask for the page before it, too.
            is_asked_too = page + PAGE_SIZE in self._breakpoints
            return Answer(NOTHING_BASE, Permission.EXECUTE) if is_asked_too else None
        alone = Permission.WRITE if access is AccessKind.WRITE else Permission.READ
        if self._is_locating:
            return Answer(NOWHERE | page, alone)
        return Answer(NOTHING_BASE, alone) if self._is_tolerant else None

    def _allowed(self, page: int, permissions: Permission) -> Permission:
        """Leave out what only another kind of access would have to ask for."""
        if self._is_observed or not self._protection.depends_on_mode:
            return permissions
        for kind, permission in PERMISSIONS.items():
            if self._protection.of_page(page, kind, self.mode) is not Verdict.ALLOWED:
                permissions &= ~permission
        return permissions

    def _on_access_to_nowhere(
        self, _: Uc, access: int, address: int, __: int, ___: int, ____: object
    ) -> bool:
        address &= ~NOWHERE
        kind = AccessKind.WRITE if access == UC_MEM_WRITE_UNMAPPED else AccessKind.READ
        is_protected = self._judge(address, kind) is Verdict.MEM_FAULT
        self._fault = BusFaultStop(address, is_fetch=False, is_protected=is_protected)
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

    def set_breakpoints(self, addresses: frozenset[int]) -> None:
        """Stop before each instruction at one of these addresses."""
        changed = addresses ^ self._breakpoints
        self._breakpoints = addresses
        self._engine.ctl_set_exits([*addresses])
        for page in {address & -PAGE_SIZE for address in changed}:
            self._engine.ctl_remove_cache(page, page + PAGE_SIZE)

    def code_pages_changed(self) -> None:
        """Drop what was translated from RAM: all of it may have been overwritten."""
        for page in self._views.code_pages:
            self.memory_changed(page, page + PAGE_SIZE)

    def memory_changed(self, begin: int, end: int) -> None:
        """Drop what was translated from [begin, end): its bytes are others now."""
        if self._protection.depends_on_mode:
            self._engine.ctl_flush_tb()  # a range is found only where it may be executed
        else:
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
