"""Independent watchdog (IWDG): resets the machine unless the program reloads it.

Sources: RM0008's register and bit names as ST's device header stm32f103xb.h has them; ST's
stm32l552xx.h for the STM32L5, which has a window.
Deviation: PR, RLR and WINR take effect at once, so PVU, RVU and WVU are never seen.
Not modelled: starting at reset by the option byte WDG_SW; LSI's spread, 30 to 60 kHz on a chip.
"""

from collections.abc import Callable

from emulator.clock import NS_PER_S, Clock
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register

LSI_HZ = 40_000
RELOAD, UNLOCK, START = 0xAAAA, 0x5555, 0xCCCC


class IwdgKr(Register):
    """IWDG_KR, Key register."""

    KEY = Field(15, 0, Access.WO)


class IwdgPr(Register):
    """IWDG_PR, Prescaler register: LSI is divided by 4 << PR, by 256 at most."""

    PR = Field(2, 0)


class IwdgRlr(Register):
    """IWDG_RLR, Reload register."""

    RL = Field(11, 0)


class IwdgSr(Register):
    """IWDG_SR, Status register."""

    WVU = Field(2, 2, Access.RO)
    RVU = Field(1, 1, Access.RO)
    PVU = Field(0, 0, Access.RO)


class IwdgWinr(Register):
    """IWDG_WINR, window register: a reload above it is a reset, too."""

    WIN = Field(11, 0)


class Iwdg(Peripheral):
    """The watchdog. Only a reset stops it."""

    extra_state = ("_is_unlocked",)

    def __init__(
        self,
        clock: Clock,
        bite: Callable[[], None],
        lsi_hz: int = LSI_HZ,
        *,
        has_window: bool = False,
    ) -> None:
        self.pr = IwdgPr()
        self.rlr = IwdgRlr(reset=0x0000_0FFF)
        self.winr = IwdgWinr(reset=0x0000_0FFF)
        registers = {0x00: IwdgKr(), 0x04: self.pr, 0x08: self.rlr, 0x0C: IwdgSr()}
        super().__init__(registers | ({0x10: self.winr} if has_window else {}))
        self._clock, self._bite, self._lsi_hz = clock, bite, lsi_hz
        self._zero = clock.timer(lambda _: bite())
        self._is_unlocked = False

    def reset(self) -> None:
        super().reset()
        self._zero.stop()
        self._is_unlocked = False

    def write(self, offset: int, word: int) -> None:
        if offset == 0x00:
            self._take_key(IwdgKr.KEY.of(word))
        elif self._is_unlocked:
            super().write(offset, word)
            if offset == 0x10:
                self._reload()

    def _take_key(self, key: int) -> None:
        self._is_unlocked = key == UNLOCK
        if key == START:
            self._start()
        elif key == RELOAD and self._is_early:
            self._bite()
        elif key == RELOAD:
            self._reload()

    @property
    def _is_early(self) -> bool:
        """Whether the count is still above the window."""
        if not self._zero.is_running:
            return False
        left_ns = (self._zero.due_ns or 0) - self._clock.ns
        return left_ns * self._lsi_hz > (self.winr.WIN + 1) * self._prescaler * NS_PER_S

    @property
    def _prescaler(self) -> int:
        return 4 << min(self.pr.PR, 6)

    def _reload(self) -> None:
        if self._zero.is_running:
            self._start()

    def _start(self) -> None:
        ticks = (self.rlr.RL + 1) * self._prescaler
        self._zero.start_at_ns(self._clock.ns + ticks * NS_PER_S // self._lsi_hz)
