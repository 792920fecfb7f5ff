"""A generic Cortex-M33: no vendor's chip, but a real core among units that are modelled.

The core is Armv8-M mainline without the Security Extension, with the FPU, an MPU of eight regions
and the Flash Patch unit's version 2 with eight comparators. Around it are memories and peripherals
as the STM32F103xB has them, at the same addresses, with the same interrupts; 64 KiB SRAM; no
bit-banding, which Armv8-M has not.

Sources: CMSIS's core_cm33.h (registers of the core); stm32f103.py for the rest.
"""

import dataclasses

from emulator.part import Core
from emulator.parts.stm32f103 import stm32f103
from emulator.peripherals.fpb import FPB_V2_8

_AROUND = stm32f103(
    "cortex-m33",
    "Generic Cortex-M33: 128 KiB flash, 64 KiB SRAM, units as on the STM32F103, FPB version 2",
    flash_kib=128,
    sram_kib=64,
)
CORTEX_M33 = dataclasses.replace(
    _AROUND,
    core=Core(
        model="cortex-m33",
        cpuid=0x410F_D214,  # r0p4
        irqs=_AROUND.core.irqs,
        priority_bits=_AROUND.core.priority_bits,
        systick_calib=_AROUND.core.systick_calib,
        fpb=FPB_V2_8,
        mpu_regions=8,
        has_fpu=True,
        has_bit_band=False,
    ),
    loader="cortex-m33",
    units=tuple(unit for unit in _AROUND.units if unit.name != "DBGMCU"),  # it names a chip
)
