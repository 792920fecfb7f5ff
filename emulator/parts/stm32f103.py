"""STM32F103x8 and STM32F103xB: the medium-density parts, which differ in the size of their flash.

Sources: ST's device header stm32f103xb.h for names, addresses and interrupt numbers; RM0008 for
the rest. Not modelled: the units made by `_absent`. Where nothing is, an access is a BusFault.
"""

import functools
from collections.abc import Callable
from typing import cast

from emulator.bus import Lane
from emulator.memory_map import Kind, Region
from emulator.pads import PORTS, Pad
from emulator.part import Core, Machine, Part, Unit
from emulator.parts.stm32f103_timers import ADC_TRIGGERS, PADS, TIMERS
from emulator.parts.triggers import rewired
from emulator.parts.wiring import (
    SerialUnit,
    absent,
    backed_up,
    can_irqs,
    clocked_by,
    flash_wires,
    i2c,
    is_backup_writable,
    port_wires,
    rcc_of,
    shared_irq,
    window_watchdog,
)
from emulator.peripherals.adc_f1 import AdcF1
from emulator.peripherals.afio import Afio
from emulator.peripherals.base import Peripheral, ResetCause
from emulator.peripherals.bkp import Bkp
from emulator.peripherals.bxcan import BxCan
from emulator.peripherals.bxcan_filters import CanFilters
from emulator.peripherals.crc import Crc
from emulator.peripherals.dbgmcu import Dbgmcu
from emulator.peripherals.dma import Dma
from emulator.peripherals.exti import Exti
from emulator.peripherals.flash_f1 import FlashF1
from emulator.peripherals.fpb import FPB_V1
from emulator.peripherals.gpio_f1 import GpioF1
from emulator.peripherals.iwdg import Iwdg
from emulator.peripherals.pwr import pwr_f1
from emulator.peripherals.rcc import Rcc
from emulator.peripherals.rcc_f1 import HSI_HZ, RccF1
from emulator.peripherals.rtc_f1 import RtcF1
from emulator.peripherals.spi_v1 import SpiV1
from emulator.peripherals.usart import unconnected
from emulator.peripherals.usart_v1 import UsartV1

FLASH_BASE = 0x0800_0000
SYSTEM_MEMORY = 0x1FFF_F000  # the vendor's boot loader, which is not there, and what follows it
FLASH_SIZE, UNIQUE_ID, OPTION_BYTES = 0x1FFF_F7E0, 0x1FFF_F7E8, 0x1FFF_F800
OPTION_BYTES_SIZE = 16
WWDG_IRQ, RTC_IRQ, FLASH_IRQ, DMA1_CHANNEL1_IRQ, DMA1_CHANNELS = 0, 3, 4, 11, 7
USART1_IRQ, USART2_IRQ, USART3_IRQ = 37, 38, 39
RTC_ALARM_LINE, ADC_IRQ = 17, 18
CAN1_TX_IRQ, CAN_BANKS = 19, 14
ADC_PINS = (*(f"PA{n}" for n in range(8)), "PB0", "PB1", *(f"PC{n}" for n in range(6)))
EXTI_IRQS = {  # by the lines that share one
    **{1 << line: 6 + line for line in range(5)},
    0x0000_03E0: 23,  # EXTI9_5
    0x0000_FC00: 40,  # EXTI15_10
    1 << 16: 1,  # PVD
    1 << 17: 41,  # RTC_Alarm
    1 << 18: 42,  # USBWakeUp
}


def _remap_of(machine: Machine, pad: Pad) -> int:
    return cast(Afio, machine.unit("AFIO")).remap(pad.timer)


def _rcc(machine: Machine) -> Rcc:
    return RccF1(
        machine.hse_hz,
        machine.clock.set_hz,
        is_backup_writable(machine),
    )


def _flash(machine: Machine) -> FlashF1:
    option_bytes = machine.memory_map.memory_at(SYSTEM_MEMORY).view[OPTION_BYTES - SYSTEM_MEMORY :]
    flash = FlashF1(flash_wires(machine, FLASH_BASE, FLASH_IRQ), option_bytes[:OPTION_BYTES_SIZE])
    machine.bus.attach_programmer(machine.memory_map.memory_at(FLASH_BASE), flash.program)
    return flash


def _bkp(machine: Machine) -> Bkp:
    bkp = Bkp(is_backup_writable(machine))
    rcc_of(machine).backup_domain.append(bkp)
    return bkp


def _rtc(machine: Machine) -> RtcF1:
    rcc, exti = rcc_of(machine), cast(Exti, machine.unit("EXTI"))
    is_writable = is_backup_writable(machine)
    irq = machine.irq(RTC_IRQ)
    rtc = RtcF1(machine.clock, rcc.rtc_hz, is_writable, irq, lambda: exti.rise(RTC_ALARM_LINE))
    return backed_up(machine, rtc)


def _dma1(machine: Machine) -> Dma:
    irqs = range(DMA1_CHANNEL1_IRQ, DMA1_CHANNEL1_IRQ + DMA1_CHANNELS)
    return Dma(machine.bus, [machine.irq(irq) for irq in irqs])


def _exti(machine: Machine) -> Exti:
    set_irqs = {lines: machine.irq(irq) for lines, irq in EXTI_IRQS.items()}
    port_of = cast(Afio, machine.unit("AFIO")).exti_port
    return Exti(set_irqs, machine.send_event, port_of, rewiring=machine.pads.rewiring)


