"""STM32F405RG, and what of it a larger package adds: a Cortex-M4 with floating point.

Sources: ST's device header stm32f405xx.h for names, addresses and interrupt numbers; ST's
STM32F41x.svd for the registers of what is not modelled; RM0090 for the rest, where CCM data RAM is
on the core's data bus alone. Not modelled: the units made by `_absent`. Where nothing is, an access
is a BusFault.
"""

import functools
from collections.abc import Callable
from typing import cast

from emulator.bus import Lane
from emulator.memory_map import Kind, Region
from emulator.pads import PORTS
from emulator.part import Core, Machine, Part, Unit
from emulator.parts.stm32f405_absent import ABSENT
from emulator.parts.stm32f405_timers import ADC_TRIGGERS, DAC_TRIGGERS, PADS, TIMERS
from emulator.parts.triggers import rewired
from emulator.parts.wiring import (
    SerialUnit,
    absent,
    alternate_function,
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
from emulator.peripherals.adc_f4 import CALIBRATION, AdcCommon, AdcF4
from emulator.peripherals.analog_inputs import calibration
from emulator.peripherals.base import Gate, Peripheral, ResetCause
from emulator.peripherals.bxcan import BxCan
from emulator.peripherals.bxcan_filters import CanFilters
from emulator.peripherals.crc import Crc
from emulator.peripherals.dac import Dac
from emulator.peripherals.dbgmcu import Dbgmcu
from emulator.peripherals.dma_f4 import DmaF4
from emulator.peripherals.exti import Exti
from emulator.peripherals.flash_f4 import FlashF4
from emulator.peripherals.fpb import FPB_V1
from emulator.peripherals.gpio_f4 import GpioF4
from emulator.peripherals.iwdg import Iwdg
from emulator.peripherals.pwr import pwr_f4
from emulator.peripherals.rcc import Rcc
from emulator.peripherals.rcc_f4 import HSI_HZ, LSI_HZ, RccF4
from emulator.peripherals.rng import Rng
from emulator.peripherals.rtc_f4 import RtcF4
from emulator.peripherals.spi_v1 import SpiV1
from emulator.peripherals.syscfg import Syscfg
from emulator.peripherals.usart_v1 import UsartV1

KIB = 1024
FLASH_BASE = 0x0800_0000
SYSTEM_MEMORY = 0x1FFF_0000  # the vendor's boot loader, which is not there
OTP = 0x1FFF_7800
UNIQUE_ID, FLASH_SIZE, ADC_CALIBRATION = 0x1FFF_7A10, 0x1FFF_7A22, 0x1FFF_7A2A
OPTION_BYTES = 0x1FFF_C000
WWDG_IRQ, FLASH_IRQ, RNG_IRQ = 0, 4, 80
DMA1_IRQS = (*range(11, 18), 47)
DMA2_IRQS = (*range(56, 61), 68, 69, 70)
CAN_TX_IRQS, CAN_BANKS = {1: 19, 2: 63}, 28
EXTI_LINES, RTC_ALARM_LINE, RTC_WAKEUP_LINE = 23, 17, 22
EXTI_IRQS = {  # by the lines that share one
    **{1 << line: 6 + line for line in range(5)},
    0x0000_03E0: 23,  # EXTI9_5
    0x0000_FC00: 40,  # EXTI15_10
    1 << 16: 1,  # PVD
    1 << 17: 41,  # RTC_Alarm
    1 << 18: 42,  # OTG_FS_WKUP
    1 << 20: 76,  # OTG_HS_WKUP
    1 << 21: 2,  # TAMP_STAMP
    1 << 22: 3,  # RTC_WKUP
}
ADC_IRQ, ADCS = 18, ("ADC1", "ADC2", "ADC3")
ADC_PINS = (*(f"PA{n}" for n in range(8)), "PB0", "PB1", *(f"PC{n}" for n in range(6)))
ADC3_PINS = (
    *("PA0", "PA1", "PA2", "PA3", "PF6", "PF7", "PF8", "PF9", "PF10", "PF3"),
    *("PC0", "PC1", "PC2", "PC3", "PF4", "PF5"),
)


def _rcc(machine: Machine) -> RccF4:
    return RccF4(machine.hse_hz, machine.clock.set_hz, is_backup_writable(machine))


def _rtc(machine: Machine) -> RtcF4:
    rcc, exti = rcc_of(machine), cast(Exti, machine.unit("EXTI"))
    rtc = RtcF4(
        machine.clock,
        rcc.rtc_hz,
        is_backup_writable(machine),
        lambda: exti.rise(RTC_ALARM_LINE),
        lambda: exti.rise(RTC_WAKEUP_LINE),
    )
    return backed_up(machine, rtc)


def _flash(machine: Machine) -> FlashF4:
    otp = machine.memory_map.memory_at(OTP)
    flash = FlashF4(flash_wires(machine, FLASH_BASE, FLASH_IRQ), otp)
    machine.bus.attach_programmer(otp, flash.program_otp)
    machine.bus.attach_programmer(machine.memory_map.memory_at(FLASH_BASE), flash.program)
    return flash


def _dma(irqs: tuple[int, ...]) -> Callable[[Machine], DmaF4]:
    return lambda machine: DmaF4(machine.bus, [machine.irq(irq) for irq in irqs])


def _exti(machine: Machine) -> Exti:
    set_irqs = {lines: machine.irq(irq) for lines, irq in EXTI_IRQS.items()}
    port_of = cast(Syscfg, machine.unit("SYSCFG")).exti_port
    return Exti(set_irqs, machine.send_event, port_of, EXTI_LINES, machine.pads.rewiring)


def _gpio(name: str) -> Unit:
    address = 0x4002_0000 + 0x400 * PORTS.index(name)

    def make(machine: Machine) -> GpioF4:
        return GpioF4(name, port_wires(machine, name))

    return Unit(f"GPIO{name}", address, make, clocked_by(f"GPIO{name}"), lane=Lane.MERGE)


def _iwdg(machine: Machine) -> Iwdg:
    return Iwdg(machine.clock, lambda: machine.request_reset(ResetCause.WATCHDOG), LSI_HZ)


def _rng(machine: Machine) -> Rng:
    rcc = cast(RccF4, machine.unit("RCC"))
    rng = Rng(machine.clock, rcc.pll48_hz, machine.irq(RNG_IRQ))
    rcc.on_bus_clock.append(rng.follow)
    return rng


def _can(number: int) -> Callable[[Machine], BxCan]:
    """Wire one; CAN1 has the filters of both."""

    def make(machine: Machine) -> BxCan:
        irqs, pclk_hz = can_irqs(machine, CAN_TX_IRQS[number]), rcc_of(machine).pclk1_hz
        is_second = number == 2
        filters = (
            cast(BxCan, machine.unit("CAN1")).filters
            if is_second
            else CanFilters(CAN_BANKS, has_second=True)
        )
        return BxCan(machine.clock, pclk_hz, irqs, filters, is_second=is_second)

    return make


Streams = tuple[tuple[int, int], ...]  # each with its channel


def _request(machine: Machine, controller: str, streams: Streams) -> Callable[[bool], None]:
    """Return what drives the requests of some streams."""
    dma = cast(DmaF4, machine.unit(controller))
    requests = [dma.request(stream, channel) for stream, channel in streams]

    def request(level: bool) -> None:
        for each in requests:
            each(level)

    return request


def _serial(
    make_unit: SerialUnit,
    name: str,
    address: int,
    irq: int,
    pclk_hz: Callable[[Rcc], int],
    controller: str,
    tx: Streams,
    rx: Streams,
) -> Unit:
    def make(machine: Machine) -> Peripheral:
        requests = _request(machine, controller, tx), _request(machine, controller, rx)
        pclk = functools.partial(pclk_hz, rcc_of(machine))
        return make_unit(machine.clock, pclk, machine.irq(irq), requests)

    return Unit(name, address, make, clocked_by(name))


_usart = functools.partial(_serial, functools.partial(UsartV1, has_over8=True))
_spi = functools.partial(_serial, functools.partial(SpiV1, has_i2spr=True))


def _adc(number: int, streams: Streams, pins: tuple[str, ...]) -> Unit:
    name = f"ADC{number}"

    def make(machine: Machine) -> AdcF4:
        def adc_hz() -> int:
            common = cast(AdcCommon, machine.unit("ADC"))
            return rcc_of(machine).pclk2_hz() // common.divisor

        irq = shared_irq(machine, ADC_IRQ, *ADCS)
        wires = irq, _request(machine, "DMA2", streams), pins
        rewire = rewired(machine, ADC_TRIGGERS)
        return AdcF4(machine.clock, adc_hz, *wires, is_first=number == 1, rewired=rewire)

    address = 0x4001_2000 + 0x100 * (number - 1)
    return Unit(name, address, make, _adc_gate(name), size=0x100)


def _adc_gate(name: str) -> Callable[[Machine, Peripheral], Gate]:
    """Clock a converter by its own bit; ADCRST resets all of them."""

    def gate(machine: Machine, peripheral: Peripheral) -> Gate:
        rcc = rcc_of(machine)
        rcc.reset_by("ADCRST", peripheral)
        return rcc.gate(name, peripheral)

    return gate


def _adc_common(machine: Machine) -> AdcCommon:
    return AdcCommon([cast(AdcF4, machine.unit(name)).sr for name in ADCS])


def _dac(machine: Machine) -> Dac:
    return Dac(("PA4", "PA5"), rewired=rewired(machine, DAC_TRIGGERS))


UNITS = (
    Unit("RCC", 0x4002_3800, _rcc, lane=Lane.MERGE),
    Unit("DMA1", 0x4002_6000, _dma(DMA1_IRQS), clocked_by("DMA1"), lane=Lane.MERGE),
    Unit("DMA2", 0x4002_6400, _dma(DMA2_IRQS), clocked_by("DMA2"), lane=Lane.MERGE),
    Unit("FLASH", 0x4002_3C00, _flash, lane=Lane.MERGE),
    Unit("CRC", 0x4002_3000, lambda _: Crc(), clocked_by("CRC"), lane=Lane.MERGE),
    Unit(
        "SYSCFG", 0x4001_3800, lambda machine: Syscfg(machine.pads.rewiring), clocked_by("SYSCFG")
    ),
    Unit("EXTI", 0x4001_3C00, _exti),
    *(_gpio(name) for name in PORTS),
    _usart("USART1", 0x4001_1000, 37, Rcc.pclk2_hz, "DMA2", tx=((7, 4),), rx=((2, 4), (5, 4))),
    _usart("USART2", 0x4000_4400, 38, Rcc.pclk1_hz, "DMA1", tx=((6, 4),), rx=((5, 4),)),
    _usart("USART3", 0x4000_4800, 39, Rcc.pclk1_hz, "DMA1", tx=((3, 4), (4, 7)), rx=((1, 4),)),
    _usart("UART4", 0x4000_4C00, 52, Rcc.pclk1_hz, "DMA1", tx=((4, 4),), rx=((2, 4),)),
    _usart("UART5", 0x4000_5000, 53, Rcc.pclk1_hz, "DMA1", tx=((7, 4),), rx=((0, 4),)),
    _usart(
        "USART6", 0x4001_1400, 71, Rcc.pclk2_hz, "DMA2", tx=((6, 5), (7, 5)), rx=((1, 5), (2, 5))
    ),
    *TIMERS,
    _spi("SPI1", 0x4001_3000, 35, Rcc.pclk2_hz, "DMA2", tx=((3, 3), (5, 3)), rx=((0, 3), (2, 3))),
    _spi("SPI2", 0x4000_3800, 36, Rcc.pclk1_hz, "DMA1", tx=((4, 0),), rx=((3, 0),)),
    _spi("SPI3", 0x4000_3C00, 51, Rcc.pclk1_hz, "DMA1", tx=((5, 0), (7, 0)), rx=((0, 0), (2, 0))),
    i2c("I2C1", 0x4000_5400, 31),
    i2c("I2C2", 0x4000_5800, 33),
    i2c("I2C3", 0x4000_5C00, 72),
    _adc(1, ((0, 0), (4, 0)), ADC_PINS),
    _adc(2, ((2, 1), (3, 1)), ADC_PINS),
    _adc(3, ((0, 2), (1, 2)), ADC3_PINS),
    Unit("ADC", 0x4001_2300, _adc_common, _adc_gate("ADC1"), size=0x100),
    Unit("IWDG", 0x4000_3000, _iwdg),
    Unit("WWDG", 0x4000_2C00, window_watchdog(WWDG_IRQ), clocked_by("WWDG")),
    Unit("CAN1", 0x4000_6400, _can(1), clocked_by("CAN1")),
    Unit("CAN2", 0x4000_6800, _can(2), clocked_by("CAN2")),
    Unit("DAC", 0x4000_7400, _dac, clocked_by("DAC")),
    Unit("RNG", 0x5006_0800, _rng, clocked_by("RNG"), lane=Lane.MERGE),
    Unit("PWR", 0x4000_7000, lambda _: pwr_f4(), clocked_by("PWR")),
    Unit("RTC", 0x4000_2800, _rtc),
    *(absent(*unit) for unit in ABSENT),
    Unit(
        "DBGMCU",
        0xE004_2000,
        lambda _: Dbgmcu(0x1007_6413, freezes=2),
        lane=Lane.MERGE,
    ),
)

STM32F405 = Part(
    name="stm32f405",
    description="STM32F405: Cortex-M4 with FPU, 1 MiB flash, 128 KiB SRAM, 64 KiB CCM",
    core=Core(
        model="cortex-m4",
        cpuid=0x410F_C241,  # r0p1
        irqs=82,
        priority_bits=4,
        systick_calib=18750,
        fpb=FPB_V1,
        mpu_regions=8,
        has_fpu=True,
    ),
    memories=(
        Region("flash", FLASH_BASE, 1024 * KIB, Kind.FLASH, aliases=(0x0000_0000,)),
        Region("CCM", 0x1000_0000, 64 * KIB, Kind.RAM, is_data_only=True),
        Region("system memory", SYSTEM_MEMORY, 30 * KIB, Kind.ROM),
        Region("OTP", OTP, 1 * KIB, Kind.FLASH),  # and the factory words behind it
        Region("option bytes", OPTION_BYTES, 1 * KIB, Kind.ROM),
        Region("SRAM", 0x2000_0000, 128 * KIB, Kind.RAM),
    ),
    units=UNITS,
    factory=(
        (UNIQUE_ID, bytes.fromhex("4650 4261 7900 0000 0000 0001")),  # of each emulated board
        (FLASH_SIZE, (1024).to_bytes(2, "little")),
        (ADC_CALIBRATION, calibration(*CALIBRATION)),
        (OPTION_BYTES, bytes.fromhex("EFAA FFFF FFFF FFFF FF0F FFFF FFFF FFFF")),  # as shipped
    ),
    loader="stm32f405",
    console="USART1",
    reset_hz=HSI_HZ,
    hse_hz=8_000_000,
    pads=PADS,
    function_of=alternate_function,
)
