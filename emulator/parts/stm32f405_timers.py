"""The STM32F405's timers: their interrupts, pins and DMA streams, and what they trigger.

Sources: ST's device header stm32f405xx.h for interrupts; for alternate functions, ST's datasheet as
MicroPython's stm32f405_af.csv has it; for DMA, ST's tables as ArduPilot's STM32F407xx.py has them;
ST's drivers stm32f4xx_ll_adc.h and stm32f4xx_hal_dac.h for triggers, and
RM0090's tables of ITR0 to ITR3 as Drone OS's driver of timers has them.
"""

from collections.abc import Callable, Mapping
from typing import cast

from emulator.pads import pads_of
from emulator.part import Machine, Unit
from emulator.parts.timers import timer
from emulator.parts.triggers import Table, masters
from emulator.peripherals.dma_f4 import DmaF4
from emulator.peripherals.tim import Tim
from emulator.peripherals.tim_events import TRGO
from emulator.peripherals.tim_registers import (
    ADVANCED,
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
    ONE_CHANNEL,
    TIF,
    TWO_CHANNELS,
    UIF,
    TimKind,
)

GENERAL_32 = TimKind(width=32, has_or=True)  # TIM2 and TIM5
TIM_IRQS = {  # which of whose flags each is
    24: (("TIM1", BIF), ("TIM9", ALL_FLAGS)),
    25: (("TIM1", UIF), ("TIM10", ALL_FLAGS)),
    26: (("TIM1", TIF | COMIF), ("TIM11", ALL_FLAGS)),
    27: (("TIM1", CCIF),),
    28: (("TIM2", ALL_FLAGS),),
    29: (("TIM3", ALL_FLAGS),),
    30: (("TIM4", ALL_FLAGS),),
    43: (("TIM8", BIF), ("TIM12", ALL_FLAGS)),
    44: (("TIM8", UIF), ("TIM13", ALL_FLAGS)),
    45: (("TIM8", TIF | COMIF), ("TIM14", ALL_FLAGS)),
    46: (("TIM8", CCIF),),
    50: (("TIM5", ALL_FLAGS),),
    54: (("TIM6", ALL_FLAGS),),
    55: (("TIM7", ALL_FLAGS),),
}
# By timer: the controller, and by flag streams with their channel.
DMA_STREAMS: dict[str, tuple[str, dict[int, tuple[tuple[int, int], ...]]]] = {
    "TIM1": (
        "DMA2",
        {
            CC1IF: ((6, 0), (1, 6), (3, 6)),
            CC2IF: ((6, 0), (2, 6)),
            CC3IF: ((6, 0), (6, 6)),
            CC4IF: ((4, 6),),
            UIF: ((5, 6),),
        },
    ),
    "TIM2": (
        "DMA1",
        {
            CC1IF: ((5, 3),),
            CC2IF: ((6, 3),),
            CC3IF: ((1, 3),),
            CC4IF: ((6, 3), (7, 3)),
            UIF: ((1, 3), (7, 3)),
        },
    ),
    "TIM3": (
        "DMA1",
        {CC1IF: ((4, 5),), CC2IF: ((5, 5),), CC3IF: ((7, 5),), CC4IF: ((2, 5),), UIF: ((2, 5),)},
    ),
    "TIM4": ("DMA1", {CC1IF: ((0, 2),), CC2IF: ((3, 2),), CC3IF: ((7, 2),), UIF: ((6, 2),)}),
    "TIM5": (
        "DMA1",
        {
            CC1IF: ((2, 6),),
            CC2IF: ((4, 6),),
            CC3IF: ((0, 6),),
            CC4IF: ((1, 6), (3, 6)),
            UIF: ((0, 6), (6, 6)),
        },
    ),
    "TIM6": ("DMA1", {UIF: ((1, 7),)}),
    "TIM7": ("DMA1", {UIF: ((2, 1), (4, 1))}),
    "TIM8": (
        "DMA2",
        {
            CC1IF: ((2, 0), (2, 7)),
            CC2IF: ((2, 0), (3, 7)),
            CC3IF: ((2, 0), (4, 7)),
            CC4IF: ((7, 7),),
            UIF: ((1, 7),),
        },
    ),
}
ADC_TRIGGERS: Table = {  # by EXTSEL; 15 is an external interrupt
    0: ("TIM1", CC1IF),
    1: ("TIM1", CC2IF),
    2: ("TIM1", CC3IF),
    3: ("TIM2", CC2IF),
    4: ("TIM2", CC3IF),
    5: ("TIM2", CC4IF),
    6: ("TIM2", TRGO),
    7: ("TIM3", CC1IF),
    8: ("TIM3", TRGO),
    9: ("TIM4", CC4IF),
    10: ("TIM5", CC1IF),
    11: ("TIM5", CC2IF),
    12: ("TIM5", CC3IF),
    13: ("TIM8", CC1IF),
    14: ("TIM8", TRGO),
}
DAC_TRIGGERS: Table = {  # by TSELx; 6 is an external interrupt, 7 software
    0: ("TIM6", TRGO),
    1: ("TIM8", TRGO),
    2: ("TIM7", TRGO),
    3: ("TIM5", TRGO),
    4: ("TIM2", TRGO),
    5: ("TIM4", TRGO),
}
TRIGGERS: Mapping[str, Table] = {
    "ADC1": ADC_TRIGGERS,
    "ADC2": ADC_TRIGGERS,
    "ADC3": ADC_TRIGGERS,
    "DAC": DAC_TRIGGERS,
    **masters(
        {
            "TIM1": "TIM5 TIM2 TIM3 TIM4",
            "TIM2": "TIM1 TIM8 TIM3 TIM4",
            "TIM3": "TIM1 TIM2 TIM5 TIM4",
            "TIM4": "TIM1 TIM2 TIM3 TIM8",
            "TIM5": "TIM2 TIM3 TIM4 TIM8",
            "TIM8": "TIM1 TIM2 TIM4 TIM5",
            "TIM9": "TIM2 TIM3",  # ITR2 and ITR3 are outputs of TIM10 and TIM11
            "TIM12": "TIM4 TIM5",  # TIM13 and TIM14
        }
    ),
}
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
        "TIM3": (2, "CH1 PA6 PB4 PC6, CH2 PA7 PB5 PC7, CH3 PB0 PC8, CH4 PB1 PC9"),
        "TIM4": (2, "CH1 PB6 PD12, CH2 PB7 PD13, CH3 PB8 PD14, CH4 PB9 PD15"),
        "TIM5": (2, "CH1 PA0 PH10, CH2 PA1 PH11, CH3 PA2 PH12, CH4 PA3 PI0"),
        "TIM8": (
            3,
            (
                "CH1 PC6 PI5, CH2 PC7 PI6, CH3 PC8 PI7, CH4 PC9 PI2,"
                "CH1N PA5 PA7 PH13, CH2N PB0 PB14 PH14, CH3N PB1 PB15 PH15"
            ),
        ),
        "TIM9": (3, "CH1 PA2 PE5, CH2 PA3 PE6"),
        "TIM10": (3, "CH1 PB8 PF6"),
        "TIM11": (3, "CH1 PB9 PF7"),
        "TIM12": (9, "CH1 PB14 PH6, CH2 PB15 PH9"),
        "TIM13": (9, "CH1 PA6 PF8"),
        "TIM14": (9, "CH1 PA7 PF9"),
    }
)


