"""STM32F103C8: the part of the Blue Pill board.

Sources: ST's device header stm32f103xb.h for addresses and interrupt numbers.
Not modelled: everything that has no line below; an access there is a BusFault.
"""

from collections.abc import Callable
from typing import cast

from emulator.bus import Lane
from emulator.memory_map import Kind, Region
from emulator.part import Core, Machine, Part, Unit
from emulator.peripherals.afio import Afio
from emulator.peripherals.flash import Flash
from emulator.peripherals.gpio import Gpio
from emulator.peripherals.rcc import HSI_HZ, Rcc
from emulator.peripherals.usart import Usart


def _rcc(machine: Machine) -> Rcc:
    return Rcc(machine.hse_hz, machine.clock.set_hz)


def _usart(irq: int, pclk_hz: Callable[[Rcc], int]) -> Callable[[Machine], Usart]:
    def make(machine: Machine) -> Usart:
        rcc = cast(Rcc, machine.unit("RCC"))
        return Usart(machine.clock, lambda: pclk_hz(rcc), machine.irq(irq))

    return make


STM32F103C8 = Part(
    name="stm32f103c8",
    description="STM32F103C8: Cortex-M3, 64 KiB flash, 20 KiB SRAM",
    core=Core(
        model="cortex-m3",
        cpuid=0x411F_C231,  # r1p1
        irqs=43,
        priority_bits=4,
        systick_calib=9000,
        fpb_code=6,
        fpb_literal=2,
    ),
    memories=(
        Region("flash", 0x0800_0000, 64 * 1024, Kind.FLASH, aliases=(0x0000_0000,)),
        Region("SRAM", 0x2000_0000, 20 * 1024, Kind.RAM),
    ),
    units=(
        Unit("RCC", 0x4002_1000, _rcc, lane=Lane.MERGE),
        Unit("FLASH", 0x4002_2000, lambda _: Flash(), lane=Lane.MERGE),
        Unit("AFIO", 0x4001_0000, lambda _: Afio()),
        Unit("GPIOA", 0x4001_0800, lambda _: Gpio()),
        Unit("GPIOB", 0x4001_0C00, lambda _: Gpio()),
        Unit("GPIOC", 0x4001_1000, lambda _: Gpio()),
        Unit("GPIOD", 0x4001_1400, lambda _: Gpio()),
        Unit("USART1", 0x4001_3800, _usart(37, Rcc.pclk2_hz)),
        Unit("USART2", 0x4000_4400, _usart(38, Rcc.pclk1_hz)),
        Unit("USART3", 0x4000_4800, _usart(39, Rcc.pclk1_hz)),
    ),
    console="USART1",
    reset_hz=HSI_HZ,
    hse_hz=8_000_000,
)
