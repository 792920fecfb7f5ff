"""STM32L552xE: a Cortex-M33 whose TrustZone is off, as shipped.

Sources: ST's device header stm32l552xx.h for names, addresses, interrupt numbers and how many bits
a priority has; ST's stm32l5xx_ll_dmamux.h for the numbers of DMA requests. SRAM1 and SRAM2 follow
each other and are one memory here.
UNKNOWN: SysTick's calibration value, DBGMCU's REV_ID, which oscillator a board has (none is
soldered to most; 8 MHz here).
Not modelled: the units made by `_absent`, the Security Extension and the secure addresses of
everything, SRAM's second address on the code bus (0x0A000000). Where nothing is, an access is a
BusFault.
"""

import functools
from collections.abc import Callable
from typing import cast

from emulator.bus import Lane
from emulator.memory_map import Kind, Region
from emulator.pads import PORTS
from emulator.part import Core, Machine, Part, Unit
from emulator.parts.stm32l552_absent import ABSENT
from emulator.parts.stm32l552_analog import CALIBRATION, CONVERTERS
from emulator.parts.stm32l552_timers import PADS, TIMERS
from emulator.parts.wiring import (
    SerialUnit,
    absent,
    alternate_function,
    backed_up,
    clocked_by,
    flash_wires,
    is_backup_writable,
    port_wires,
    window_watchdog,
)
from emulator.peripherals.base import Peripheral, ResetCause
from emulator.peripherals.crc_l5 import CrcL5
from emulator.peripherals.dbgmcu import Dbgmcu
from emulator.peripherals.dma import Dma
from emulator.peripherals.dmamux import Dmamux
from emulator.peripherals.exti_l5 import ExtiL5
from emulator.peripherals.flash_l5 import FlashL5
from emulator.peripherals.fpb import FPB_V2_8
from emulator.peripherals.gpio_f4 import RESET_L5, GpioF4
from emulator.peripherals.i2c_v2 import I2cV2
from emulator.peripherals.icache import Icache
from emulator.peripherals.iwdg import Iwdg
from emulator.peripherals.lptim import Lptim
from emulator.peripherals.pwr import pwr_l5
from emulator.peripherals.rcc import Rcc
from emulator.peripherals.rcc_l5 import CCIPR1, CCIPR2, LSI_HZ, RccL5
from emulator.peripherals.rcc_l5_registers import RccCcipr1, RccCcipr2
from emulator.peripherals.rng_l5 import RngL5
from emulator.peripherals.rtc_l5 import RtcL5
from emulator.peripherals.spi_v2 import SpiV2
from emulator.peripherals.syscfg_l5 import SyscfgL5
from emulator.peripherals.tamp import Tamp
from emulator.peripherals.usart_v2 import UsartV2, lpuart
from emulator.peripherals.wwdg import WwdgCfrL5
from emulator.registers import Field

KIB = 1024
FLASH_BASE, FLASH_KIB = 0x0800_0000, 512
SYSTEM_MEMORY = 0x0BF9_0000  # the vendor's boot loader, which is not there
FACTORY = 0x0BFA_0000  # OTP and what the vendor programmed
PACKAGE, UNIQUE_ID, FLASH_SIZE = 0x0BFA_0500, 0x0BFA_0590, 0x0BFA_05E0
MSI_HZ = 4_000_000  # after reset
WWDG_IRQ, RTC_IRQ, FLASH_IRQ, RNG_IRQ, ICACHE_IRQ = 0, 2, 6, 94, 107
DMA1_IRQS, DMA2_IRQS = range(29, 37), range(80, 88)
CONTROLLERS = ("DMA1", "DMA2")  # as DMAMUX numbers their channels
EXTI_IRQS = {  # by the lines that share one
    **{1 << line: 11 + line for line in range(16)},
    1 << 16 | 0b1111 << 35: 1,  # PVD_PVM
    0b11 << 21: 72,  # COMP
}


def _rcc_of(machine: Machine) -> RccL5:
    return cast(RccL5, machine.unit("RCC"))


def _rcc(machine: Machine) -> RccL5:
    return RccL5(machine.hse_hz, machine.clock.set_hz, is_backup_writable(machine))


def _tamp(machine: Machine) -> Tamp:
    tamp = Tamp(is_backup_writable(machine))
    _rcc_of(machine).backup_domain.append(tamp)
    return tamp


def _rtc(machine: Machine) -> RtcL5:
    rcc = _rcc_of(machine)
    irq = machine.irq(RTC_IRQ)
    rtc = RtcL5(machine.clock, rcc.rtc_hz, is_backup_writable(machine), irq)
    return backed_up(machine, rtc)


