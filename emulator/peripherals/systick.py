"""System timer (SysTick): a 24-bit counter that counts down and makes an exception pending.

Sources: DDI 0403E.e B3.3. Its external reference clock is, on STM32 parts, HCLK / 8.
Deviation: an access sees the time at which its block of instructions ends.
Not modelled: nothing known.
"""

from emulator.clock import Clock
from emulator.interrupts import Exc, Interrupts
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register

EXTERNAL_DIVISOR = 8


class SystCsr(Register):
    """SYST_CSR, SysTick Control and Status Register. DDI 0403E.e B3.3."""

    COUNTFLAG = Field(16, 16, Access.RC_R)  # 1 if the counter reached 0 since the last read
    CLKSOURCE = Field(2, 2)  # 0: external reference, 1: processor clock
    TICKINT = Field(1, 1)  # 1: reaching 0 makes the SysTick exception pending
    ENABLE = Field(0, 0)


class SystRvr(Register):
    """SYST_RVR, SysTick Reload Value Register. DDI 0403E.e B3.3."""

    RELOAD = Field(23, 0)


class SystCvr(Register):
    """SYST_CVR, SysTick Current Value Register. DDI 0403E.e B3.3. Any write clears it."""

    CURRENT = Field(23, 0)

    def write(self, word: int) -> None:
        del word
        self.word = 0


class SystCalib(Register):
    """SYST_CALIB, SysTick Calibration Value Register. DDI 0403E.e B3.3."""

    NOREF = Field(31, 31, Access.RO)
    SKEW = Field(30, 30, Access.RO)
    TENMS = Field(23, 0, Access.RO)


class SysTick(Peripheral):
    """The timer. While it runs, the count is derived from the time its next 0 is due."""

    extra_state = ("_ticks_from_0",)

    def __init__(self, clock: Clock, interrupts: Interrupts, calib: int) -> None:
        self.csr = SystCsr()
        self.rvr = SystRvr()
        self.cvr = SystCvr()
        super().__init__(
            {0x000: self.csr, 0x004: self.rvr, 0x008: self.cvr, 0x00C: SystCalib(reset=calib)}
        )
        self._clock = clock
        self._interrupts = interrupts
        self._zero = clock.timer(self._on_zero)
        self._ticks_from_0 = 0  # to the next 0, if the count started at 0; otherwise 0

    def reset(self) -> None:
        super().reset()
        self._zero.stop()
        self._ticks_from_0 = 0

    def read(self, offset: int) -> int:
        self._update_count()
        self._clock.time_was_read()
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        self._update_count()
        if offset == 0x008:
            self.csr.COUNTFLAG = 0
        super().write(offset, word)
        if offset != 0x004:  # a new RELOAD counts from the next 0 on
            self._schedule()

    @property
    def _divisor(self) -> int:
        return 1 if self.csr.CLKSOURCE else EXTERNAL_DIVISOR

    def _update_count(self) -> None:
        if self._zero.is_running:
            left = self._zero.due - self._clock.cycles
            ticks = max(0, -(-left // self._divisor))
            self.cvr.CURRENT = 0 if ticks == self._ticks_from_0 else ticks

    def _schedule(self) -> None:
        """Find when the count next reaches 0. A count of 0 is reloaded by the first tick."""
        count = self.cvr.CURRENT
        self._ticks_from_0 = 0 if count or not self.rvr.RELOAD else self.rvr.RELOAD + 1
        ticks = count or self._ticks_from_0
        if self.csr.ENABLE and ticks:
            self._zero.start(ticks * self._divisor)
        else:
            self._zero.stop()

    def _on_zero(self, due: int) -> None:
        self.csr.COUNTFLAG = 1
        self.cvr.CURRENT = 0
        if self.csr.TICKINT:
            self._interrupts.pend(Exc.SYSTICK)
        if self.rvr.RELOAD:
            # From when it was due, not from when the block in between ended: periods stay exact.
            self._ticks_from_0 = self.rvr.RELOAD + 1
            self._zero.start_at(due + self._ticks_from_0 * self._divisor)
