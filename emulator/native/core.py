"""The structures of core.h, field by field."""

import ctypes

MEMORIES, NUMBERS, LITERALS = 12, 512, 2  # as in core.h and literals.h
FRAME = ("r0", "r1", "r2", "r3", "r12", "lr", "pc", "xpsr")  # DDI 0403E.e B1.5.6
FP_CONTEXT = (*(f"s{n}" for n in range(16)), "fpscr")  # that an extended frame has, too
OTHERS = (
    *("lr", "sp", "msp", "psp", "control", "ipsr", "cpsr"),
    *("primask", "basepri", "faultmask"),
)
NOT_THUMB = -1  # what `core_run` returns beside the engine's statuses


class NativeMemory(ctypes.Structure):
    """`struct memory`: guest addresses and their bytes."""

    _fields_ = (
        ("begin", ctypes.c_uint32),
        ("end", ctypes.c_uint32),
        ("host", ctypes.c_void_p),
        ("is_writable", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    )


class NativeInterrupts(ctypes.Structure):
    """`struct interrupts`."""

    _fields_ = (
        ("began_at", ctypes.c_uint64),
        ("next", ctypes.c_uint32),
        ("vtor", ctypes.c_uint32),
        ("stkalign", ctypes.c_uint32),
        ("alone", ctypes.c_uint32),
        ("may_sleep", ctypes.c_uint32),
        ("began", ctypes.c_uint32),
        ("ended", ctypes.c_uint32),
        ("has_acted", ctypes.c_uint32),
        ("is_asleep", ctypes.c_uint32),
        ("lines", ctypes.c_uint8 * NUMBERS),
    )


class NativeFpContext(ctypes.Structure):
    """`struct fp_context`."""

    _fields_ = (
        ("cpacr", ctypes.c_uint32),
        ("fpccr", ctypes.c_uint32),
        ("fpcar", ctypes.c_uint32),
        ("fpdscr", ctypes.c_uint32),
        ("exists", ctypes.c_uint32),
        ("is_v8m", ctypes.c_uint32),
        ("is_protected", ctypes.c_uint32),
        ("ready", ctypes.c_uint32),
    )


class NativeLiteral(ctypes.Structure):
    """`struct literal`: memory's own bytes, and their guest address."""

    _fields_ = (
        ("own", ctypes.c_void_p),
        ("address", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    )


class NativeWindow(ctypes.Structure):
    """`struct window`: addresses from `begin` on, and the functions to read and write there."""

    _fields_ = (
        ("clock", ctypes.c_void_p),
        ("read", ctypes.c_void_p),
        ("write", ctypes.c_void_p),
        ("begin", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    )


class NativeCore(ctypes.Structure):
    """`struct core`."""

    _fields_ = (
        ("engine", ctypes.c_void_p),
        ("read", ctypes.c_void_p),
        ("write", ctypes.c_void_p),
        ("start", ctypes.c_void_p),
        ("frame", ctypes.c_int * len(FRAME)),
        ("clock", ctypes.c_void_p),
        ("interrupts", ctypes.c_void_p),
        ("fp", ctypes.c_void_p),
        ("fp_registers", ctypes.c_int * len(FP_CONTEXT)),
        ("others", ctypes.c_int * len(OTHERS)),
        ("to_handler", ctypes.c_uint32),
        ("traps_unaligned", ctypes.c_uint32),
        ("has_limits", ctypes.c_uint32),
        ("limits", ctypes.c_uint32 * 2),
        ("is_judged", ctypes.c_uint32),
        ("pc", ctypes.c_uint32),
        ("xpsr", ctypes.c_uint32),
        ("masks", ctypes.c_uint32 * 3),
        ("is_known", ctypes.c_uint32),
        ("memory_count", ctypes.c_uint32),
        ("memories", NativeMemory * MEMORIES),
        ("literal_count", ctypes.c_uint64),  # these two: `struct literals`
        ("literals", NativeLiteral * LITERALS),
    )
