"""Who may access what: the rules that hold beside the memories and peripherals themselves.

Sources: DDI 0403E.e B3.1 (the Private Peripheral Bus is for privileged code), B3.2 (STIR), B3.5
(MPU), C1.7 (the ITM's stimulus ports are for all).
"""

import enum
from typing import NamedTuple

from emulator.memory_map import PAGE_SIZE
from emulator.peripherals.mpu import Mpu
from emulator.peripherals.mpu_v8 import MpuV8
from emulator.peripherals.scb import Scb
from emulator.views import AccessKind

PPB_BEGIN, PPB_END = 0xE000_0000, 0xE010_0000
STIR = 0xE000_EF00
ITM_PORTS_END = 0xE000_0080
GRAIN = 32  # bytes; every rule holds for a multiple of it
NEEDED = {AccessKind.READ: "r", AccessKind.WRITE: "w", AccessKind.FETCH: "rx"}


class Mode(NamedTuple):
    """What of the core's state decides."""

    is_privileged: bool
    is_urgent: bool  # in HardFault or NMI, or with FAULTMASK set


class Verdict(enum.Enum):
    """What becomes of an access."""

    ALLOWED = enum.auto()
    BUS_FAULT = enum.auto()
    MEM_FAULT = enum.auto()
    MIXED = enum.auto()  # of a page: it depends on the address


class Protection:
    """The rules of one core."""

    def __init__(self, mpu: Mpu | MpuV8, scb: Scb) -> None:
        self._mpu, self._scb = mpu, scb
        self._known: dict[tuple[int, AccessKind, Mode], Verdict] = {}  # by page

    def changed(self) -> None:
        """Forget what the MPU's registers said before."""
        self._known.clear()

    @property
    def depends_on_mode(self) -> bool:
        """Whether more than system space is for some code only."""
        return bool(self._mpu.ctrl.ENABLE)

    def of_page(self, page: int, access: AccessKind, mode: Mode) -> Verdict:
        """Judge an access to somewhere in a page."""
        if mode.is_privileged and not self._mpu.ctrl.ENABLE:
            return Verdict.ALLOWED
        if PPB_BEGIN <= page < PPB_END:  # not kept: CCR is not told of
            return self._of_grains(page, access, mode)
        key = page, access, mode
        if key not in self._known:
            self._known[key] = self._of_grains(page, access, mode)
        return self._known[key]

    def _of_grains(self, page: int, access: AccessKind, mode: Mode) -> Verdict:
        grains = range(page, page + PAGE_SIZE, GRAIN)
        verdicts = {self.of(address, access, mode) for address in grains}
        return verdicts.pop() if len(verdicts) == 1 else Verdict.MIXED

    def of(self, address: int, access: AccessKind, mode: Mode) -> Verdict:
        """Judge an access to an address."""
        if PPB_BEGIN <= address < PPB_END:
            is_stir = address & -GRAIN == STIR and bool(self._scb.ccr.USERSETMPEND)
            is_for_all = is_stir or address < ITM_PORTS_END
            return Verdict.ALLOWED if mode.is_privileged or is_for_all else Verdict.BUS_FAULT
        if not self._is_on(mode):
            return Verdict.ALLOWED
        needed, is_privileged = NEEDED[access], mode.is_privileged
        allowed = self._mpu.allows(address, needed, is_privileged=is_privileged)
        return Verdict.ALLOWED if allowed else Verdict.MEM_FAULT

    def _is_on(self, mode: Mode) -> bool:
        return self.depends_on_mode and not self.is_suspended(mode)

    def is_suspended(self, mode: Mode) -> bool:
        """Whether the MPU is on, but not for what is as urgent as this."""
        return mode.is_urgent and self.depends_on_mode and not self._mpu.ctrl.HFNMIENA

    def region_of(self, address: int, mode: Mode) -> int | None:
        """Return the region of Armv8-M's MPU that an address is in, None outside of all."""
        if isinstance(self._mpu, MpuV8) and self._is_on(mode):
            return self._mpu.region_of(address)
        return None

    def allows_all(self, begin: int, size: int, access: AccessKind, mode: Mode) -> bool:
        """Whether each byte of a range may be accessed."""
        if not self.depends_on_mode and begin + size <= PPB_BEGIN:
            return True
        first = begin & -GRAIN
        return all(
            self.of(address, access, mode) is Verdict.ALLOWED
            for address in range(first, begin + size, GRAIN)
        )
