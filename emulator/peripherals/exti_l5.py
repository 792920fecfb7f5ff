"""Extended interrupts and event controller (EXTI), STM32L5: edges of pins, told apart.

Sources: ST's device header stm32l552xx.h for registers; bits and reset values from ST's
STM32L552.svd, IMR2's from which lines are not configurable. Each pin's line has an interrupt of its
own, and EXTI itself says whose port's pin it is. Units with lines that are not configurable, the
RTC among them, interrupt without this block.
UNKNOWN: whether an edge is noted while its line is masked; here it is.
Not modelled: security, privileges, the lock, what drives lines from 16 on, nor their events.
"""

from collections.abc import Callable, Mapping
from contextlib import nullcontext

from emulator.peripherals.absent import absent_registers
from emulator.peripherals.base import Peripheral, Rewiring
from emulator.registers import Access, Field, Register

PINS = 16
CONFIGURABLE_1, CONFIGURABLE_2 = 0x0061_FFFF, 0x0000_0078  # of lines 0 to 31, and from 32 on
RTSR, FTSR, SWIER, RPR, FPR, IMR, EMR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x80, 0x84
SECOND, SECOND_MASK = 0x20, 0x10  # from a register to that of lines from 32 on; of IMR and EMR
EXTICR = 0x60
CONNECTING = (RTSR, FTSR, *range(EXTICR, EXTICR + 0x10, 4))
ABSENT = "@14 SECCFGR1 PRIVCFGR1 @34 SECCFGR2 PRIVCFGR2 @70 LOCKR"


class ExtiLines(Register):
    """EXTI_RTSRx, EXTI_FTSRx, EXTI_IMRx: a bit for each line."""

    LINES = Field(31, 0)


class ExtiSwierL5(Register):
    """EXTI_SWIERx, software interrupt event register: a 1 is a rising edge."""

    SWI = Field(31, 0, Access.WO)


class ExtiPending(Register):
    """EXTI_RPRx, EXTI_FPRx, rising and falling edge pending registers."""

    PIF = Field(31, 0, Access.RC_W1)


class ExtiEmrL5(Register):
    """EXTI_EMRx, event mask register."""

    EM = Field(31, 0)  # 1: a trigger is an event for the core, which WFE waits for


class ExtiExticr(Register):
    """EXTI_EXTICRx, external interrupt selection register: the ports of four lines."""

    EXTI3 = Field(31, 24)
    EXTI2 = Field(23, 16)
    EXTI1 = Field(15, 8)
    EXTI0 = Field(7, 0)


class Half:
    """Thirty-two lines, some of them configurable."""

    def __init__(self, configurable: int, imr: int) -> None:
        self.configurable = configurable
        self.rtsr, self.ftsr = ExtiLines(), ExtiLines()
        self.rpr, self.fpr = ExtiPending(), ExtiPending()
        self.imr, self.emr = ExtiLines(reset=imr), ExtiEmrL5()

    def registers(self, base: int, masks: int) -> dict[int, Register]:
        return {
            base + RTSR: self.rtsr,
            base + FTSR: self.ftsr,
            base + SWIER: ExtiSwierL5(),
            base + RPR: self.rpr,
            base + FPR: self.fpr,
            masks + IMR: self.imr,
            masks + EMR: self.emr,
        }

    @property
    def pending(self) -> int:
        return (self.rpr.word | self.fpr.word) & self.imr.word


class ExtiL5(Peripheral):
    """The controller. `set_irqs`: the lines that share an interrupt, as a mask, and that one."""

    def __init__(
        self,
        set_irqs: Mapping[int, Callable[[bool], None]],
        send_event: Callable[[], None],
        rewiring: Rewiring = nullcontext,
    ) -> None:
        self._rewiring = rewiring
        self._first, self._second = Half(CONFIGURABLE_1, 0xFF9E_0000), Half(CONFIGURABLE_2, 0x787)
        self._exticr = [ExtiExticr() for _ in range(PINS // 4)]
        super().__init__(
            {
                **self._first.registers(0, 0),
                **self._second.registers(SECOND, SECOND_MASK),
                **{EXTICR + 4 * n: register for n, register in enumerate(self._exticr)},
                **absent_registers("EXTI", ABSENT),
            }
        )
        self._set_irqs, self._send_event = set_irqs, send_event

    def reset(self) -> None:
        super().reset()
        self._update_irqs()

    def write(self, offset: int, word: int) -> None:
        if offset < EXTICR:
            half = self._second if offset >= SECOND else self._first
            word &= half.configurable
            if offset % SECOND == SWIER:
                self._trigger(half, half.rpr, word)
        with self._rewiring() if offset in CONNECTING else nullcontext():
            super().write(offset, word)
        self._update_irqs()

    @property
    def triggers(self) -> int:
        """The lines of pins that an edge triggers, and more."""
        return self._first.rtsr.word | self._first.ftsr.word

    def listens(self, port: int, pin: int) -> bool:
        """Whether a port's pin has an edge that triggers its line."""
        return bool(self.triggers >> pin & 1) and self._port_of(pin) == port

    def pin_changed(self, port: int, pin: int, level: bool) -> None:
        """Take an edge of a port's pin."""
        half = self._first
        trigger, pending = (half.rtsr, half.rpr) if level else (half.ftsr, half.fpr)
        if trigger.word >> pin & 1 and self._port_of(pin) == port:
            self._trigger(half, pending, 1 << pin)
            self._update_irqs()

    def _trigger(self, half: Half, pending: Register, lines: int) -> None:
        pending.word |= lines
        if lines & half.emr.word:
            self._send_event()

    def _port_of(self, pin: int) -> int:
        return self._exticr[pin // 4].word >> 8 * (pin % 4) & 0xFF

    def _update_irqs(self) -> None:
        pending = self._first.pending | self._second.pending << 32
        for lines, set_irq in self._set_irqs.items():
            set_irq(bool(pending & lines))