def _gpio(name: str) -> Unit:
    address = 0x4001_0800 + 0x400 * PORTS.index(name)

    def make(machine: Machine) -> GpioF1:
        return GpioF1(port_wires(machine, name))

    return Unit(f"GPIO{name}", address, make, clocked_by(f"IOP{name}"))


def _iwdg(machine: Machine) -> Iwdg:
    return Iwdg(machine.clock, lambda: machine.request_reset(ResetCause.WATCHDOG))


def _can1(machine: Machine) -> BxCan:
    irqs = can_irqs(machine, CAN1_TX_IRQ)
    return BxCan(
        machine.clock, rcc_of(machine).pclk1_hz, irqs, CanFilters(CAN_BANKS, has_second=False)
    )


def _serial(
    make_unit: SerialUnit,
    irq: int,
    pclk_hz: Callable[[Rcc], int],
    tx_channel: int,
    rx_channel: int,
) -> Callable[[Machine], Peripheral]:
    """Wire one; the channels are DMA1's."""

    def make(machine: Machine) -> Peripheral:
        dma = cast(Dma, machine.unit("DMA1"))
        requests = dma.request(tx_channel), dma.request(rx_channel)
        pclk = functools.partial(pclk_hz, rcc_of(machine))
        return make_unit(machine.clock, pclk, machine.irq(irq), requests)

    return make


_usart = functools.partial(_serial, UsartV1)
_spi = functools.partial(_serial, SpiV1)


def _adc(dma_channel: int | None) -> Callable[[Machine], AdcF1]:
    """Wire one; the first has DMA, and the channels inside the chip."""

    def make(machine: Machine) -> AdcF1:
        rcc, dma = cast(RccF1, machine.unit("RCC")), cast(Dma, machine.unit("DMA1"))
        irq = shared_irq(machine, ADC_IRQ, "ADC1", "ADC2")
        request = unconnected if dma_channel is None else dma.request(dma_channel)
        is_first = dma_channel is not None
        wires = irq, request, ADC_PINS
        rewire = rewired(machine, ADC_TRIGGERS)
        return AdcF1(machine.clock, rcc.adc_hz, *wires, is_first=is_first, rewired=rewire)

    return make


USB = "EP0R EP1R EP2R EP3R EP4R EP5R EP6R EP7R @40 CNTR=3 ISTR FNR DADDR BTABLE"

UNITS = (
    Unit("RCC", 0x4002_1000, _rcc, lane=Lane.MERGE),
    Unit("DMA1", 0x4002_0000, _dma1, clocked_by("DMA1"), lane=Lane.MERGE),
    Unit("FLASH", 0x4002_2000, _flash, lane=Lane.MERGE),
    Unit("CRC", 0x4002_3000, lambda _: Crc(), clocked_by("CRC"), lane=Lane.MERGE),
    Unit("AFIO", 0x4001_0000, lambda machine: Afio(machine.pads.rewiring), clocked_by("AFIO")),
    Unit("EXTI", 0x4001_0400, _exti),
    *(_gpio(name) for name in "ABCD"),
    Unit("USART1", 0x4001_3800, _usart(USART1_IRQ, Rcc.pclk2_hz, 4, 5), clocked_by("USART1")),
    *TIMERS,
    Unit("SPI1", 0x4001_3000, _spi(35, Rcc.pclk2_hz, 3, 2), clocked_by("SPI1")),
    Unit("SPI2", 0x4000_3800, _spi(36, Rcc.pclk1_hz, 5, 4), clocked_by("SPI2")),
    i2c("I2C1", 0x4000_5400, 31),
    i2c("I2C2", 0x4000_5800, 33),
    Unit("ADC1", 0x4001_2400, _adc(dma_channel=1), clocked_by("ADC1")),
    Unit("ADC2", 0x4001_2800, _adc(dma_channel=None), clocked_by("ADC2")),
    Unit("IWDG", 0x4000_3000, _iwdg),
    Unit("USART2", 0x4000_4400, _usart(USART2_IRQ, Rcc.pclk1_hz, 7, 6), clocked_by("USART2")),
    Unit("USART3", 0x4000_4800, _usart(USART3_IRQ, Rcc.pclk1_hz, 2, 3), clocked_by("USART3")),
    Unit("PWR", 0x4000_7000, lambda _: pwr_f1(), clocked_by("PWR")),
    Unit("BKP", 0x4000_6C00, _bkp, clocked_by("BKP")),
    Unit("RTC", 0x4000_2800, _rtc),
    Unit("WWDG", 0x4000_2C00, window_watchdog(WWDG_IRQ), clocked_by("WWDG")),
    Unit("DBGMCU", 0xE004_2000, lambda _: Dbgmcu(0x2003_6410), lane=Lane.MERGE),
    absent("USB", 0x4000_5C00, USB, "USB"),
    absent("USB_SRAM", 0x4000_6000, "", "USB"),
    Unit("CAN1", 0x4000_6400, _can1, clocked_by("CAN1")),
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
            fpb=FPB_V1,
            # Optional and off after reset on revision 1 of the Cortex-M3, on from revision 2 on:
            # libopencm3, lib/cm3, the commit that sets STKALIGN for all parts.
            stkalign_at_reset=False,
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
        loader="stm32f103c8",  # uses nothing that only a larger part has
        console="USART1",
        reset_hz=HSI_HZ,
        hse_hz=8_000_000,
        pads=PADS,
        function_of=_remap_of,
    )
