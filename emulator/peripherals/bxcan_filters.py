"""Acceptance filters of the CAN controllers (bxCAN), STM32F1 and F4: which FIFO takes a frame.

Sources: RM0008's and RM0090's register and bit names as ST's device headers stm32f103xb.h and
stm32f405xx.h have them; RM0090 32.7.4 for scales, modes, numbers and priorities.
Not modelled: nothing known.
"""

from collections.abc import Iterator
from typing import NamedTuple

from emulator.registers import Access, Field, Register

FMR, FM1R, FS1R, FFA1R, FA1R, BANK_0 = 0x200, 0x204, 0x20C, 0x214, 0x21C, 0x240
ID_BITS = 0xFFFF_FFFE  # STID, EXID, IDE, RTR: as in RIxR


class CanFmr(Register):
    """CAN_FMR, CAN filter master register."""

    CAN2SB = Field(13, 8)  # the first bank of CAN2, where there is one
    FINIT = Field(0, 0)  # 1: no frame is taken, and the banks can be changed
    RESERVED = Field(31, 14, Access.RO)  # keeps its reset value


class CanFilterBits(Register):
    """CAN_FM1R, CAN_FS1R, CAN_FFA1R, CAN_FA1R, CAN filter registers: a bit for each bank."""

    F = Field(27, 0)


class CanFilter(Register):
    """CAN_FiRx, CAN filter bank registers."""

    FB = Field(31, 0)


class Rule(NamedTuple):
    """One identifier or one pair of identifier and mask. The least one that fits decides."""

    is_half: bool  # 16 bits, of which there are two or four to a bank
    has_mask: bool
    number: int  # within its FIFO: FMI
    fifo: int
    wanted: int
    mask: int

    def takes(self, identifier: int) -> bool:
        return not (half_of(identifier) if self.is_half else identifier) & self.mask ^ self.wanted


def half_of(identifier: int) -> int:
    """Return what the scale of 16 bits sees: STID, RTR, IDE, EXID[17:15]."""
    stid, exid_high = identifier >> 21, identifier >> 18 & 0b111
    ide, rtr = identifier >> 2 & 1, identifier >> 1 & 1
    return stid << 5 | rtr << 4 | ide << 3 | exid_high


class CanFilters:
    """The banks, which CAN1 has, and CAN2 a part of."""

    def __init__(self, banks: int, *, has_second: bool) -> None:
        self._banks, self._has_second = banks, has_second
        self.fmr = CanFmr(reset=0x2A1C_0E01)
        self._fm1r, self._fs1r, self._ffa1r, self._fa1r = (CanFilterBits() for _ in range(4))
        self._filters = [(CanFilter(), CanFilter()) for _ in range(banks)]
        self.registers: dict[int, Register] = {
            FMR: self.fmr,
            FM1R: self._fm1r,
            FS1R: self._fs1r,
            FFA1R: self._ffa1r,
            FA1R: self._fa1r,
        }
        for bank, pair in enumerate(self._filters):
            self.registers |= {BANK_0 + 8 * bank + 4 * n: half for n, half in enumerate(pair)}

    def is_writable(self, offset: int) -> bool:
        """Whether a register can be changed now."""
        if self.fmr.FINIT or offset in (FMR, FA1R):
            return True
        return offset >= BANK_0 and not self._fa1r.word >> (offset - BANK_0) // 8 & 1

    def banks_of(self, *, is_second: bool) -> range:
        """Return the banks of CAN1, or of CAN2."""
        begin = min(self.fmr.CAN2SB, self._banks) if self._has_second else self._banks
        return range(begin, self._banks) if is_second else range(begin)

    def match(self, identifier: int, banks: range) -> tuple[int, int] | None:
        """Return the FIFO that takes a frame, and the filter's number there; None: neither does.

        The identifier is as in RIxR.
        """
        if self.fmr.FINIT:
            return None
        fitting = [rule for rule in self._rules(banks) if rule.takes(identifier & ID_BITS)]
        return (min(fitting).fifo, min(fitting).number) if fitting else None

    def _rules(self, banks: range) -> Iterator[Rule]:
        """Give the rules of active banks; those of others are counted, too."""
        numbers = [0, 0]
        for bank in banks:
            fifo, is_active, is_list, is_half = (
                self._ffa1r.word >> bank & 1,
                self._fa1r.word >> bank & 1,
                self._fm1r.word >> bank & 1,
                not self._fs1r.word >> bank & 1,
            )
            for wanted, mask in self._pairs(bank, is_list=bool(is_list), is_half=is_half):
                if is_active:
                    yield Rule(is_half, not is_list, numbers[fifo], fifo, wanted & mask, mask)
                numbers[fifo] += 1

    def _pairs(self, bank: int, *, is_list: bool, is_half: bool) -> list[tuple[int, int]]:
        words = [half.word for half in self._filters[bank]]
        every = ID_BITS
        if is_half:
            words, every = [part for w in words for part in (w & 0xFFFF, w >> 16)], 0xFFFF
        if is_list:
            return [(word, every) for word in words]
        return [(word, mask & every) for word, mask in zip(words[::2], words[1::2], strict=True)]
