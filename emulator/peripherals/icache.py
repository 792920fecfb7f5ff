"""Instruction cache (ICACHE), STM32L5: its registers. What a fetch sees is memory itself.

Source: ST's device header stm32l552xx.h and ST's driver stm32l5xx_hal_icache.c. Deviation: an
invalidation ends at once. UNKNOWN: the regions' registers after reset.
Not modelled: hits and misses, remapped regions.
"""

from collections.abc import Callable

from emulator.peripherals.absent import absent_registers
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register, Unmodelled

ABSENT = "@20 CRR0=200 CRR1=200 CRR2=200 CRR3=200"


class IcacheCr(Register):
    """ICACHE_CR, control register."""

    MONITORS = Unmodelled(19, 16)  # MISSMRST, HITMRST, MISSMEN, HITMEN
    WAYSEL = Field(2, 2)
    CACHEINV = Field(1, 1, Access.WO)
    EN = Field(0, 0)


class IcacheSr(Register):
    """ICACHE_SR, status register."""

    ERRF = Field(2, 2, Access.RO)
    BSYENDF = Field(1, 1, Access.RO)
    BUSYF = Field(0, 0, Access.RO)


class IcacheIer(Register):
    """ICACHE_IER, interrupt enable register."""

    ERRIE = Field(2, 2)
    BSYENDIE = Field(1, 1)


class IcacheFcr(Register):
    """ICACHE_FCR, flag clear register: at the places of SR's flags."""

    CERRF = Field(2, 2, Access.WO)
    CBSYENDF = Field(1, 1, Access.WO)


class IcacheMonr(Register):
    """ICACHE_HMONR, ICACHE_MMONR, monitor registers."""

    MON = Field(31, 0, Access.RO)


class Icache(Peripheral):
    """The block."""

    def __init__(self, set_irq: Callable[[bool], None]) -> None:
        self._cr, self._sr, self._ier = (
            IcacheCr(reset=IcacheCr.WAYSEL.mask),
            IcacheSr(),
            IcacheIer(),
        )
        super().__init__(
            {
                0x00: self._cr,
                0x04: self._sr,
                0x08: self._ier,
                0x0C: IcacheFcr(),
                0x10: IcacheMonr(),
                0x14: IcacheMonr(),
                **absent_registers("ICACHE", ABSENT),
            }
        )
        self._set_irq = set_irq

    def reset(self) -> None:
        super().reset()
        self._set_irq(False)

    def write(self, offset: int, word: int) -> None:
        was_on = self._cr.EN
        super().write(offset, word)
        if offset == 0x0C:
            self._sr.word &= ~word
        elif offset == 0x00 and (IcacheCr.CACHEINV.of(word) or (was_on and not self._cr.EN)):
            self._sr.BSYENDF = 1  # switching it off invalidates it, too
        self._set_irq(bool(self._sr.word & self._ier.word))
