"""External interrupt/event controller (EXTI), STM32F1 and F4: edges of pins, and software's own.

Sources: RM0008's and RM0090's register and bit names as ST's device headers stm32f103xb.h and
stm32f405xx.h have them. The STM32F10x has 19 lines, the STM32F405 has 23.
Of the lines from 16 on, the RTC drives its own.
Not modelled: what else drives lines from 16 on: PVD, USB, tamper detection.
"""

from collections.abc import Callable, Mapping
from contextlib import nullcontext

from emulator.peripherals.base import Peripheral, Rewiring
from emulator.registers import Access, Field, Register


class ExtiImr(Register):
    """EXTI_IMR, Interrupt mask register."""

    MR = Field(22, 0)  # 1: pending is an interrupt


class ExtiEmr(Register):
    """EXTI_EMR, Event mask register."""

    MR = Field(22, 0)  # 1: a trigger is an event for the core, which WFE waits for


class ExtiRtsr(Register):
    """EXTI_RTSR, Rising trigger selection register."""

    TR = Field(22, 0)


class ExtiFtsr(Register):
    """EXTI_FTSR, Falling trigger selection register."""

    TR = Field(22, 0)


class ExtiSwier(Register):
    """EXTI_SWIER, Software interrupt event register. A 0 that becomes 1 triggers the line."""

    SWIER = Field(22, 0)


class ExtiPr(Register):
    """EXTI_PR, Pending register."""

    PR = Field(22, 0, Access.RC_W1)


class Exti(Peripheral):
    """The controller. `set_irqs`: the lines that share an interrupt, as a mask, and that one."""

    def __init__(
        self,
        set_irqs: Mapping[int, Callable[[bool], None]],
        send_event: Callable[[], None],
        port_of: Callable[[int], int],
        lines: int = 19,
        rewiring: Rewiring = nullcontext,
    ) -> None:
        self._rewiring = rewiring
        self._lines = (1 << lines) - 1
        self.imr = ExtiImr()
        self.emr = ExtiEmr()
        self.rtsr = ExtiRtsr()
        self.ftsr = ExtiFtsr()
        self.swier = ExtiSwier()
        self.pr = ExtiPr()
        self._set_irqs, self._send_event, self._port_of = set_irqs, send_event, port_of
        super().__init__(
            {
                0x00: self.imr,
                0x04: self.emr,
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
        word &= self._lines
        raised = word & ~self.swier.word if offset == 0x10 else 0
        with self._rewiring() if offset in (0x08, 0x0C) else nullcontext():
            super().write(offset, word)
        self.swier.word &= ~word if offset == 0x14 else -1  # PR's 1 clears SWIER's, too
        self._trigger(raised, raised & self.imr.word)

    @property
    def triggers(self) -> int:
        """The lines that an edge triggers."""
        return self.rtsr.word | self.ftsr.word

    def listens(self, port: int, pin: int) -> bool:
        """Whether a port's pin has an edge that triggers its line."""
        return bool(self.triggers >> pin & 1) and self._port_of(pin) == port

    def pin_changed(self, port: int, pin: int, level: bool) -> None:
        """Take an edge of a port's pin."""
        trigger = self.rtsr if level else self.ftsr
        if trigger.word >> pin & 1 and self._port_of(pin) == port:
            self._trigger(1 << pin, 1 << pin)

    def rise(self, line: int) -> None:
        """Take a rising edge of a line that a unit inside the chip drives."""
        if self.rtsr.word >> line & 1:
            self._trigger(1 << line, 1 << line)

    def _trigger(self, lines: int, pending: int) -> None:
        if lines & self.emr.word:
            self._send_event()
        self.pr.word |= pending
        self._update_irqs()

    def _update_irqs(self) -> None:
        pending = self.pr.word & self.imr.word
        for lines, set_irq in self._set_irqs.items():
            set_irq(bool(pending & lines))