def _irq(machine: Machine, irq: int) -> Callable[[bool], None]:
    """Return what drives an interrupt, which several timers may raise."""
    set_irq, raised_by = machine.irq(irq), TIM_IRQS[irq]
    if len(raised_by) == 1:
        return set_irq
    return lambda _: set_irq(
        any(cast(Tim, machine.unit(name)).events.is_raising(flags) for name, flags in raised_by)
    )


def _pulse(
    machine: Machine, controller: str, streams: tuple[tuple[int, int], ...]
) -> Callable[[bool], None]:
    """Return what asks some streams, each with its channel, for a transfer."""
    dma = cast(DmaF4, machine.unit(controller))
    requests = [dma.request(stream, channel, is_pulse=True) for stream, channel in streams]

    def pulse(level: bool) -> None:
        for request in requests:
            request(level)

    return pulse


def _tim(number: int, address: int, kind: TimKind, *, is_apb2: bool = False) -> Unit:
    name = f"TIM{number}"

    def irqs(machine: Machine) -> Mapping[int, Callable[[bool], None]]:
        return {
            flags: _irq(machine, irq)
            for irq, raised_by in TIM_IRQS.items()
            for timer_name, flags in raised_by
            if timer_name == name
        }

    def requests(machine: Machine) -> Mapping[int, Callable[[bool], None]]:
        controller, streams = DMA_STREAMS.get(name, ("DMA1", {}))
        return {flag: _pulse(machine, controller, each) for flag, each in streams.items()}

    return timer(name, address, kind, irqs, requests, triggers=TRIGGERS, is_apb2=is_apb2)


TIMERS = (
    _tim(1, 0x4001_0000, ADVANCED, is_apb2=True),
    _tim(2, 0x4000_0000, GENERAL_32),
    _tim(3, 0x4000_0400, GENERAL),
    _tim(4, 0x4000_0800, GENERAL),
    _tim(5, 0x4000_0C00, GENERAL_32),
    _tim(6, 0x4000_1000, BASIC),
    _tim(7, 0x4000_1400, BASIC),
    _tim(8, 0x4001_0400, ADVANCED, is_apb2=True),
    _tim(9, 0x4001_4000, TWO_CHANNELS, is_apb2=True),
    _tim(10, 0x4001_4400, ONE_CHANNEL, is_apb2=True),
    _tim(11, 0x4001_4800, ONE_CHANNEL._replace(has_or=True), is_apb2=True),
    _tim(12, 0x4000_1800, TWO_CHANNELS),
    _tim(13, 0x4000_1C00, ONE_CHANNEL),
    _tim(14, 0x4000_2000, ONE_CHANNEL),
)
