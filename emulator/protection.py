"""Who may access what: the rules that hold beside the memories and peripherals themselves.

Sources: DDI 0403E.e B3.1 (the Private Peripheral Bus is for privileged code), B3.2 (STIR).
Deviation: LDRT, STRT and their kind access as the code that executes them does.
"""

import enum
from collections.abc import Callable

from emulator.memory_map import PAGE_SIZE

PPB_BEGIN, PPB_END = 0xE000_0000, 0xE010_0000
STIR = 0xE000_EF00
GRAIN = 32  # bytes; every rule holds for a multiple of it


class Verdict(enum.Enum):
    """What becomes of an access."""

    ALLOWED = enum.auto()
    BUS_FAULT = enum.auto()
    MIXED = enum.auto()  # of a page: it depends on the address


class Protection:
    """The rules of one core. `is_stir_open` is CCR.USERSETMPEND."""

    def __init__(self, is_stir_open: Callable[[], bool]) -> None:
        self._is_stir_open = is_stir_open

    def of_page(self, page: int, *, is_privileged: bool) -> Verdict:
        """Judge an access to somewhere in a page."""
        if is_privileged or not PPB_BEGIN <= page < PPB_END:
            return Verdict.ALLOWED
        grains = range(page, page + PAGE_SIZE, GRAIN)
        verdicts = {self.of(address, is_privileged=is_privileged) for address in grains}
        return verdicts.pop() if len(verdicts) == 1 else Verdict.MIXED

    def of(self, address: int, *, is_privileged: bool) -> Verdict:
        """Judge an access to an address."""
        if is_privileged or not PPB_BEGIN <= address < PPB_END:
            return Verdict.ALLOWED
        is_stir = address & -GRAIN == STIR and self._is_stir_open()
        return Verdict.ALLOWED if is_stir else Verdict.BUS_FAULT
