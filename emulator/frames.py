"""An exception's frame pushed and popped natively, where nothing about it is unusual.

What is usual: the whole frame is in RAM, the interrupted code has no floating-point context, and no
MPU and no stack limit is on. `frames_enter` and `frames_leave` of native/frames.c do that in one
call; what they refuse is exception_model.py's, and nothing has been changed then.
"""

import ctypes

from emulator.clock import Clock
from emulator.engine import REGISTERS, Engine
from emulator.memory_map import MemoryMap

RAMS = 8  # as in native/frames.c
FRAME = ("r0", "r1", "r2", "r3", "r12", "lr", "pc", "xpsr")  # DDI 0403E.e B1.5.6
OTHERS = ("lr", "sp", "msp", "psp", "control", "ipsr", "cpsr")


class NativeRam(ctypes.Structure):
    """`struct ram`: guest addresses and their bytes."""

    _fields_ = (
        ("begin", ctypes.c_uint32),
        ("end", ctypes.c_uint32),
        ("host", ctypes.c_void_p),
    )


class NativeFrames(ctypes.Structure):
    """`struct frames`, field by field."""

    _fields_ = (
        ("engine", ctypes.c_void_p),
        ("read", ctypes.c_void_p),
        ("write", ctypes.c_void_p),
        ("frame", ctypes.c_int * len(FRAME)),
        ("others", ctypes.c_int * len(OTHERS)),
        ("to_handler", ctypes.c_uint32),
        ("ram_count", ctypes.c_uint32),
        ("rams", NativeRam * RAMS),
    )


class Frames:
    """The frames of one core; `to_handler` is its EXC_RETURN to Handler mode."""

    def __init__(
        self, engine: Engine, clock: Clock, memory_map: MemoryMap, to_handler: int
    ) -> None:
        library = clock.library
        rams = [
            NativeRam(window.begin, window.end, window.memory.host_address)
            for window in memory_map.windows
            if window.memory.is_writable
        ][:RAMS]  # what is beyond them is done in Python
        native = self._native = NativeFrames(to_handler=to_handler, ram_count=len(rams))
        if ctypes.sizeof(native) != library.frames_size():
            raise AssertionError("NativeFrames and struct frames differ")
        native.engine, native.read, native.write = engine.register_access
        native.frame[:] = [REGISTERS[name] for name in FRAME]
        native.others[:] = [REGISTERS[name] for name in OTHERS]
        native.rams[: len(rams)] = rams
        self._at = ctypes.byref(native)
        self._enter, self._leave = library.frames_enter, library.frames_leave

    def enter(self, number: int, vector: int, *, stkalign: int) -> bool:
        """Push a frame and start the handler; whether it was done."""
        return bool(self._enter(self._at, number, vector, stkalign))

    def leave(self, exc_return: int) -> bool:
        """Pop the frame that EXC_RETURN means; whether it was done."""
        return bool(self._leave(self._at, ctypes.c_uint32(exc_return)))
