"""Nested Vectored Interrupt Controller (NVIC): enable, pend and prioritise external interrupts.

Sources: DDI 0403E.e B3.4, B3.2 (STIR, ACTLR). Its registers are a view of emulator/interrupts.py.
ACTLR's bits, which its implementer chose, are stored: what they change of timing is not seen here.
"""

from emulator.interrupts import FIRST_IRQ, Interrupts
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register

# Offsets from NVIC_ISER0, 0xE000E100.
ISER, ICER, ISPR, ICPR, IABR, IPR = 0x000, 0x080, 0x100, 0x180, 0x200, 0x300
BANK_SIZE = 0x80


class Nvic(Peripheral):
    """NVIC_ISERn, NVIC_ICERn, NVIC_ISPRn, NVIC_ICPRn, NVIC_IABRn and NVIC_IPRn."""

    def __init__(self, interrupts: Interrupts) -> None:
        super().__init__({})
        self._interrupts = interrupts

    def read(self, offset: int) -> int:
        interrupts = self._interrupts
        if offset >= IPR:
            first = FIRST_IRQ + offset - IPR
            return int.from_bytes(interrupts.priority.get(first + n, 0) for n in reversed(range(4)))
        numbers = {
            ISER: interrupts.enabled,
            ICER: interrupts.enabled,
            ISPR: interrupts.pending,
            ICPR: interrupts.pending,
            IABR: interrupts.active,
        }.get(offset & -BANK_SIZE, frozenset[int]())
        first = FIRST_IRQ + 8 * (offset % BANK_SIZE)
        return sum(1 << n for n in range(32) if first + n in numbers)

    def write(self, offset: int, word: int) -> None:
        interrupts = self._interrupts
        if offset >= IPR:
            for n, priority in enumerate(word.to_bytes(4, "little"), FIRST_IRQ + offset - IPR):
                if n < interrupts.count:
                    interrupts.set_priority(n, priority)
            return
        act = {
            ISER: interrupts.enable,
            ICER: interrupts.disable,
            ISPR: interrupts.pend,
            ICPR: interrupts.unpend,
        }.get(offset & -BANK_SIZE)
        if act is not None:  # NVIC_IABRn is read-only
            first = FIRST_IRQ + 8 * (offset % BANK_SIZE)
            for n in (n for n in range(32) if word >> n & 1 and first + n < interrupts.count):
                act(first + n)

    def write_lanes(self, offset: int, word: int, lanes: int) -> None:
        kept = self.read(offset) & ~lanes if offset >= IPR else 0
        self.write(offset, word & lanes | kept)


class Ictr(Register):
    """ICTR, Interrupt Controller Type Register. DDI 0403E.e B3.4."""

    INTLINESNUM = Field(3, 0, Access.RO)  # there are at most 32 times this plus 1


class Actlr(Register):
    """ACTLR, Auxiliary Control Register. DDI 0403E.e B3.2."""

    ACTLR = Field(31, 0)


class ControllerType(Peripheral):
    """The words at 0xE000E004 and 0xE000E008."""

    def __init__(self, interrupts: Interrupts) -> None:
        irqs = interrupts.count - FIRST_IRQ
        super().__init__({0x004: Ictr(reset=(irqs - 1) // 32), 0x008: Actlr()})


class Stir(Register):
    """STIR, Software Triggered Interrupt Register. DDI 0403E.e B3.2."""

    INTID = Field(8, 0, Access.WO)


class SoftwareTrigger(Peripheral):
    """The word at 0xE000EF00."""

    def __init__(self, interrupts: Interrupts) -> None:
        super().__init__({0x000: Stir()})
        self._interrupts = interrupts

    def write(self, offset: int, word: int) -> None:
        number = FIRST_IRQ + Stir.INTID.of(word)
        if offset == 0x000 and number < self._interrupts.count:
            self._interrupts.pend(number)