def _flash(machine: Machine) -> FlashL5:
    flash = FlashL5(flash_wires(machine, FLASH_BASE, FLASH_IRQ))
    machine.bus.attach_programmer(machine.memory_map.memory_at(FLASH_BASE), flash.program)
    return flash


def _dma(irqs: range) -> Callable[[Machine], Dma]:
    return lambda machine: Dma(
        machine.bus, [machine.irq(irq) for irq in irqs], has_second_memory=True
    )


def _dmamux(machine: Machine) -> Dmamux:
    controllers = [cast(Dma, machine.unit(name)) for name in CONTROLLERS]
    channels = [(dma, n + 1) for dma in controllers for n in range(len(dma.channels))]
    return Dmamux(
        [dma.request(channel) for dma, channel in channels],
        [dma.request(channel, is_pulse=True) for dma, channel in channels],
    )


def _exti(machine: Machine) -> ExtiL5:
    set_irqs = {lines: machine.irq(irq) for lines, irq in EXTI_IRQS.items()}
    return ExtiL5(set_irqs, machine.send_event, machine.pads.rewiring)


def _gpio(name: str) -> Unit:
    def make(machine: Machine) -> GpioF4:
        return GpioF4(name, port_wires(machine, name), RESET_L5)

    address = 0x4202_0000 + 0x400 * PORTS.index(name)
    return Unit(f"GPIO{name}", address, make, clocked_by(f"GPIO{name}"), lane=Lane.MERGE)


def _iwdg(machine: Machine) -> Iwdg:
    bite = functools.partial(machine.request_reset, ResetCause.WATCHDOG)
    return Iwdg(machine.clock, bite, LSI_HZ, has_window=True)


def _usart(
    name: str,
    address: int,
    irq: int,
    selected: Field,
    rx: int,
    pclk_hz: Callable[[Rcc], int] = Rcc.pclk1_hz,
    make_unit: SerialUnit = UsartV2,
) -> Unit:
    """Declare one; the DMA request to send is the one after `rx`."""

    def make(machine: Machine) -> Peripheral:
        rcc, dmamux = _rcc_of(machine), cast(Dmamux, machine.unit("DMAMUX1"))
        pclk = functools.partial(pclk_hz, rcc)
        kernel_hz = functools.partial(rcc.serial_hz, selected, pclk)
        requests = dmamux.request(rx + 1), dmamux.request(rx)
        return make_unit(machine.clock, kernel_hz, machine.irq(irq), requests)

    return Unit(name, address, make, clocked_by(name))


def _i2c(name: str, address: int, event_irq: int, selected: Field, ccipr: int = CCIPR1) -> Unit:
    """Declare one."""

    def make(machine: Machine) -> I2cV2:
        rcc = _rcc_of(machine)
        kernel_hz = functools.partial(rcc.serial_hz, selected, rcc.pclk1_hz, ccipr)
        return I2cV2(machine.clock, kernel_hz, machine.irq(event_irq))

    return Unit(name, address, make, clocked_by(name))


def _spi(
    name: str, address: int, irq: int, rx: int, pclk_hz: Callable[[Rcc], int] = Rcc.pclk1_hz
) -> Unit:
    """Declare one; the DMA request to send is the one after `rx`."""

    def make(machine: Machine) -> SpiV2:
        dmamux = cast(Dmamux, machine.unit("DMAMUX1"))
        requests = dmamux.request(rx + 1), dmamux.request(rx)
        pclk = functools.partial(pclk_hz, _rcc_of(machine))
        return SpiV2(machine.clock, pclk, machine.irq(irq), requests)

    return Unit(name, address, make, clocked_by(name), lane=Lane.MERGE)


def _rng(machine: Machine) -> RngL5:
    rcc = _rcc_of(machine)
    rng = RngL5(machine.clock, rcc.clk48_hz, machine.irq(RNG_IRQ))
    rcc.on_bus_clock.append(rng.follow)
    return rng


def _lptim(name: str, address: int, irq: int, selected: Field) -> Unit:
    def make(machine: Machine) -> Lptim:
        rcc = _rcc_of(machine)
        kernel_hz = functools.partial(rcc.lptim_hz, selected)
        lptim = Lptim(machine.clock, kernel_hz, machine.irq(irq))
        rcc.on_bus_clock.append(lptim.clock_changed)
        return lptim

    return Unit(name, address, make, clocked_by(name))


