"""Power control (PWR), STM32F1 and F4: the key to the backup domain.

Sources: RM0008's and RM0090's register and bit names as ST's device headers stm32f103xb.h and
stm32f405xx.h have them.
UNKNOWN: when VOSRDY is set; here it always is.
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


class PwrCrF4(PwrCr):
    """PWR_CR, power control register."""

    VOS = Field(14, 14)  # the regulator's output; no effect on anything
    FPDS = Unmodelled(9, 9)


class PwrCsrF4(PwrCsr):
    """PWR_CSR, power control/status register."""

    VOSRDY = Field(14, 14, Access.RO)
    BRE = Field(9, 9)
    BRR = Field(3, 3, Access.RO)  # follows BRE

    def write(self, word: int) -> None:
        ready = PwrCsrF4.BRR.mask * PwrCsrF4.BRE.of(word)
        super().write(word)
        self.word = self.word & ~PwrCsrF4.BRR.mask | ready


class Pwr(Peripheral):
    """The block."""

    def __init__(self, cr: PwrCr, csr: PwrCsr) -> None:
        self.cr = cr
        super().__init__({0x00: cr, 0x04: csr})

    def is_backup_writable(self) -> bool:
        return bool(self.cr.DBP)


def pwr_f1() -> Pwr:
    """Make that of the STM32F10x."""
    return Pwr(PwrCr(), PwrCsr())


def pwr_f4() -> Pwr:
    """Make that of the STM32F405."""
    return Pwr(PwrCrF4(reset=PwrCrF4.VOS.mask), PwrCsrF4(reset=PwrCsrF4.VOSRDY.mask))
