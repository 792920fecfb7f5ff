"""Memory Protection Unit (MPU) of Armv7-M: regions with permissions, for privileged code or all.

Sources: DDI 0403E.e B3.5. The system's own space, from 0xE0000000, is beyond it: protection.py.
Deviation: the memory attributes (TEX, S, C, B) are stored and have no effect.
Not modelled: nothing known.
"""

from collections.abc import Callable

from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register

SUBREGIONS_FROM = 8  # SIZE + 1: a region of at least 256 bytes has eight subregions
# AP → what privileged code may, what unprivileged code may. B3.5: table of access permissions.
PERMISSIONS = {
    0b000: ("", ""),
    0b001: ("rw", ""),
    0b010: ("rw", "r"),
    0b011: ("rw", "rw"),
    0b101: ("r", ""),
    0b110: ("r", "r"),
    0b111: ("r", "r"),
}


class MpuType(Register):
    """MPU_TYPE, MPU Type Register. DDI 0403E.e B3.5."""

    IREGION = Field(23, 16, Access.RO)
    DREGION = Field(15, 8, Access.RO)
    SEPARATE = Field(0, 0, Access.RO)


class MpuCtrl(Register):
    """MPU_CTRL, MPU Control Register. DDI 0403E.e B3.5."""

    PRIVDEFENA = Field(2, 2)  # 1: privileged code may access what no region is about
    HFNMIENA = Field(1, 1)  # 1: also in HardFault and NMI
    ENABLE = Field(0, 0)


class MpuRnr(Register):
    """MPU_RNR, MPU Region Number Register. DDI 0403E.e B3.5."""

    REGION = Field(7, 0)


class MpuRbar(Register):
    """MPU_RBAR, MPU Region Base Address Register. DDI 0403E.e B3.5."""

    ADDR = Field(31, 5)
    VALID = Field(4, 4, Access.WO)  # 1: the write is for REGION, and MPU_RNR becomes it
    REGION = Field(3, 0)


class MpuRasr(Register):
    """MPU_RASR, MPU Region Attribute and Size Register. DDI 0403E.e B3.5."""

    XN = Field(28, 28)
    AP = Field(26, 24)
    TEX = Field(21, 19)
    S = Field(18, 18)
    C = Field(17, 17)
    B = Field(16, 16)
    SRD = Field(15, 8)  # 1: the subregion is no part of the region
    SIZE = Field(5, 1)  # the region has 2 to the power of SIZE + 1 bytes
    ENABLE = Field(0, 0)


class Mpu(Peripheral):
    """The block at 0xE000ED90. `on_change` runs when what is allowed may have changed."""

    def __init__(self, regions: int, on_change: Callable[[], None]) -> None:
        self.ctrl = MpuCtrl()
        self.rnr = MpuRnr()
        self._regions = [(MpuRbar(), MpuRasr()) for _ in range(regions)]
        self._on_change = on_change
        type_ = MpuType(reset=regions << 8)
        controls = {0x004: self.ctrl, 0x008: self.rnr} if regions else {}
        # The regions' registers are seen through windows; these offsets hold them for snapshots.
        hidden = {0x100 + 4 * n: r for n, r in enumerate(sum(self._regions, ()))}
        super().__init__({0x000: type_, **controls, **hidden})

    def read(self, offset: int) -> int:
        window = self._window(offset)
        return super().read(offset) if window is None else window.read()

    def write(self, offset: int, word: int) -> None:
        if offset % 8 == 4 and offset > 0x008:
            self._write_rbar(word)
        elif (window := self._window(offset)) is not None:
            window.write(word)
        else:
            super().write(offset, word)
        self._on_change()

    def read_absent(self, offset: int) -> int:
        del offset
        return 0  # the registers of regions that do not exist: RAZ/WI

    def write_absent(self, offset: int, word: int) -> None:
        del offset, word

    def _window(self, offset: int) -> Register | None:
        """Find the register of the selected region at MPU_RBAR, MPU_RASR or one of the aliases."""
        if not 0x00C <= offset < 0x02C or self.rnr.REGION >= len(self._regions):
            return None
        rbar, rasr = self._regions[self.rnr.REGION]
        rbar.REGION = self.rnr.REGION & 0b1111
        return rbar if offset % 8 == 4 else rasr

    def _write_rbar(self, word: int) -> None:
        if MpuRbar.VALID.of(word):
            self.rnr.REGION = MpuRbar.REGION.of(word)
        if self.rnr.REGION < len(self._regions):
            self._regions[self.rnr.REGION][0].ADDR = MpuRbar.ADDR.of(word)

    def allows(self, address: int, needed: str, *, is_privileged: bool) -> bool:
        """Whether an access may be made that needs "r", "w" or, for a fetch, "rx"."""
        for rbar, rasr in reversed(self._regions):  # of those that overlap, the highest number
            if rasr.ENABLE and contains(rbar, rasr, address):
                permissions = PERMISSIONS.get(rasr.AP, ("", ""))[not is_privileged]
                allowed = permissions if rasr.XN else f"{permissions}x"
                return all(letter in allowed for letter in needed)
        return is_privileged and bool(self.ctrl.PRIVDEFENA)


def contains(rbar: MpuRbar, rasr: MpuRasr, address: int) -> bool:
    """Whether an address is in a region, and in a subregion that is not disabled."""
    bits = rasr.SIZE + 1
    offset = address - (rbar.ADDR << 5 & -1 << bits)
    if offset < 0 or offset >> bits:
        return False
    return bits < SUBREGIONS_FROM or not rasr.SRD >> (offset >> bits - 3) & 1
