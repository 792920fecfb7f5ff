"""System configuration controller (SYSCFG), STM32F405: whose pin an external interrupt is.

Sources: RM0090's register and bit names as ST's device header stm32f405xx.h has them.
Not modelled: other memory at address 0, the Ethernet PHY's interface, the I/O compensation cell
(ready as soon as it is on).
"""

from contextlib import nullcontext

from emulator.peripherals.base import Peripheral, Rewiring
from emulator.registers import Access, Field, Register, Unmodelled


class SyscfgMemrmp(Register):
    """SYSCFG_MEMRMP, memory remap register."""

    MEM_MODE = Unmodelled(1, 0)


class SyscfgPmc(Register):
    """SYSCFG_PMC, peripheral mode configuration register."""

    MII_RMII_SEL = Unmodelled(23, 23)


class SyscfgExticr(Register):
    """SYSCFG_EXTICRn, external interrupt configuration registers: the ports of four lines."""

    EXTI3 = Field(15, 12)
    EXTI2 = Field(11, 8)
    EXTI1 = Field(7, 4)
    EXTI0 = Field(3, 0)


class SyscfgCmpcr(Register):
    """SYSCFG_CMPCR, compensation cell control register."""

    READY = Field(8, 8, Access.RO)  # follows CMP_PD
    CMP_PD = Field(0, 0)

    def write(self, word: int) -> None:
        ready = SyscfgCmpcr.READY.mask * SyscfgCmpcr.CMP_PD.of(word)
        super().write(word)
        self.word = self.word & ~SyscfgCmpcr.READY.mask | ready


class Syscfg(Peripheral):
    """The block."""

    def __init__(self, rewiring: Rewiring = nullcontext) -> None:
        self._rewiring = rewiring
        self._exticr = [SyscfgExticr() for _ in range(4)]
        exticr = {0x08 + 4 * n: register for n, register in enumerate(self._exticr)}
        super().__init__({0x00: SyscfgMemrmp(), 0x04: SyscfgPmc(), **exticr, 0x20: SyscfgCmpcr()})

    def write(self, offset: int, word: int) -> None:
        with self._rewiring():
            super().write(offset, word)

    def exti_port(self, line: int) -> int:
        """Return which port's pin `line` is: 0 for A, and so on."""
        return self._exticr[line // 4].word >> 4 * (line % 4) & 0b1111
