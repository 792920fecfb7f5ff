"""Slave modes of a timer (TIM): what edges of its first two inputs, or of another timer's TRGO, do.

Sources: RM0008's and RM0090's register and bit names as ST's device headers stm32f103xb.h and
stm32f405xx.h have them; their table of counting directions for encoders.
UNKNOWN: which of encoder modes 1 and 2 counts edges of TI1, where the manual contradicts itself;
mode 1 here, as ST's drivers name it.
Not modelled: gated mode, triggers by ETR, MSM; filters.
"""

import enum

from emulator.peripherals.tim_registers import TimSmcr

ENCODER_1, ENCODER_2, ENCODER_3, RESET, TRIGGER, EXTERNAL = 1, 2, 3, 4, 6, 7  # SMS
TI1F_ED, TI1FP1, TI2FP2 = 4, 5, 6  # TS; below, ITR0 to ITR3
ENCODERS = (ENCODER_1, ENCODER_2, ENCODER_3)
CLOCKED_BY_EDGES = (*ENCODERS, EXTERNAL)
COUNTED = {ENCODER_1: (0,), ENCODER_2: (1,), ENCODER_3: (0, 1)}  # edges of which inputs


class Effect(enum.Enum):
    """What an edge does."""

    RESTART = enum.auto()
    START = enum.auto()
    COUNT = enum.auto()
    COUNT_UP = enum.auto()
    COUNT_DOWN = enum.auto()


BY_TRIGGER = {RESET: Effect.RESTART, TRIGGER: Effect.START, EXTERNAL: Effect.COUNT}


def awaited_by(smcr: TimSmcr) -> tuple[int, ...]:
    """Say which timer's trigger does something, by its number among ITR0 to ITR3."""
    return (smcr.TS,) if smcr.TS < TI1F_ED and smcr.SMS in BY_TRIGGER else ()


def effect_of(
    smcr: TimSmcr, ccer: int, line: int, *, rises: bool, is_other_high: bool
) -> Effect | None:
    """Say what an edge of an input does; the other input of an encoder has a level then."""
    if smcr.SMS in ENCODERS:
        if line not in COUNTED[smcr.SMS]:
            return None
        level, other = rises ^ _inverts(ccer, line), is_other_high ^ _inverts(ccer, 1 - line)
        return Effect.COUNT_UP if (level != other) == (line == 0) else Effect.COUNT_DOWN
    source = {TI1FP1: 0, TI2FP2: 1}.get(smcr.TS)
    is_active = source == line and rises != _inverts(ccer, line)
    is_trigger = is_active or (smcr.TS == TI1F_ED and line == 0)
    return BY_TRIGGER.get(smcr.SMS) if is_trigger else None


def _inverts(ccer: int, line: int) -> bool:
    """Read CCxP of an input."""
    return bool(ccer >> 4 * line + 1 & 1)
