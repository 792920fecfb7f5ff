"""MCU debug component (DBGMCU): which chip it is.

Sources: ST's device headers stm32f103xb.h and stm32f405xx.h for names; reset values from ST's SVD
files. Not modelled: what stops while a debugger has halted the core; there is none.
"""

from emulator.peripherals.base import Peripheral, ResetCause
from emulator.registers import Access, Field, Register, Unmodelled


class DbgmcuIdcode(Register):
    """DBGMCU_IDCODE, device ID code register."""

    REV_ID = Field(31, 16, Access.RO)
    DEV_ID = Field(11, 0, Access.RO)


class DbgmcuCr(Register):
    """DBGMCU_CR, debug configuration register."""

    CR = Unmodelled(31, 0)


class DbgmcuApbFz(Register):
    """DBGMCU_APB1FZ, DBGMCU_APB2FZ, debug freeze registers; the L5 has three."""

    FZ = Unmodelled(31, 0)


class Dbgmcu(Peripheral):
    """The block."""

    def __init__(self, idcode: int, *, freezes: int = 0) -> None:
        registers: dict[int, Register] = {0x00: DbgmcuIdcode(idcode), 0x04: DbgmcuCr()}
        super().__init__(registers | {0x08 + 4 * n: DbgmcuApbFz() for n in range(freezes)})

    def system_reset(self, cause: ResetCause) -> None:
        """Keep everything: only power-on resets it."""
        del cause
