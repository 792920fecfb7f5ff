"""The STM32F103's timers: their interrupts, pins and DMA channels, and what they trigger.

Sources: ST's device header stm32f103xb.h for interrupts and for AFIO_MAPR, whose comments name the
pins; for DMA, ST's tables as ArduPilot's STM32F103xB.py has them; ST's driver stm32f1xx_ll_adc.h
for triggers; for ITR0 to ITR3, ST's examples TIM1_Synchro, Parallel_Synchro and Cascade_Synchro.
UNKNOWN: what TIM1's and TIM2's ITR0 to ITR3 are, and TIM3's and TIM4's further ones; nothing here.
"""

from collections.abc import Callable, Mapping
from typing import cast

from emulator.pads import Pad
from emulator.part import Machine, Unit
from emulator.parts.timers import Wires, interrupts, timer
from emulator.parts.triggers import Table, masters
from emulator.peripherals.dma import Dma
from emulator.peripherals.tim_events import TRGO
from emulator.peripherals.tim_registers import (
    ADVANCED,
    ALL_FLAGS,
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

REMAPS = {  # CH1 to CH4, CH1N to CH3N, by a timer's bits in AFIO_MAPR; port E is not there
    "TIM1": {
        0b00: "PA8 PA9 PA10 PA11 PB13 PB14 PB15",
        0b01: "PA8 PA9 PA10 PA11 PA7 PB0 PB1",
    },
    "TIM2": {
        0b00: "PA0 PA1 PA2 PA3",
        0b01: "PA15 PB3 PA2 PA3",
        0b10: "PA0 PA1 PB10 PB11",
        0b11: "PA15 PB3 PB10 PB11",
    },
    "TIM3": {0b00: "PA6 PA7 PB0 PB1", 0b10: "PB4 PB5 PB0 PB1", 0b11: "PC6 PC7 PC8 PC9"},
    "TIM4": {0: "PB6 PB7 PB8 PB9", 1: "PD12 PD13 PD14 PD15"},
}
DMA_CHANNELS = {  # of DMA1, by timer and flag
    "TIM1": {CC1IF: 2, CC3IF: 6, CC4IF: 4, UIF: 5},
    "TIM2": {CC1IF: 5, CC2IF: 7, CC3IF: 1, CC4IF: 7, UIF: 2},
    "TIM3": {CC1IF: 6, CC3IF: 2, CC4IF: 3, UIF: 3},
    "TIM4": {CC1IF: 1, CC2IF: 4, CC3IF: 5, UIF: 7},
}
ADC_TRIGGERS: Table = {  # by EXTSEL; 6 is an external interrupt, 7 software
    0: ("TIM1", CC1IF),
    1: ("TIM1", CC2IF),
    2: ("TIM1", CC3IF),
    3: ("TIM2", CC2IF),
    4: ("TIM3", TRGO),
    5: ("TIM4", CC4IF),
}
TRIGGERS: Mapping[str, Table] = {
    "ADC1": ADC_TRIGGERS,
    "ADC2": ADC_TRIGGERS,
    **masters({"TIM3": "TIM1 TIM2", "TIM4": "TIM1 TIM2 TIM3"}),
}
PADS = tuple(
    Pad(timer, line, pin, remap)
    for timer, remaps in REMAPS.items()
    for remap, pins in remaps.items()
    for line, pin in enumerate(pins.split())
)


def _requests(name: str) -> Wires:
    def wire(machine: Machine) -> Mapping[int, Callable[[bool], None]]:
        dma, channels = cast(Dma, machine.unit("DMA1")), DMA_CHANNELS[name]
        return {flag: dma.request(n, is_pulse=True) for flag, n in channels.items()}

    return wire


def _tim(
    number: int, address: int, kind: TimKind, irqs: dict[int, int], *, is_apb2: bool = False
) -> Unit:
    name = f"TIM{number}"
    wires = interrupts(irqs), _requests(name)
    return timer(name, address, kind, *wires, triggers=TRIGGERS, is_apb2=is_apb2)


TIM1_IRQS = {BIF: 24, UIF: 25, TIF | COMIF: 26, CCIF: 27}
TIMERS = (
    _tim(1, 0x4001_2C00, ADVANCED, TIM1_IRQS, is_apb2=True),
    _tim(2, 0x4000_0000, GENERAL, {ALL_FLAGS: 28}),
    _tim(3, 0x4000_0400, GENERAL, {ALL_FLAGS: 29}),
    _tim(4, 0x4000_0800, GENERAL, {ALL_FLAGS: 30}),
)
