"""STM32F103C8: the part of the Blue Pill board."""

from emulator.parts.stm32f103 import stm32f103

STM32F103C8 = stm32f103(
    "stm32f103c8",
    "STM32F103C8: Cortex-M3, 64 KiB flash, 20 KiB SRAM",
    flash_kib=64,
    sram_kib=20,
)
