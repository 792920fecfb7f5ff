"""Memory Protection Unit (MPU) of Armv8-M, PMSAv8: regions from a base to a limit.

Sources: CMSIS's core_cm33.h and mpu_armv8.h for registers and fields; the Armv8-M architecture for
the rules: two regions about one address are a fault, there are no subregions.
Deviation: the memory attributes (SH, AttrIndx, MAIR) are stored and have no effect.
Not modelled: nothing known.
"""

from collections.abc import Callable

from emulator.peripherals.base import Peripheral
from emulator.peripherals.mpu import MpuCtrl, MpuRnr, MpuType
from emulator.registers import Field, Register

# AP → what privileged code may, what unprivileged code may.
PERMISSIONS = {0b00: ("rw", ""), 0b01: ("rw", "rw"), 0b10: ("r", ""), 0b11: ("r", "r")}
MPU_RBAR, MPU_RLAR_A3 = 0x00C, 0x028
GRAIN = 32  # bytes


class MpuRbar(Register):
    """MPU_RBAR, MPU Region Base Address Register."""

    BASE = Field(31, 5)
    SH = Field(4, 3)
    AP = Field(2, 1)
    XN = Field(0, 0)


class MpuRlar(Register):
    """MPU_RLAR, MPU Region Limit Address Register."""

    LIMIT = Field(31, 5)  # the last 32 bytes of the region
    ATTRINDX = Field(3, 1)
    EN = Field(0, 0)


class MpuMair(Register):
    """MPU_MAIRn, MPU Memory Attribute Indirection Register n."""

    ATTR = Field(31, 0)


class MpuV8(Peripheral):
    """The block at 0xE000ED90. `on_change` runs when what is allowed may have changed."""

    def __init__(self, regions: int, on_change: Callable[[], None]) -> None:
        self.ctrl = MpuCtrl()
        self.rnr = MpuRnr()
        self._regions = [(MpuRbar(), MpuRlar()) for _ in range(regions)]
        self._on_change = on_change
        registers: dict[int, Register] = {0x000: MpuType(reset=regions << 8)}
        if regions:
            registers |= {0x004: self.ctrl, 0x008: self.rnr, 0x030: MpuMair(), 0x034: MpuMair()}
        # The regions' registers are seen through windows; these offsets hold them for snapshots.
        registers |= {0x100 + 4 * n: r for n, r in enumerate(sum(self._regions, ()))}
        super().__init__(registers)

    def read(self, offset: int) -> int:
        window = self._window(offset)
        return super().read(offset) if window is None else window.read()

    def write(self, offset: int, word: int) -> None:
        window = self._window(offset)
        if window is None:
            super().write(offset, word)
        else:
            window.write(word)
        self._on_change()

    def read_absent(self, offset: int) -> int:
        del offset
        return 0  # the registers of regions that do not exist: RAZ/WI

    def write_absent(self, offset: int, word: int) -> None:
        del offset, word

    def _window(self, offset: int) -> Register | None:
        """Find the register behind MPU_RBAR and MPU_RLAR, or behind one of their three aliases.

        Alias n is region n of the four that MPU_RNR's is one of.
        """
        if not MPU_RBAR <= offset <= MPU_RLAR_A3:
            return None
        alias, is_limit = divmod((offset - MPU_RBAR) // 4, 2)
        number = self.rnr.REGION & ~0b11 | alias if alias else self.rnr.REGION
        return self._regions[number][is_limit] if number < len(self._regions) else None

    def allows(self, address: int, needed: str, *, is_privileged: bool) -> bool:
        """Whether an access may be made that needs "r", "w" or, for a fetch, "rx"."""
        matching = self._matching(address)
        if not matching:
            return is_privileged and bool(self.ctrl.PRIVDEFENA)
        rbar, _ = self._regions[matching[0]]
        allowed = PERMISSIONS[rbar.AP][not is_privileged]
        allowed = allowed if rbar.XN else f"{allowed}x"
        return len(matching) == 1 and all(letter in allowed for letter in needed)

    def region_of(self, address: int) -> int | None:
        """Return the number of the one region that has an address."""
        matching = self._matching(address)
        return matching[0] if len(matching) == 1 else None

    def _matching(self, address: int) -> list[int]:
        return [
            number
            for number, (rbar, rlar) in enumerate(self._regions)
            if rlar.EN and rbar.BASE <= address // GRAIN <= rlar.LIMIT
        ]
