"""Power control (PWR), STM32F10x: the key to the backup domain.

Sources: RM0008's register and bit names as ST's device header stm32f103xb.h has them.
Not modelled: Stop and Standby modes (WFI sleeps, whatever PDDS says), the voltage detector.
"""

from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register, Unmodelled


class PwrCr(Register):
    """PWR_CR, Power control register."""

    DBP = Field(8, 8)  # 1: the backup domain can be written
    PLS = Unmodelled(7, 5)
    PVDE = Unmodelled(4, 4)
    CSBF = Field(3, 3, Access.WO)
    CWUF = Field(2, 2, Access.WO)
    PDDS = Unmodelled(1, 1)
    LPDS = Unmodelled(0, 0)


class PwrCsr(Register):
    """PWR_CSR, Power control/status register."""

    EWUP = Unmodelled(8, 8)
    PVDO = Field(2, 2, Access.RO)
    SBF = Field(1, 1, Access.RO)
    WUF = Field(0, 0, Access.RO)


class Pwr(Peripheral):
    """The block."""

    def __init__(self) -> None:
        self.cr = PwrCr()
        super().__init__({0x00: self.cr, 0x04: PwrCsr()})

    def is_backup_writable(self) -> bool:
        return bool(self.cr.DBP)
