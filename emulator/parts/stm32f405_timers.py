"""Interrupts and pins of the STM32F405's timers.

Sources: ST's device header stm32f405xx.h for interrupts; for alternate functions, ST's datasheet as
MicroPython's stm32f405_af.csv has it; for DMA, ST's tables as ArduPilot's STM32F407xx.py has them.
"""

from emulator.pads import pads_of
from emulator.peripherals.tim_registers import (
    ALL_FLAGS,
    BIF,
    CC1IF,
    CC2IF,
    CC3IF,
    CC4IF,
    CCIF,
    COMIF,
    TIF,
    UIF,
)

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
