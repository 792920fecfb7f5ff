"""Core debug: the DebugMonitor's registers, as the program itself sees them.

Sources: DDI 0403E.e C1.6. No debugger is attached: DHCSR.C_DEBUGEN stays 0, so the core does not
halt or transfer registers, and vector catch has no effect.
Not modelled: nothing known.
"""

from collections.abc import Callable

from emulator.interrupts import Exc, Interrupts
from emulator.peripherals.base import Peripheral, ResetCause
from emulator.registers import Access, Field, Register


class Dhcsr(Register):
    """DHCSR, Debug Halting Control and Status Register. DDI 0403E.e C1.6.

    Every field is read-only here: only a debugger, through the DAP, can write C_DEBUGEN, and the
    other controls need it.
    """

    S_RESET_ST = Field(25, 25, Access.RC_R)  # 1: reset since the last read
    S_RETIRE_ST = Field(24, 24, Access.RO)  # 1: an instruction retired since the last read
    S_LOCKUP = Field(19, 19, Access.RO)
    S_SLEEP = Field(18, 18, Access.RO)
    S_HALT = Field(17, 17, Access.RO)
    S_REGRDY = Field(16, 16, Access.RO)
    C_SNAPSTALL = Field(5, 5, Access.RO)
    C_MASKINTS = Field(3, 3, Access.RO)
    C_STEP = Field(2, 2, Access.RO)
    C_HALT = Field(1, 1, Access.RO)
    C_DEBUGEN = Field(0, 0, Access.RO)


class Dcrsr(Register):
    """DCRSR, Debug Core Register Selector Register. DDI 0403E.e C1.6. For a halted core."""


class Dcrdr(Register):
    """DCRDR, Debug Core Register Data Register. DDI 0403E.e C1.6."""

    DBGTMP = Field(31, 0)


class Demcr(Register):
    """DEMCR, Debug Exception and Monitor Control Register. DDI 0403E.e C1.6."""

    TRCENA = Field(24, 24)  # enables DWT and ITM
    MON_REQ = Field(19, 19)  # the monitor's own: the core does not use it
    MON_STEP = Field(18, 18)  # 1: one instruction behind the monitor's return, then it again
    MON_PEND = Field(17, 17)  # the DebugMonitor exception is pending; MON_EN does not matter
    MON_EN = Field(16, 16)  # 1: a debug event takes the DebugMonitor exception
    VC_HARDERR = Field(10, 10)
    VC_INTERR = Field(9, 9)
    VC_BUSERR = Field(8, 8)
    VC_STATERR = Field(7, 7)
    VC_CHKERR = Field(6, 6)
    VC_NOCPERR = Field(5, 5)
    VC_MMERR = Field(4, 4)
    VC_CORERESET = Field(0, 0)


DEMCR = 0x00C
MONITOR = 0xF << 16  # MON_REQ, MON_STEP, MON_PEND, MON_EN


class CoreDebug(Peripheral):
    """The block at 0xE000EDF0."""

    def __init__(self, interrupts: Interrupts, request_attention: Callable[[], None]) -> None:
        self.demcr = Demcr()
        self.before_write: Callable[[], None] = lambda: None  # what TRCENA gates may note the time
        self._interrupts, self._request_attention = interrupts, request_attention
        reset_state = Dhcsr.S_RESET_ST.mask | Dhcsr.S_RETIRE_ST.mask
        super().__init__(
            {0x000: Dhcsr(reset=reset_state), 0x004: Dcrsr(), 0x008: Dcrdr(), DEMCR: self.demcr}
        )

    def system_reset(self, cause: ResetCause) -> None:
        """Reset the monitor's bits; what a debugger set up, TRCENA and VC_*, takes a power-on."""
        kept = self.demcr.word & ~MONITOR
        super().system_reset(cause)
        self.demcr.word = kept

    def read(self, offset: int) -> int:
        self._update_pending()
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        self.before_write()
        super().write(offset, word)
        if offset == DEMCR:
            act = self._interrupts.pend if self.demcr.MON_PEND else self._interrupts.unpend
            act(Exc.DEBUGMONITOR)
            self._request_attention()  # MON_STEP counts from now on

    def write_lanes(self, offset: int, word: int, lanes: int) -> None:
        self._update_pending()
        super().write_lanes(offset, word, lanes)

    def _update_pending(self) -> None:
        self.demcr.MON_PEND = Exc.DEBUGMONITOR in self._interrupts.pending
