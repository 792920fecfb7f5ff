"""External interrupt/event controller (EXTI), STM32F10x: edges of pins, and software's own.

Sources: RM0008's register and bit names as ST's device header stm32f103xb.h has them.
Not modelled: events (EMR is stored); what drives lines 16 to 18: PVD, RTC alarm, USB wake-up.
"""

from collections.abc import Callable, Mapping

from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register, Unmodelled


class ExtiImr(Register):
    """EXTI_IMR, Interrupt mask register."""

    MR = Field(18, 0)  # 1: pending is an interrupt


class ExtiEmr(Register):
    """EXTI_EMR, Event mask register."""

    MR = Unmodelled(18, 0)


class ExtiRtsr(Register):
    """EXTI_RTSR, Rising trigger selection register."""

    TR = Field(18, 0)


class ExtiFtsr(Register):
    """EXTI_FTSR, Falling trigger selection register."""

    TR = Field(18, 0)


class ExtiSwier(Register):
    """EXTI_SWIER, Software interrupt event register. A 0 that becomes 1 triggers the line."""

    SWIER = Field(18, 0)


class ExtiPr(Register):
    """EXTI_PR, Pending register."""

    PR = Field(18, 0, Access.RC_W1)


class Exti(Peripheral):
    """The controller. `set_irqs`: the lines that share an interrupt, as a mask, and that one."""

    def __init__(
        self, set_irqs: Mapping[int, Callable[[bool], None]], port_of: Callable[[int], int]
    ) -> None:
        self.imr = ExtiImr()
        self.rtsr = ExtiRtsr()
        self.ftsr = ExtiFtsr()
        self.swier = ExtiSwier()
        self.pr = ExtiPr()
        self._set_irqs, self._port_of = set_irqs, port_of
        super().__init__(
            {
                0x00: self.imr,
                0x04: ExtiEmr(),
                0x08: self.rtsr,
                0x0C: self.ftsr,
                0x10: self.swier,
                0x14: self.pr,
            }
        )

    def reset(self) -> None:
        super().reset()
        self._update_irqs()

    def write(self, offset: int, word: int) -> None:
        raised = word & ~self.swier.word if offset == 0x10 else 0
        super().write(offset, word)
        self.swier.word &= ~word if offset == 0x14 else -1  # PR's 1 clears SWIER's, too
        self.pr.word |= raised & self.imr.word
        self._update_irqs()

    def pin_changed(self, port: int, pin: int, level: bool) -> None:
        """Take an edge of a port's pin."""
        trigger = self.rtsr if level else self.ftsr
        if trigger.word >> pin & 1 and self._port_of(pin) == port:
            self.pr.word |= 1 << pin
            self._update_irqs()

    def _update_irqs(self) -> None:
        pending = self.pr.word & self.imr.word
        for lines, set_irq in self._set_irqs.items():
            set_irq(bool(pending & lines))
