"""STM32F103x8 and STM32F103xB: the medium-density parts, which differ in the size of their flash.

Sources: ST's device header stm32f103xb.h for names, addresses and interrupt numbers; RM0008 for
the rest; ArduPilot's STM32F103xB.py, which is made of ST's tables, for timers' DMA channels.
Not modelled: the units made by `_absent`. Where nothing is, an access is a BusFault.
"""

import functools
from collections.abc import Callable, Mapping
from typing import cast

from emulator.bus import Lane
from emulator.memory_map import Kind, Region
from emulator.pads import PORTS, Pad
from emulator.part import (
    Core,
    Machine,
    Part,
    SerialUnit,
    Unit,
    flash_wires,
    port_wires,
    shared_irq,
)
from emulator.peripherals.absent import Absent
from emulator.peripherals.adc_f1 import AdcF1
from emulator.peripherals.afio import Afio
from emulator.peripherals.base import Gate, Peripheral, ResetCause
from emulator.peripherals.bkp import Bkp
from emulator.peripherals.bxcan import BxCan, CanIrqs
from emulator.peripherals.bxcan_filters import CanFilters
from emulator.peripherals.crc import Crc
from emulator.peripherals.dbgmcu import Dbgmcu
from emulator.peripherals.dma import Dma
from emulator.peripherals.exti import Exti
from emulator.peripherals.flash_f1 import FlashF1
from emulator.peripherals.fpb import FPB_V1
from emulator.peripherals.gpio_f1 import GpioF1
from emulator.peripherals.i2c import I2c
from emulator.peripherals.iwdg import Iwdg
from emulator.peripherals.pwr import Pwr, pwr_f1
from emulator.peripherals.rcc import Rcc
from emulator.peripherals.rcc_f1 import HSI_HZ, RccF1
from emulator.peripherals.rtc_f1 import RtcF1
from emulator.peripherals.spi import Spi
from emulator.peripherals.tim import Tim
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
from emulator.peripherals.usart import unconnected
from emulator.peripherals.usart_v1 import UsartV1
from emulator.peripherals.wwdg import Wwdg

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


def _clocked_by(name: str) -> Callable[[Machine, Peripheral], Gate]:
    """Name the bits of RCC that clock and reset a unit: `name`EN and `name`RST."""
    return lambda machine, peripheral: _rcc_of(machine).gate(name, peripheral)


def _rcc_of(machine: Machine) -> Rcc:
    return cast(Rcc, machine.unit("RCC"))


def _remap_of(machine: Machine, pad: Pad) -> int:
    return cast(Afio, machine.unit("AFIO")).remap(pad.timer)


def _rcc(machine: Machine) -> Rcc:
    return RccF1(
        machine.hse_hz,
        machine.clock.set_hz,
        lambda: cast(Pwr, machine.unit("PWR")).is_backup_writable(),
    )


def _flash(machine: Machine) -> FlashF1:
    option_bytes = machine.memory_map.memory_at(SYSTEM_MEMORY).view[OPTION_BYTES - SYSTEM_MEMORY :]
    flash = FlashF1(flash_wires(machine, FLASH_BASE, FLASH_IRQ), option_bytes[:OPTION_BYTES_SIZE])
    machine.bus.attach_programmer(machine.memory_map.memory_at(FLASH_BASE), flash.program)
    return flash


def _bkp(machine: Machine) -> Bkp:
    bkp = Bkp(cast(Pwr, machine.unit("PWR")).is_backup_writable)
    _rcc_of(machine).backup_domain.append(bkp)
    return bkp


def _rtc(machine: Machine) -> RtcF1:
    rcc, exti = _rcc_of(machine), cast(Exti, machine.unit("EXTI"))
    is_writable = cast(Pwr, machine.unit("PWR")).is_backup_writable
    irq = machine.irq(RTC_IRQ)
    rtc = RtcF1(machine.clock, rcc.rtc_hz, is_writable, irq, lambda: exti.rise(RTC_ALARM_LINE))
    rcc.backup_domain.append(rtc)
    rcc.on_rtc_clock = rtc.clock_changed
    return rtc


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

    return Unit(f"GPIO{name}", address, make, _clocked_by(f"IOP{name}"))


def _tim(name: str, address: int, irqs: Mapping[int, int], kind: TimKind = GENERAL) -> Unit:
    def make(machine: Machine) -> Tim:
        rcc, dma = _rcc_of(machine), cast(Dma, machine.unit("DMA1"))
        tim = Tim(
            machine.clock,
            rcc.tim2_hz if kind.is_advanced else rcc.tim1_hz,
            {flags: machine.irq(irq) for flags, irq in irqs.items()},
            kind,
            machine.pads.of(name),
            {flag: dma.request(n, is_pulse=True) for flag, n in DMA_CHANNELS[name].items()},
        )
        rcc.on_bus_clock.append(tim.clock_changed)
        return tim

    return Unit(name, address, make, _clocked_by(name))


def _iwdg(machine: Machine) -> Iwdg:
    return Iwdg(machine.clock, lambda: machine.request_reset(ResetCause.WATCHDOG))


def _wwdg(machine: Machine) -> Wwdg:
    rcc = _rcc_of(machine)
    irq = machine.irq(WWDG_IRQ)
    bite = functools.partial(machine.request_reset, ResetCause.WINDOW_WATCHDOG)
    wwdg = Wwdg(machine.clock, rcc.pclk1_hz, irq, bite)
    rcc.on_bus_clock.append(wwdg.clock_changed)
    return wwdg


