"""Random number generator (RNG), STM32L5: the F4's, which software conditions first.

Sources: ST's device header stm32l552xx.h for registers; their fields as drivers of the same
generator on other STM32s have them. CONDRST holds it and forgets its number; software writes 1,
then 0. UNKNOWN: a number's time (the F4's), what is too slow a clock (HCLK / 32), RNG_CR
after a reset (0).
Deviation: DRDY falls with each number that is read; the chip keeps four.
Not modelled: what CONFIG1 to 3 and HTCR are for; CLKDIV; CONFIGLOCK.
"""

from collections.abc import Callable

from emulator.clock import Clock
from emulator.peripherals.rng import Rng, RngCr
from emulator.registers import Field, Register, Unmodelled


class RngCrL5(RngCr):
    """RNG_CR, RNG control register."""

    CONFIGLOCK = Unmodelled(31, 31)
    CONDRST = Field(30, 30)
    CONFIG1 = Field(25, 20)  # this and the further ones: of the noise's conditioning
    CLKDIV = Unmodelled(19, 16)
    CONFIG2 = Field(15, 13)
    NISTC = Field(12, 12)
    CONFIG3 = Field(11, 8)
    CED = Field(5, 5)  # 1: its clock is not looked at


class RngHtcr(Register):
    """RNG_HTCR, RNG health test control register."""

    HTCFG = Field(31, 0)


class RngL5(Rng):
    """The generator."""

    slowest = 32

    def __init__(
        self, clock: Clock, clock_hz: Callable[[], int], set_irq: Callable[[bool], None]
    ) -> None:
        self._cr = RngCrL5()
        super().__init__(clock, clock_hz, set_irq, self._cr, {0x10: RngHtcr()})

    @property
    def is_on(self) -> bool:
        return bool(self._cr.RNGEN and not self._cr.CONDRST)

    @property
    def is_watching(self) -> bool:
        return not self._cr.CED

    def follow(self) -> None:
        if self._cr.CONDRST:
            self.sr.DRDY = self.dr.RNDATA = 0
        super().follow()
