"""Power control (PWR): the key to the backup domain.

Sources: RM0008's and RM0090's register and bit names as ST's device headers stm32f103xb.h and
stm32f405xx.h have them; ST's stm32l552xx.h and STM32L552.svd for the STM32L5.
UNKNOWN: when VOSRDY is set; here it always is. The L5's VOSF and REGLPF follow VOS and LPR at once.
Not modelled: Stop and Standby modes (WFI sleeps, whatever PDDS says), the voltage detector.
"""

from collections.abc import Mapping

from emulator.peripherals.absent import absent_registers
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


class PwrSr1(Register):
    """PWR_SR1, power status register 1."""

    SMPSHPRDY = Field(15, 15, Access.RO)
    EXTSMPSRDY = Field(13, 13, Access.RO)
    SMPSBYPRDY = Field(12, 12, Access.RO)
    SBF = Field(8, 8, Access.RO)
    WUF = Field(4, 0, Access.RO)


class PwrSr2(Register):
    """PWR_SR2, power status register 2."""

    PVMO = Field(15, 12, Access.RO)
    PVDO = Field(11, 11, Access.RO)
    VOSF = Field(10, 10, Access.RO)  # 1: the voltage is changing
    REGLPF = Field(9, 9, Access.RO)  # follows LPR
    REGLPS = Field(8, 8, Access.RO)


class PwrCr1(Register):
    """PWR_CR1, power control register 1."""

    LPR = Field(14, 14)
    VOS = Field(10, 9)  # the regulator's output; no effect on anything
    DBP = Field(8, 8)  # 1: the backup domain can be written
    LPMS = Unmodelled(2, 0)

    def __init__(self, sr2: PwrSr2) -> None:
        super().__init__(reset=0x0000_0400)
        self._sr2 = sr2

    def write(self, word: int) -> None:
        super().write(word)
        self._sr2.REGLPF = self.LPR


class PwrCr2(Register):
    """PWR_CR2, power control register 2."""

    USV = Field(10, 10)  # pins and USB work, whatever this and IOSV say
    IOSV = Field(9, 9)
    MONITORS = Unmodelled(7, 0)  # PVME4 to PVME1, PLS, PVDE


class PwrCr3(Register):
    """PWR_CR3, power control register 3."""

    UCPD = Unmodelled(14, 13)
    OTHERS = Unmodelled(11, 8)  # ULPMEN, APC, RRS
    EWUP = Unmodelled(4, 0)


class PwrCr4(Register):
    """PWR_CR4, power control register 4."""

    SMPS = Unmodelled(15, 12)
    VBAT = Unmodelled(9, 8)
    WUPP = Unmodelled(4, 0)


class PwrScr(Register):
    """PWR_SCR, power status clear register."""

    CSBF = Field(8, 8, Access.WO)
    CWUF = Field(4, 0, Access.WO)


ABSENT_L5 = (
    "@20 PUCRA PDCRA PUCRB PDCRB PUCRC PDCRC PUCRD PDCRD PUCRE PDCRE PUCRF PDCRF PUCRG PDCRG"
    " PUCRH PDCRH @78 SECCFGR @80 PRIVCFGR"
)


class Pwr(Peripheral):
    """The block."""

    def __init__(self, cr: PwrCr | PwrCr1, others: Mapping[int, Register]) -> None:
        self.cr = cr
        super().__init__({0x00: cr, **others})

    def is_backup_writable(self) -> bool:
        return bool(self.cr.DBP)


def pwr_f1() -> Pwr:
    """Make that of the STM32F10x."""
    return Pwr(PwrCr(), {0x04: PwrCsr()})


def pwr_f4() -> Pwr:
    """Make that of the STM32F405."""
    csr = PwrCsrF4(reset=PwrCsrF4.VOSRDY.mask)
    return Pwr(PwrCrF4(reset=PwrCrF4.VOS.mask), {0x04: csr})


def pwr_l5() -> Pwr:
    """Make that of the STM32L5."""
    sr2 = PwrSr2()
    registers = {0x04: PwrCr2(), 0x08: PwrCr3(), 0x0C: PwrCr4(), 0x14: sr2, 0x18: PwrScr()}
    others = absent_registers("PWR", ABSENT_L5)
    return Pwr(PwrCr1(sr2), {**registers, 0x10: PwrSr1(), **others})
