"""Instrumentation Trace Macrocell (ITM) and Trace Port Interface Unit (TPIU).

What a program says by trace leaves the chip, and nobody listens: it is taken and thrown away, as on
a board without a debugger. Sources: DDI 0403E.e C1.7, C1.10; CMSIS's core_cm3.h and core_cm33.h for
registers and fields.
UNKNOWN: what a stimulus port reads as that is not enabled; here, as one that is full.
Deviation: ITM_TPR is stored, and unprivileged code may write to all ports.
Not modelled: packets and their time; the identification registers from 0xFD0.
"""

from emulator.peripherals.base import Peripheral
from emulator.peripherals.debug import CoreDebug
from emulator.registers import Access, Field, Register

PORTS_END, TER, TPR, TCR, LAR, LSR = 0x080, 0xE00, 0xE40, 0xE80, 0xFB0, 0xFB4
KEY = 0xC5AC_CE55  # to ITM_LAR: opens the lock; anything else shuts it
FIFOREADY = 1


class ItmTer(Register):
    """ITM_TER, Trace Enable Register."""

    STIMENA = Field(31, 0)


class ItmTpr(Register):
    """ITM_TPR, Trace Privilege Register."""

    PRIVMASK = Field(3, 0)


class ItmTcr(Register):
    """ITM_TCR, Trace Control Register."""

    BUSY = Field(23, 23, Access.RO)
    TRACEBUSID = Field(22, 16)
    GTSFREQ = Field(11, 10)
    TSPRESCALE = Field(9, 8)
    SWOENA = Field(4, 4)
    TXENA = Field(3, 3)
    SYNCENA = Field(2, 2)
    TSENA = Field(1, 1)
    ITMENA = Field(0, 0)


class ItmLsr(Register):
    """ITM_LSR, Lock Status Register."""

    ACCESS = Field(1, 1, Access.RO)  # 1: the lock is shut
    PRESENT = Field(0, 0, Access.RO)


class Itm(Peripheral):
    """The block at 0xE0000000."""

    def __init__(self, debug: CoreDebug) -> None:
        self.ter, self.tcr = ItmTer(), ItmTcr()
        self.lsr = ItmLsr(reset=0b11)
        self._demcr = debug.demcr
        super().__init__({TER: self.ter, TPR: ItmTpr(), TCR: self.tcr, LSR: self.lsr})

    def read(self, offset: int) -> int:
        if offset >= PORTS_END:
            return super().read(offset)
        is_enabled = self.ter.STIMENA >> offset // 4 & 1 and self.tcr.ITMENA and self._demcr.TRCENA
        return FIFOREADY if is_enabled else 0

    def write(self, offset: int, word: int) -> None:
        if offset == LAR:
            self.lsr.ACCESS = word != KEY
        elif offset >= PORTS_END and not self.lsr.ACCESS:
            super().write(offset, word)


class Size(Register):
    """TPIU_SSPSR and TPIU_CSPSR, Supported and Current Parallel Port Size Register."""

    SIZES = Field(31, 0)


class TpiuAcpr(Register):
    """TPIU_ACPR, Asynchronous Clock Prescaler Register."""

    PRESCALER = Field(12, 0)


class TpiuSppr(Register):
    """TPIU_SPPR, Selected Pin Protocol Register."""

    TXMODE = Field(1, 0)


class TpiuFfsr(Register):
    """TPIU_FFSR, Formatter and Flush Status Register."""

    FTNONSTOP = Field(3, 3, Access.RO)


class TpiuFfcr(Register):
    """TPIU_FFCR, Formatter and Flush Control Register."""

    TRIGIN = Field(8, 8, Access.RO)
    ENFCONT = Field(1, 1)


class Tpiu(Peripheral):
    """The block at 0xE0040000. A port of one pin, or asynchronous."""

    def __init__(self) -> None:
        super().__init__(
            {
                0x000: Size(reset=1),
                0x004: Size(reset=1),
                0x010: TpiuAcpr(),
                0x0F0: TpiuSppr(reset=0b01),
                0x300: TpiuFfsr(reset=1 << 3),
                0x304: TpiuFfcr(reset=1 << 8 | 1 << 1),
            }
        )
