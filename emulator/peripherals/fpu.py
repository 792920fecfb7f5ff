"""Floating-point extension (FPU), FPv4-SP: who may use it, and how its registers are stacked.

Sources: DDI 0403E.e B3.2 (CPACR, FPCCR, FPCAR, FPDSCR), B1.5.7 (lazy stacking); CMSIS's core_cm33.h
for UFRDY.
"""

from collections.abc import Callable

from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register

DENIED, PRIVILEGED, FULL = 0b00, 0b01, 0b11  # of CPACR


class Cpacr(Register):
    """CPACR, Coprocessor Access Control Register. DDI 0403E.e B3.2."""

    CP11 = Field(23, 22)  # the same as CP10, or UNPREDICTABLE
    CP10 = Field(21, 20)


class Fpccr(Register):
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


class Fpcar(Register):
    """FPCAR, Floating Point Context Address Register. DDI 0403E.e B3.2."""

    ADDRESS = Field(31, 3)


class Fpdscr(Register):
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

    def __init__(self, *, has_fpu: bool, on_change: Callable[[], None]) -> None:
        self.cpacr = Cpacr()
        self._on_change = on_change
        super().__init__({0x008: self.cpacr} if has_fpu else {})

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

    def __init__(self, on_change: Callable[[], None], *, is_v8m: bool) -> None:
        self.fpccr = (FpccrV8 if is_v8m else Fpccr)(reset=Fpccr.ASPEN.mask | Fpccr.LSPEN.mask)
        self.fpcar = Fpcar()
        self.fpdscr = Fpdscr()
        self._on_change = on_change
        super().__init__(
            {
                0x004: self.fpccr,
                0x008: self.fpcar,
                0x00C: self.fpdscr,
                0x010: Mvfr(reset=0x1011_0021),
                0x014: Mvfr(reset=0x1100_0011),
                **({0x018: Mvfr(reset=0x0000_0040)} if is_v8m else {}),  # FPv5
            }
        )

    def write(self, offset: int, word: int) -> None:
        super().write(offset, word)
        self._on_change()
