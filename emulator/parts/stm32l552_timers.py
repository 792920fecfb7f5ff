"""The STM32L552's timers: their interrupts and pins. DMA is not modelled.

Sources: ST's device header stm32l552xx.h for interrupts; for alternate functions, Zephyr's
stm32l552zetx-pinctrl.dtsi, which is made of ST's own data.
"""

from emulator.pads import pads_of
from emulator.parts.timers import interrupts, timer
from emulator.peripherals.tim_registers import (
    ALL_FLAGS,
    BASIC,
    BIF,
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
TIMERS = (
    timer("TIM1", 0x4001_2C00, ADVANCED_OR, interrupts(TIM_IRQS[1]), is_apb2=True),
    timer("TIM2", 0x4000_0000, GENERAL_32, interrupts(TIM_IRQS[2])),
    timer("TIM3", 0x4000_0400, GENERAL, interrupts(TIM_IRQS[3])),
    timer("TIM4", 0x4000_0800, GENERAL, interrupts(TIM_IRQS[4])),
    timer("TIM5", 0x4000_0C00, GENERAL_32, interrupts(TIM_IRQS[5])),
    timer("TIM6", 0x4000_1000, BASIC, interrupts(TIM_IRQS[6])),
    timer("TIM7", 0x4000_1400, BASIC, interrupts(TIM_IRQS[7])),
    timer("TIM8", 0x4001_3400, ADVANCED_OR, interrupts(TIM_IRQS[8]), is_apb2=True),
    timer("TIM15", 0x4001_4000, TWO, interrupts(TIM_IRQS[15]), is_apb2=True),
    timer("TIM16", 0x4001_4400, ONE, interrupts(TIM_IRQS[16]), is_apb2=True),
    timer("TIM17", 0x4001_4800, ONE, interrupts(TIM_IRQS[17]), is_apb2=True),
)