def _can1(machine: Machine) -> BxCan:
    tx, rx0, rx1, sce = (machine.irq(CAN1_TX_IRQ + n) for n in range(4))
    irqs = CanIrqs(tx, (rx0, rx1), sce)
    return BxCan(
        machine.clock, _rcc_of(machine).pclk1_hz, irqs, CanFilters(CAN_BANKS, has_second=False)
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
        pclk = functools.partial(pclk_hz, _rcc_of(machine))
        return make_unit(machine.clock, pclk, machine.irq(irq), requests)

    return make


_usart = functools.partial(_serial, UsartV1)
_spi = functools.partial(_serial, Spi)


def _i2c(event_irq: int) -> Callable[[Machine], I2c]:
    """Wire one; the interrupt of errors is the next one."""

    def make(machine: Machine) -> I2c:
        irqs = machine.irq(event_irq), machine.irq(event_irq + 1)
        return I2c(machine.clock, _rcc_of(machine).pclk1_hz, *irqs)

    return make


def _adc(dma_channel: int | None) -> Callable[[Machine], AdcF1]:
    """Wire one; the first has DMA, and the channels inside the chip."""

    def make(machine: Machine) -> AdcF1:
        rcc, dma = cast(RccF1, machine.unit("RCC")), cast(Dma, machine.unit("DMA1"))
        irq = shared_irq(machine, ADC_IRQ, "ADC1", "ADC2")
        request = unconnected if dma_channel is None else dma.request(dma_channel)
        is_first = dma_channel is not None
        return AdcF1(machine.clock, rcc.adc_hz, irq, request, ADC_PINS, is_first=is_first)

    return make


def _absent(name: str, address: int, registers: str, clock: str = "") -> Unit:
    """Declare a unit that the model lacks, by the names of its registers."""
    gate = _clocked_by(clock) if clock else None
    return Unit(name, address, lambda _: Absent(name, registers), gate)


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
PADS = tuple(
    Pad(timer, line, pin, remap)
    for timer, remaps in REMAPS.items()
    for remap, pins in remaps.items()
    for line, pin in enumerate(pins.split())
)
USB = "EP0R EP1R EP2R EP3R EP4R EP5R EP6R EP7R @40 CNTR=3 ISTR FNR DADDR BTABLE"

UNITS = (
    Unit("RCC", 0x4002_1000, _rcc, lane=Lane.MERGE),
    Unit("DMA1", 0x4002_0000, _dma1, _clocked_by("DMA1"), lane=Lane.MERGE),
    Unit("FLASH", 0x4002_2000, _flash, lane=Lane.MERGE),
    Unit("CRC", 0x4002_3000, lambda _: Crc(), _clocked_by("CRC"), lane=Lane.MERGE),
    Unit("AFIO", 0x4001_0000, lambda machine: Afio(machine.pads.rewiring), _clocked_by("AFIO")),
    Unit("EXTI", 0x4001_0400, _exti),
    *(_gpio(name) for name in "ABCD"),
    Unit("USART1", 0x4001_3800, _usart(USART1_IRQ, Rcc.pclk2_hz, 4, 5), _clocked_by("USART1")),
    _tim("TIM1", 0x4001_2C00, {BIF: 24, UIF: 25, TIF | COMIF: 26, CCIF: 27}, ADVANCED),
    _tim("TIM2", 0x4000_0000, {ALL_FLAGS: 28}),
    _tim("TIM3", 0x4000_0400, {ALL_FLAGS: 29}),
    _tim("TIM4", 0x4000_0800, {ALL_FLAGS: 30}),
    Unit("SPI1", 0x4001_3000, _spi(35, Rcc.pclk2_hz, 3, 2), _clocked_by("SPI1")),
    Unit("SPI2", 0x4000_3800, _spi(36, Rcc.pclk1_hz, 5, 4), _clocked_by("SPI2")),
    Unit("I2C1", 0x4000_5400, _i2c(31), _clocked_by("I2C1")),
    Unit("I2C2", 0x4000_5800, _i2c(33), _clocked_by("I2C2")),
    Unit("ADC1", 0x4001_2400, _adc(dma_channel=1), _clocked_by("ADC1")),
    Unit("ADC2", 0x4001_2800, _adc(dma_channel=None), _clocked_by("ADC2")),
    Unit("IWDG", 0x4000_3000, _iwdg),
    Unit("USART2", 0x4000_4400, _usart(USART2_IRQ, Rcc.pclk1_hz, 7, 6), _clocked_by("USART2")),
    Unit("USART3", 0x4000_4800, _usart(USART3_IRQ, Rcc.pclk1_hz, 2, 3), _clocked_by("USART3")),
    Unit("PWR", 0x4000_7000, lambda _: pwr_f1(), _clocked_by("PWR")),
    Unit("BKP", 0x4000_6C00, _bkp, _clocked_by("BKP")),
    Unit("RTC", 0x4000_2800, _rtc),
    Unit("WWDG", 0x4000_2C00, _wwdg, _clocked_by("WWDG")),
    Unit("DBGMCU", 0xE004_2000, lambda _: Dbgmcu(0x2003_6410), lane=Lane.MERGE),
    _absent("USB", 0x4000_5C00, USB, "USB"),
    _absent("USB_SRAM", 0x4000_6000, "", "USB"),
    Unit("CAN1", 0x4000_6400, _can1, _clocked_by("CAN1")),
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
