"""EXC_RETURN: what LR holds in a handler, and what a branch to it returns to.

Pure. Sources: DDI 0403E.e B1.5.8 for Armv7-M; for Armv8-M without the Security Extension, the
values that CMSIS's core_cm33.h names EXC_RETURN_*, with bit 6 clear: what is stacked is Non-secure.
"""

from typing import Final

PSP = 1 << 2  # the frame is on the process stack
THREAD = 1 << 3  # to Thread mode
BASIC = 1 << 4  # 0: the frame is an extended one
TOP = 0xF000_0000
TO_HANDLER_V7: Final = 0xFFFF_FFF1
TO_HANDLER_V8: Final = 0xFFFF_FFB0


class ExcReturns:
    """The values of one core."""

    def __init__(self, *, is_v8m: bool, has_fpu: bool) -> None:
        self.to_handler = TO_HANDLER_V8 if is_v8m else TO_HANDLER_V7
        self._has_fpu = has_fpu

    def of(self, *, is_thread: bool, on_psp: bool, is_extended: bool) -> int:
        """Return the value for a frame that has just been pushed."""
        value = self.to_handler | THREAD * is_thread | PSP * on_psp
        return value & ~(BASIC * is_extended)

    def has(self, value: int) -> bool:
        """Whether a value is one of the core's. Armv8-M: UNKNOWN otherwise; illegal here."""
        if self._has_fpu:
            value |= BASIC  # both are legal
        to_thread = self.to_handler | THREAD
        return value in {self.to_handler, to_thread, to_thread | PSP}
