"""The STM32L552's timers: their interrupts, pins and DMA requests, and what they trigger.

Sources: ST's device header stm32l552xx.h for interrupts; ST's driver stm32l5xx_ll_dmamux.h for
requests; ST's driver stm32l5xx_ll_adc.h and Embassy's dac/tsel.rs for triggers; for alternate
functions, Zephyr's stm32l552zetx-pinctrl.dtsi, which is made of ST's own data.
UNKNOWN: what the timers' ITR0 to ITR3 are; nothing here.
"""

from collections.abc import Callable, Mapping
from typing import cast

from emulator.pads import pads_of
from emulator.part import Machine, Unit
from emulator.parts.timers import interrupts, timer
from emulator.parts.triggers import Table
from emulator.peripherals.dmamux import Dmamux
from emulator.peripherals.tim_events import TRGO
from emulator.peripherals.tim_registers import (
    ALL_FLAGS,
    BASIC,
    BIF,
    CC1IF,
    CC2IF,
    CC3IF,
    CC4IF,
    CCIF,
    COMIF,
    GENERAL,
    TIF,
    UIF,
    TimKind,
)

GENERAL_32 = TimKind(width=32, has_or=True)  # TIM2 and TIM5
ADVANCED_OR = TimKind(is_advanced=True, has_or=True)  # TIM1 and TIM8
TWO, ONE = (TimKind(channels=n, is_advanced=True, has_or=True) for n in (2, 1))  # TIM15; 16, 17
TIM_IRQS = {
    1: {BIF: 41, UIF: 42, TIF | COMIF: 43, CCIF: 44},
    8: {BIF: 51, UIF: 52, TIF | COMIF: 53, CCIF: 54},
    **{2 + n: {ALL_FLAGS: 45 + n} for n in range(6)},
    **{15 + n: {ALL_FLAGS: 69 + n} for n in range(3)},
}
ADC_TRIGGERS: Table = {  # by EXTSEL; 6 is an external interrupt, 8 and 10 are TRGO2
    0: ("TIM1", CC1IF),
    1: ("TIM1", CC2IF),
    2: ("TIM1", CC3IF),
    3: ("TIM2", CC2IF),
    4: ("TIM3", TRGO),
    5: ("TIM4", CC4IF),
    7: ("TIM8", TRGO),
    9: ("TIM1", TRGO),
    11: ("TIM2", TRGO),
    12: ("TIM4", TRGO),
    13: ("TIM6", TRGO),
    14: ("TIM15", TRGO),
    15: ("TIM3", CC4IF),
}
DAC_TIMERS = ("TIM1", "TIM2", "TIM4", "TIM5", "TIM6", "TIM7", "TIM8", "TIM15")
DAC_TRIGGERS: Table = {n: (name, TRGO) for n, name in enumerate(DAC_TIMERS, start=1)}  # by TSELx
TRIGGERS = {"ADC1": ADC_TRIGGERS, "ADC2": ADC_TRIGGERS, "DAC1": DAC_TRIGGERS}
PADS = pads_of(
    {
        "TIM1": (
            1,
            (
                "CH1 PA8 PE9, CH2 PA9 PE11, CH3 PA10 PE13, CH4 PA11 PE14,"
                "CH1N PA7 PB13 PE8, CH2N PB0 PB14 PE10, CH3N PB1 PB15 PE12"
            ),
        ),
        "TIM2": (1, "CH1 PA0 PA5 PA15, CH2 PA1 PB3, CH3 PA2 PB10, CH4 PA3 PB11"),
        "TIM3": (2, "CH1 PA6 PB4 PC6 PE3, CH2 PA7 PB5 PC7 PE4, CH3 PB0 PC8 PE5, CH4 PB1 PC9 PE6"),
        "TIM4": (2, "CH1 PB6 PD12, CH2 PB7 PD13, CH3 PB8 PD14, CH4 PB9 PD15"),
        "TIM5": (2, "CH1 PA0 PF6, CH2 PA1 PF7, CH3 PA2 PF8, CH4 PA3 PF9"),
        "TIM8": (
            3,
            "CH1 PC6, CH2 PC7, CH3 PC8, CH4 PC9, CH1N PA5 PA7, CH2N PB0 PB14, CH3N PB1 PB15",
        ),
        "TIM15": (14, "CH1 PA2 PB14 PF9 PG10, CH2 PA3 PB15 PF10 PG11, CH1N PA1 PB13 PG9"),
        "TIM16": (14, "CH1 PA6 PB8 PE0, CH1N PB6"),
        "TIM17": (14, "CH1 PA7 PB9 PE1, CH1N PB7"),
    }
)
REQUESTING = {6: 0, 7: 0, 15: 1, 16: 1, 17: 1}  # channels with a request, where not four
FIRST_REQUESTS = {1: 42, 8: 49, 2: 56, 3: 61, 4: 67, 5: 72, 15: 78, 16: 82, 17: 84, 6: 9, 7: 10}


def _tim(number: int, address: int, kind: TimKind, *, is_apb2: bool = False) -> Unit:
    """Declare one; its requests follow each other: of its channels, then of updates."""
    channels = (CC1IF, CC2IF, CC3IF, CC4IF)[: REQUESTING.get(number, 4)]

    def requests(machine: Machine) -> Mapping[int, Callable[[bool], None]]:
        dmamux, first = cast(Dmamux, machine.unit("DMAMUX1")), FIRST_REQUESTS[number]
        return {flag: dmamux.pulse(first + n) for n, flag in enumerate((*channels, UIF))}

    irqs = interrupts(TIM_IRQS[number])
    name, wires = f"TIM{number}", (irqs, requests)
    return timer(name, address, kind, *wires, triggers=TRIGGERS, is_apb2=is_apb2)


TIMERS = (
    _tim(1, 0x4001_2C00, ADVANCED_OR, is_apb2=True),
    _tim(2, 0x4000_0000, GENERAL_32),
    _tim(3, 0x4000_0400, GENERAL),
    _tim(4, 0x4000_0800, GENERAL),
    _tim(5, 0x4000_0C00, GENERAL_32),
    _tim(6, 0x4000_1000, BASIC),
    _tim(7, 0x4000_1400, BASIC),
    _tim(8, 0x4001_3400, ADVANCED_OR, is_apb2=True),
    _tim(15, 0x4001_4000, TWO, is_apb2=True),
    _tim(16, 0x4001_4400, ONE, is_apb2=True),
    _tim(17, 0x4001_4800, ONE, is_apb2=True),
)
