"""STM32F103x8 and STM32F103xB: the medium-density parts, which differ in the size of their flash.

Sources: ST's device header stm32f103xb.h for addresses and interrupt numbers; RM0008 for the rest.
Not modelled: everything that has no line below; an access there is a BusFault.
"""

from collections.abc import Callable
from typing import cast

from emulator.bus import Lane
from emulator.memory_map import Kind, Region
from emulator.part import Core, Machine, Part, Unit
from emulator.peripherals.afio import Afio
from emulator.peripherals.base import Gate, Peripheral
from emulator.peripherals.flash import Flash
from emulator.peripherals.gpio import Gpio
from emulator.peripherals.rcc import HSI_HZ, Rcc
from emulator.peripherals.usart import Usart

FLASH_BASE = 0x0800_0000
SYSTEM_MEMORY = 0x1FFF_F000  # the vendor's boot loader, which is not there, and what follows it
FLASH_SIZE, UNIQUE_ID, OPTION_BYTES = 0x1FFF_F7E0, 0x1FFF_F7E8, 0x1FFF_F800
OPTION_BYTES_SIZE = 16
FLASH_IRQ, USART1_IRQ, USART2_IRQ, USART3_IRQ = 4, 37, 38, 39


def _clocked_by(name: str) -> Callable[[Machine, Peripheral], Gate]:
    """Name the bits of RCC that clock and reset a unit: `name`EN and `name`RST."""
    return lambda machine, peripheral: _rcc_of(machine).gate(name, peripheral)


def _rcc_of(machine: Machine) -> Rcc:
    return cast(Rcc, machine.unit("RCC"))


def _rcc(machine: Machine) -> Rcc:
    return Rcc(machine.hse_hz, machine.clock.set_hz)


def _flash(machine: Machine) -> Flash:
    memory = machine.memory_map.memory_at(FLASH_BASE)
    option_bytes = machine.memory_map.memory_at(SYSTEM_MEMORY).view[OPTION_BYTES - SYSTEM_MEMORY :]
    flash = Flash(
        memory,
        option_bytes[:OPTION_BYTES_SIZE],
        machine.set_programming,
        machine.flash_changed,
        machine.irq(FLASH_IRQ),
    )
    machine.bus.attach_programmer(flash.program)
    return flash


def _usart(irq: int, pclk_hz: Callable[[Rcc], int]) -> Callable[[Machine], Usart]:
    def make(machine: Machine) -> Usart:
        rcc = _rcc_of(machine)
        return Usart(machine.clock, lambda: pclk_hz(rcc), machine.irq(irq))

    return make


UNITS = (
    Unit("RCC", 0x4002_1000, _rcc, lane=Lane.MERGE),
    Unit("FLASH", 0x4002_2000, _flash, lane=Lane.MERGE),
    Unit("AFIO", 0x4001_0000, lambda _: Afio(), _clocked_by("AFIO")),
    Unit("GPIOA", 0x4001_0800, lambda _: Gpio(), _clocked_by("IOPA")),
    Unit("GPIOB", 0x4001_0C00, lambda _: Gpio(), _clocked_by("IOPB")),
    Unit("GPIOC", 0x4001_1000, lambda _: Gpio(), _clocked_by("IOPC")),
    Unit("GPIOD", 0x4001_1400, lambda _: Gpio(), _clocked_by("IOPD")),
    Unit("USART1", 0x4001_3800, _usart(USART1_IRQ, Rcc.pclk2_hz), _clocked_by("USART1")),
    Unit("USART2", 0x4000_4400, _usart(USART2_IRQ, Rcc.pclk1_hz), _clocked_by("USART2")),
    Unit("USART3", 0x4000_4800, _usart(USART3_IRQ, Rcc.pclk1_hz), _clocked_by("USART3")),
)


def stm32f103(name: str, description: str, flash_kib: int, sram_kib: int) -> Part:
    """Return a part of the line."""
    return Part(
        name=name,
        description=description,
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
            Region("flash", FLASH_BASE, flash_kib * 1024, Kind.FLASH, aliases=(0x0000_0000,)),
            Region("system memory", SYSTEM_MEMORY, 0xC00, Kind.ROM),
            Region("SRAM", 0x2000_0000, sram_kib * 1024, Kind.RAM),
        ),
        units=UNITS,
        factory=(
            (FLASH_SIZE, flash_kib.to_bytes(2, "little")),
            (UNIQUE_ID, bytes.fromhex("4650 4261 7900 0000 0000 0001")),  # of each emulated board
            (OPTION_BYTES, bytes.fromhex("A55A" + "FF00" * 7)),  # nothing protected
        ),
        console="USART1",
        reset_hz=HSI_HZ,
        hse_hz=8_000_000,
    )
