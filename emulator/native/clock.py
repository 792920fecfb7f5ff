"""The structures of clock.h, field by field, and why it stops."""

import ctypes
import enum

REGIONS, CACHE_SIZE, MASKS, MASK_NAMES = 16, 4096, 3, 5  # as in clock.h
CORE_REGISTERS, COMPARATORS = 16, 8
TABLE_SIZE = 32  # bytes of the remap table: a word for each of at most eight comparators


class Stop(enum.IntEnum):
    """Why the native half stopped the guest; `enum clock_stop`."""

    NONE = 0
    DEADLINE = 1
    TABLE = 2
    MASKS = 3
    INTERRUPT = 4
    COPROCESSOR = 5
    DIVISION = 6
    CALL = 7


class NativeRegion(ctypes.Structure):
    """`struct region`: guest addresses and the bytes that a fetch from them sees."""

    _fields_ = (
        ("begin", ctypes.c_uint32),
        ("end", ctypes.c_uint32),
        ("host", ctypes.c_void_p),
        ("is_stable", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    )


class NativeClock(ctypes.Structure):
    """`struct clock`, field by field."""

    _fields_ = (
        ("cycles", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("slow_at", ctypes.c_uint64),
        ("generation", ctypes.c_uint64),
        ("table", ctypes.c_void_p),
        ("last", ctypes.c_uint64),
        ("table_copy", ctypes.c_uint8 * TABLE_SIZE),
        ("stop", ctypes.c_void_p),
        ("on_deadline", ctypes.c_void_p),
        ("read_registers", ctypes.c_void_p),
        ("idle", ctypes.c_uint64),
        ("looked_key", ctypes.c_uint64),
        ("looked_cycle", ctypes.c_uint64),
        ("interval", ctypes.c_uint32),
        ("window", ctypes.c_uint32),
        ("is_called", ctypes.c_uint32),
        ("is_watching_masks", ctypes.c_uint32),
        ("masks", ctypes.c_uint32 * MASKS),
        ("mask_names", ctypes.c_int * MASK_NAMES),
        ("reason", ctypes.c_uint32),
        ("interrupt", ctypes.c_uint32),
        ("is_time_read", ctypes.c_uint32),
        ("core_names", ctypes.c_int * CORE_REGISTERS),
        ("core", ctypes.c_uint32 * CORE_REGISTERS),
        ("has_event", ctypes.c_uint32),
        ("is_exclusive", ctypes.c_uint32),
        ("asks_for_context", ctypes.c_uint32),
        ("stopped_at", ctypes.c_uint32),
        ("traps_division", ctypes.c_uint32),
        ("remapped", ctypes.c_uint32 * COMPARATORS),
        ("is_table_read", ctypes.c_uint32),
        ("region_count", ctypes.c_uint32),
        ("regions", NativeRegion * REGIONS),
        ("cache", ctypes.c_uint64 * 8 * CACHE_SIZE),
    )
