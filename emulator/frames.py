"""An exception's frame pushed and popped natively, where nothing about it is unusual.

What is usual: the whole frame is in RAM, within the stack's limit, and no MPU is on. `core_enter`
and `core_leave` of native/frames.c do that in one call; what they refuse is exception_model.py's,
and nothing has been changed then. Where one exception is all that goes on, `core_run` enters and
leaves it by itself.
"""

import ctypes

from emulator.clock import Clock
from emulator.engine import Engine
from emulator.interrupts import Interrupts
from emulator.memory_map import MemoryMap
from emulator.native.core import MEMORIES, NativeFpContext, NativeMemory


class Frames:
    """The frames of one core; `to_handler` is its EXC_RETURN to Handler mode."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        memory_map: MemoryMap,
        interrupts: Interrupts,
        fp: NativeFpContext,
        to_handler: int,
    ) -> None:
        memories = [
            NativeMemory(w.begin, w.end, w.memory.host_address, w.memory.is_writable)
            for w in memory_map.windows
        ][:MEMORIES]  # what is beyond them is done in Python
        native = engine.native
        native.interrupts, native.fp = ctypes.addressof(interrupts.native), ctypes.addressof(fp)
        native.to_handler, native.memory_count = to_handler, len(memories)
        native.memories[: len(memories)] = memories
        self._at = ctypes.byref(native)
        self._enter, self._leave = clock.library.core_enter, clock.library.core_leave

    def enter(self, number: int, vtor: int, *, stkalign: int) -> bool:
        """Push a frame and start the handler; whether it was done."""
        return bool(self._enter(self._at, number, vtor, stkalign))

    def leave(self, exc_return: int) -> bool:
        """Pop the frame that EXC_RETURN means; whether it was done."""
        return bool(self._leave(self._at, exc_return))