UNITS = (
    Unit("RCC", 0x4002_1000, _rcc, lane=Lane.MERGE),
    Unit("PWR", 0x4000_7000, lambda _: pwr_l5(), clocked_by("PWR")),
    Unit("DMA1", 0x4002_0000, _dma(DMA1_IRQS), clocked_by("DMA1"), lane=Lane.MERGE),
    Unit("DMA2", 0x4002_0400, _dma(DMA2_IRQS), clocked_by("DMA2"), lane=Lane.MERGE),
    Unit("DMAMUX1", 0x4002_0800, _dmamux, clocked_by("DMAMUX1"), lane=Lane.MERGE),
    Unit("FLASH", 0x4002_2000, _flash, clocked_by("FLASH"), lane=Lane.MERGE),
    Unit("CRC", 0x4002_3000, lambda _: CrcL5(), clocked_by("CRC"), lane=Lane.MERGE),
    Unit("SYSCFG", 0x4001_0000, lambda _: SyscfgL5(), clocked_by("SYSCFG"), size=0x100),
    Unit("EXTI", 0x4002_F400, _exti, lane=Lane.MERGE),
    Unit("ICACHE", 0x4003_0400, lambda m: Icache(m.irq(ICACHE_IRQ)), lane=Lane.MERGE),
    *(_gpio(name) for name in "ABCDEFGH"),
    _usart("USART1", 0x4001_3800, 61, RccCcipr1.USART1SEL, 25, Rcc.pclk2_hz),
    _usart("USART2", 0x4000_4400, 62, RccCcipr1.USART2SEL, 27),
    _usart("USART3", 0x4000_4800, 63, RccCcipr1.USART3SEL, 29),
    _usart("UART4", 0x4000_4C00, 64, RccCcipr1.UART4SEL, 31),
    _usart("UART5", 0x4000_5000, 65, RccCcipr1.UART5SEL, 33),
    _usart("LPUART1", 0x4000_8000, 66, RccCcipr1.LPUART1SEL, 35, make_unit=lpuart),
    _i2c("I2C1", 0x4000_5400, 55, RccCcipr1.I2C1SEL),
    _i2c("I2C2", 0x4000_5800, 57, RccCcipr1.I2C2SEL),
    _i2c("I2C3", 0x4000_5C00, 88, RccCcipr1.I2C3SEL),
    _i2c("I2C4", 0x4000_8400, 101, RccCcipr2.I2C4SEL, CCIPR2),
    _spi("SPI1", 0x4001_3000, 59, 11, Rcc.pclk2_hz),
    _spi("SPI2", 0x4000_3800, 60, 13),
    _spi("SPI3", 0x4000_3C00, 99, 15),
    *CONVERTERS,
    Unit("RNG", 0x420C_0800, _rng, clocked_by("RNG"), lane=Lane.MERGE),
    *TIMERS,
    _lptim("LPTIM1", 0x4000_7C00, 67, RccCcipr1.LPTIM1SEL),
    _lptim("LPTIM2", 0x4000_9400, 68, RccCcipr1.LPTIM2SEL),
    _lptim("LPTIM3", 0x4000_9800, 98, RccCcipr1.LPTIM3SEL),
    Unit("WWDG", 0x4000_2C00, window_watchdog(WWDG_IRQ, WwdgCfrL5), clocked_by("WWDG")),
    Unit("IWDG", 0x4000_3000, _iwdg),
    Unit("RTC", 0x4000_2800, _rtc, clocked_by("RTCAPB")),
    Unit("TAMP", 0x4000_3400, _tamp, clocked_by("RTCAPB")),
    *(absent(*unit) for unit in ABSENT),
    Unit("DBGMCU", 0xE004_4000, lambda _: Dbgmcu(0x2001_0472, freezes=3), lane=Lane.MERGE),
)

STM32L552 = Part(
    name="stm32l552",
    description="STM32L552: Cortex-M33, TrustZone off, 512 KiB flash, 256 KiB SRAM, FPB version 2",
    core=Core(
        model="cortex-m33",
        cpuid=0x410F_D214,  # r0p4
        irqs=108,
        priority_bits=3,
        systick_calib=0x3E8,
        fpb=FPB_V2_8,
        mpu_regions=8,
        has_fpu=True,
        has_bit_band=False,
        vectors=FLASH_BASE,
    ),
    memories=(
        Region("flash", FLASH_BASE, FLASH_KIB * KIB, Kind.FLASH),
        Region("system memory", SYSTEM_MEMORY, 32 * KIB, Kind.ROM),
        Region("factory words", FACTORY, 2 * KIB, Kind.ROM),
        Region("SRAM", 0x2000_0000, 256 * KIB, Kind.RAM),
    ),
    units=UNITS,
    factory=(
        (UNIQUE_ID, bytes.fromhex("4650 4261 7900 0000 0000 0001")),  # of each emulated board
        (FLASH_SIZE, FLASH_KIB.to_bytes(2, "little")),
        *CALIBRATION,
    ),
    loader="stm32l552",
    console="USART1",
    reset_hz=MSI_HZ,
    hse_hz=8_000_000,
    pads=PADS,
    function_of=alternate_function,
)
