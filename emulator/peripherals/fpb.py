"""Flash Patch and Breakpoint unit (FPB): redirects fetches and reads of Code memory, and breaks.

Sources: Armv7-M Architecture Reference Manual, DDI 0403E.e, C1.11, for version 1. Version 2, of
Armv8-M, has breakpoints anywhere and no remapping; its identification is the Cortex-M33's.
Not modelled: nothing known; what the views make of it is said in emulator/views.py.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register

guest_log = logging.getLogger("emulator.guest")

REMAP_REGION = 0x2000_0000  # FP_REMAP supplies bits [28:5]; bits [31:29] are fixed at 0b001
COMP_OFFSET = 0x008
COMP_SLOTS = 142  # FP_COMPn is architected up to n = 141; those that do not exist are RAZ/WI
BKPT = b"\x00\xbe"  # what an enabled breakpoint makes the core execute
LOWER_BREAKPOINT, UPPER_BREAKPOINT = 0b01, 0b10  # bits of REPLACE; 0b00 remaps


@dataclass(frozen=True, slots=True)
class FpbConfig:
    """The unit as a core's implementer chose it."""

    revision: int  # FP_CTRL.REV. 0: version 1, with literal comparators and remapping; 1: version 2
    num_code: int  # instruction comparators
    num_lit: int = 0  # literal comparators
    can_remap: bool = False


FPB_V1 = FpbConfig(revision=0, num_code=6, num_lit=2, can_remap=True)  # FP_CTRL 0x260
FPB_V1_REDUCED = FpbConfig(revision=0, num_code=2)  # FP_CTRL 0x020
FPB_V2_4 = FpbConfig(revision=1, num_code=4)  # FP_CTRL 0x1000_0040
FPB_V2_8 = FpbConfig(revision=1, num_code=8)  # FP_CTRL 0x1000_0080


class FpCtrl(Register):
    """FP_CTRL, Flash Patch Control Register. DDI 0403E.e C1.11.3."""

    REV = Field(31, 28, Access.RO)  # 0: version 1
    NUM_CODE_6_4 = Field(14, 12, Access.RO)
    NUM_LIT = Field(11, 8, Access.RO)
    NUM_CODE_3_0 = Field(7, 4, Access.RO)
    KEY = Field(1, 1, Access.WO)  # a write without it is ignored
    ENABLE = Field(0, 0)

    def write(self, word: int) -> None:
        if FpCtrl.KEY.of(word):
            super().write(word)


class FpRemap(Register):
    """FP_REMAP, Flash Patch Remap register. DDI 0403E.e C1.11.4."""

    RMPSPT = Field(29, 29, Access.RO)  # 1: remapping is supported
    REMAP = Field(28, 5)  # bits [28:5] of the table's address, so the table is 32-byte aligned


class FpComp(Register):
    """FP_COMPn, Flash Patch Comparator register, version 1. DDI 0403E.e C1.11.5.

    UNKNOWN: COMP and REPLACE after a power-on reset; 0 here.
    """

    REPLACE = Field(31, 30)
    COMP = Field(28, 2)  # bits [28:2] of the address; the Code region, so [31:29] are zero
    ENABLE = Field(0, 0)

    @property
    def address(self) -> int:
        return self.COMP << 2


class FpCompV2(Register):
    """FP_COMPn, Flash Patch Comparator register, version 2."""

    BPADDR = Field(31, 1)
    BE = Field(0, 0)  # 1: a breakpoint


class Identification(Register):
    """FP_PIDRn, FP_CIDRn, Peripheral and Component Identification registers."""

    ID = Field(7, 0, Access.RO)


# PIDR4 to PIDR7, PIDR0 to PIDR3, CIDR0 to CIDR3.
IDENTIFICATION_V2 = bytes.fromhex("04000000 21bd0b00 0d9005b1")
IDENTIFICATION_OFFSET = 0xFD0


class FpRemapAbsent(Register):
    """FP_REMAP, Flash Patch Remap register, where remapping is absent: RAZ/WI."""


