"""STM32F103CB: a C8 with twice the flash."""

from emulator.parts.stm32f103 import stm32f103

STM32F103CB = stm32f103(
    "stm32f103cb",
    "STM32F103CB: Cortex-M3, 128 KiB flash, 20 KiB SRAM",
    flash_kib=128,
    sram_kib=20,
)
