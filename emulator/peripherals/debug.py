"""Core debug: the DebugMonitor's registers, as the program itself sees them.

Sources: DDI 0403E.e C1.6. No debugger is attached: DHCSR.C_DEBUGEN stays 0.
Not modelled: DCRSR and DCRDR, DEMCR's vector catch, MON_STEP and MON_PEND.
"""

from collections.abc import Callable

from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register


class Dhcsr(Register):
    """DHCSR, Debug Halting Control and Status Register. DDI 0403E.e C1.6.

    Every field is read-only here: only a debugger, through the DAP, can write C_DEBUGEN.
    """

    S_LOCKUP = Field(19, 19, Access.RO)
    S_SLEEP = Field(18, 18, Access.RO)
    S_HALT = Field(17, 17, Access.RO)
    C_DEBUGEN = Field(0, 0, Access.RO)


class Demcr(Register):
    """DEMCR, Debug Exception and Monitor Control Register. DDI 0403E.e C1.6."""

    TRCENA = Field(24, 24)  # enables DWT and ITM
    MON_EN = Field(16, 16)  # 1: a debug event takes the DebugMonitor exception


class CoreDebug(Peripheral):
    """The block at 0xE000EDF0."""

    def __init__(self) -> None:
        self.demcr = Demcr()
        self.before_write: Callable[[], None] = lambda: None  # what TRCENA gates may note the time
        super().__init__({0x000: Dhcsr(), 0x00C: self.demcr})

    def write(self, offset: int, word: int) -> None:
        self.before_write()
        super().write(offset, word)