class Fpb(Peripheral):
    """The comparators. `on_change` runs when what a fetch or a read sees may have changed."""

    def __init__(self, config: FpbConfig, on_change: Callable[[], None]) -> None:
        num_code, num_lit = config.num_code, config.num_lit
        numbers = (num_code >> 4) << 12 | num_lit << 8 | (num_code & 0xF) << 4
        self.ctrl = FpCtrl(reset=config.revision << 28 | numbers)
        self.remap = FpRemap(reset=1 << 29)
        is_v2 = bool(config.revision)
        self.comps = [] if is_v2 else [FpComp() for _ in range(num_code + num_lit)]
        self.breaks = [FpCompV2() for _ in range(num_code)] if is_v2 else []
        self._code = range(num_code) if self.comps else range(0)
        self._literal = range(num_code, len(self.comps))
        self._can_remap = config.can_remap
        self._on_change = on_change
        registers: dict[int, Register] = {0x000: self.ctrl}
        registers[0x004] = self.remap if config.can_remap else FpRemapAbsent()
        for n, comp in enumerate((*self.comps, *self.breaks)):
            registers[COMP_OFFSET + 4 * n] = comp
        if is_v2:
            for n, byte in enumerate(IDENTIFICATION_V2):
                registers[IDENTIFICATION_OFFSET + 4 * n] = Identification(byte)
        super().__init__(registers)

    def write(self, offset: int, word: int) -> None:
        super().write(offset, word)
        self._on_change()

    def read_absent(self, offset: int) -> int:
        if COMP_OFFSET <= offset < COMP_OFFSET + 4 * COMP_SLOTS:
            return 0
        return super().read_absent(offset)

    def write_absent(self, offset: int, word: int) -> None:
        if not COMP_OFFSET <= offset < COMP_OFFSET + 4 * COMP_SLOTS:
            super().write_absent(offset, word)

    @property
    def table_address(self) -> int:
        return REMAP_REGION | self.remap.REMAP << 5

    @property
    def remapped(self) -> dict[int, int]:
        """Return the addresses of the words that are fetched from the table, by their numbers."""
        return {n: comp.address for n, comp in self._matching(self._code) if not comp.REPLACE}

    @property
    def is_table_read(self) -> bool:
        """Whether data reads see words of the table."""
        return any(self._matching(self._literal))

    @property
    def breakpoints(self) -> frozenset[int]:
        """Return the addresses of instructions that version 2 breaks at."""
        if not self.ctrl.ENABLE:
            return frozenset()
        return frozenset(comp.BPADDR << 1 for comp in self.breaks if comp.BE)

    def fetched(
        self, word_at: Callable[[int], bytes | None], *, with_breaks: bool = True
    ) -> dict[int, bytes]:
        """Return the words that a fetch sees in place of memory's: address → 4 bytes.

        `word_at` gives memory's own word, or None where nothing is.
        """
        seen: dict[int, bytes] = {}
        for n, comp in self._matching(self._code):
            if comp.REPLACE:
                word = with_breakpoints(word_at(comp.address), comp.REPLACE * with_breaks)
            else:
                word = word_at(self.table_address + 4 * n)
            if word is not None:
                self._see(seen, comp.address, word)
        return seen

    def read_words(self, word_at: Callable[[int], bytes | None]) -> dict[int, bytes]:
        """Return the words that a data read sees in place of memory's: address → 4 bytes.

        Literal comparators ignore REPLACE and always remap.
        """
        seen: dict[int, bytes] = {}
        for n, comp in self._matching(self._literal):
            word = word_at(self.table_address + 4 * n)
            if word is not None:
                self._see(seen, comp.address, word)
        return seen

    def _matching(self, numbers: range) -> Iterator[tuple[int, FpComp]]:
        # UNKNOWN: remapping where it is absent; the comparator matches nothing here.
        for n in numbers if self.ctrl.ENABLE else ():
            comp = self.comps[n]
            if comp.ENABLE and (comp.REPLACE or self._can_remap):
                yield n, comp

    def _see(self, seen: dict[int, bytes], address: int, word: bytes) -> None:
        # UNKNOWN: two comparators on one word; the lowest number wins here.
        if address in seen:
            guest_log.warning("FPB: two comparators match %#010x; the lower one wins", address)
        seen.setdefault(address, word)


def with_breakpoints(word: bytes | None, replace: int) -> bytes | None:
    """Put a BKPT over the halfwords of a word that REPLACE names."""
    if word is None:
        return None
    lower = BKPT if replace & LOWER_BREAKPOINT else word[:2]
    upper = BKPT if replace & UPPER_BREAKPOINT else word[2:]
    return lower + upper
