"""Floating-point extension (FPU), FPv4-SP: who may use it, and how its registers are stacked.

Sources: DDI 0403E.e B3.2 (CPACR, FPCCR, FPCAR, FPDSCR), B1.5.7 (lazy stacking); CMSIS's core_cm33.h
for UFRDY.
"""

from collections.abc import Callable

from emulator.native.core import NativeFpContext
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register

DENIED, PRIVILEGED, FULL = 0b00, 0b01, 0b11  # of CPACR


class Shared(Register):
    """A register that native/fp_context.c has, too: its word is there."""

    def __init__(self, native: NativeFpContext, reset: int = 0) -> None:
        self._native, self._name = native, self.manual_name().lower()
        super().__init__(reset)

    @property
    def word(self) -> int:
        return int(getattr(self._native, self._name))

    @word.setter
    def word(self, word: int) -> None:
        setattr(self._native, self._name, word)


class Cpacr(Shared):
    """CPACR, Coprocessor Access Control Register. DDI 0403E.e B3.2."""

    CP11 = Field(23, 22)  # the same as CP10, or UNPREDICTABLE
    CP10 = Field(21, 20)


class Fpccr(Shared):
    """FPCCR, Floating Point Context Control Register. DDI 0403E.e B3.2."""

    ASPEN = Field(31, 31)  # 1: the first floating-point instruction sets CONTROL.FPCA
    LSPEN = Field(30, 30)  # 1: exception entry leaves room only, and the registers are stored later
    MONRDY = Field(8, 8)  # these say of the code whose frame has the room what could preempt it
    BFRDY = Field(6, 6)
    MMRDY = Field(5, 5)
    HFRDY = Field(4, 4)
    THREAD = Field(3, 3)  # it was in Thread mode
    USER = Field(1, 1)  # and unprivileged
    LSPACT = Field(0, 0)  # 1: the registers are still to be stored


class FpccrV8(Fpccr):
    """FPCCR, Floating Point Context Control Register, of Armv8-M."""

    UFRDY = Field(10, 10)


class Fpcar(Shared):
    """FPCAR, Floating Point Context Address Register. DDI 0403E.e B3.2."""

    ADDRESS = Field(31, 3)


class Fpdscr(Shared):
    """FPDSCR, Floating Point Default Status Control Register. DDI 0403E.e B3.2."""

    AHP = Field(26, 26)
    DN = Field(25, 25)
    FZ = Field(24, 24)
    RMODE = Field(23, 22)


class Mvfr(Register):
    """MVFRn, Media and Floating Point Feature Register n. DDI 0403E.e B4.7."""

    FEATURES = Field(31, 0, Access.RO)


class CoprocessorAccess(Peripheral):
    """The word at 0xE000ED88; RAZ/WI without an FPU."""

    def __init__(self, native: NativeFpContext, on_change: Callable[[], None]) -> None:
        self.cpacr = Cpacr(native)
        self._on_change = on_change
        super().__init__({0x008: self.cpacr} if native.exists else {})

    def write(self, offset: int, word: int) -> None:
        super().write(offset, word)
        self._on_change()

    def read_absent(self, offset: int) -> int:
        return 0 if offset == 0x008 else super().read_absent(offset)

    def write_absent(self, offset: int, word: int) -> None:
        if offset != 0x008:
            super().write_absent(offset, word)

    def allows(self, *, is_privileged: bool) -> bool:
        return self.cpacr.CP10 == FULL or (self.cpacr.CP10 == PRIVILEGED and is_privileged)


class Fpu(Peripheral):
    """The block at 0xE000EF30."""

    def __init__(self, native: NativeFpContext, on_change: Callable[[], None]) -> None:
        make_fpccr = FpccrV8 if native.is_v8m else Fpccr
        self.fpccr = make_fpccr(native, reset=Fpccr.ASPEN.mask | Fpccr.LSPEN.mask)
        self.fpcar = Fpcar(native)
        self.fpdscr = Fpdscr(native)
        self._on_change = on_change
        super().__init__(
            {
                0x004: self.fpccr,
                0x008: self.fpcar,
                0x00C: self.fpdscr,
                0x010: Mvfr(reset=0x1011_0021),
                0x014: Mvfr(reset=0x1100_0011),
                **({0x018: Mvfr(reset=0x0000_0040)} if native.is_v8m else {}),  # FPv5
            }
        )

    def write(self, offset: int, word: int) -> None:
        super().write(offset, word)
        self._on_change()
