"""STM32F405RG, and what of it a larger package adds: a Cortex-M4 with floating point.

Sources: ST's device header stm32f405xx.h for names, addresses and interrupt numbers; ST's
STM32F41x.svd for the registers of what is not modelled; RM0090 for the rest, where CCM data RAM is
on the core's data bus alone. Not modelled: the units made by `_absent`. Where nothing is, an access
is a BusFault.
"""

from collections.abc import Callable
from typing import cast

from emulator.bus import Lane
from emulator.memory_map import Kind, Region
from emulator.part import Core, Machine, Part, Unit, flash_wires
from emulator.peripherals.absent import Absent
from emulator.peripherals.base import Gate, Peripheral, ResetCause
from emulator.peripherals.crc import Crc
from emulator.peripherals.dma_f4 import DmaF4
from emulator.peripherals.exti import Exti
from emulator.peripherals.flash_f4 import FlashF4
from emulator.peripherals.fpb import FPB_V1
from emulator.peripherals.gpio_f4 import GpioF4
from emulator.peripherals.iwdg import Iwdg
from emulator.peripherals.pwr import Pwr, pwr_f4
from emulator.peripherals.rcc import Rcc
from emulator.peripherals.rcc_f4 import HSI_HZ, LSI_HZ, RccF4
from emulator.peripherals.rtc_f4 import RtcF4
from emulator.peripherals.syscfg import Syscfg
from emulator.peripherals.tim import (
    ADVANCED,
    BASIC,
    GENERAL,
    ONE_CHANNEL,
    TWO_CHANNELS,
    Tim,
    TimKind,
)
from emulator.peripherals.usart import Usart

KIB = 1024
FLASH_BASE = 0x0800_0000
SYSTEM_MEMORY = 0x1FFF_0000  # the vendor's boot loader, which is not there, and what follows it
UNIQUE_ID, FLASH_SIZE = 0x1FFF_7A10, 0x1FFF_7A22
OPTION_BYTES = 0x1FFF_C000
FLASH_IRQ = 4
DMA1_IRQS = (*range(11, 18), 47)
DMA2_IRQS = (*range(56, 61), 68, 69, 70)
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
PORTS = "ABCDEFGHI"
GENERAL_32 = TimKind(width=32, has_or=True)  # TIM2 and TIM5


def _clocked_by(name: str) -> Callable[[Machine, Peripheral], Gate]:
    """Name the bits of RCC that clock and reset a unit: `name`EN and `name`RST."""
    return lambda machine, peripheral: _rcc_of(machine).gate(name, peripheral)


def _rcc_of(machine: Machine) -> Rcc:
    return cast(Rcc, machine.unit("RCC"))


def _is_backup_writable(machine: Machine) -> Callable[[], bool]:
    return lambda: cast(Pwr, machine.unit("PWR")).is_backup_writable()


def _rcc(machine: Machine) -> RccF4:
    return RccF4(machine.hse_hz, machine.clock.set_hz, _is_backup_writable(machine))


def _rtc(machine: Machine) -> RtcF4:
    rcc, exti = _rcc_of(machine), cast(Exti, machine.unit("EXTI"))
    rtc = RtcF4(
        machine.clock,
        rcc.rtc_hz,
        _is_backup_writable(machine),
        lambda: exti.rise(RTC_ALARM_LINE),
        lambda: exti.rise(RTC_WAKEUP_LINE),
    )
    rcc.backup_domain.append(rtc)
    rcc.on_rtc_clock = rtc.clock_changed
    return rtc


def _flash(machine: Machine) -> FlashF4:
    flash = FlashF4(flash_wires(machine, FLASH_BASE, FLASH_IRQ))
    machine.bus.attach_programmer(flash.program)
    return flash


def _dma(irqs: tuple[int, ...]) -> Callable[[Machine], DmaF4]:
    return lambda machine: DmaF4(machine.bus, [machine.irq(irq) for irq in irqs])


def _exti(machine: Machine) -> Exti:
    set_irqs = {lines: machine.irq(irq) for lines, irq in EXTI_IRQS.items()}
    return Exti(set_irqs, cast(Syscfg, machine.unit("SYSCFG")).exti_port, EXTI_LINES)


def _gpio(name: str) -> Unit:
    port = PORTS.index(name)

    def make(machine: Machine) -> GpioF4:
        exti = cast(Exti, machine.unit("EXTI"))
        return GpioF4(name, lambda pin, level: exti.pin_changed(port, pin, level))

    address = 0x4002_0000 + 0x400 * port
    return Unit(f"GPIO{name}", address, make, _clocked_by(f"GPIO{name}"), lane=Lane.MERGE)


def _shared_irq(machine: Machine, number: int, names: tuple[str, ...]) -> Callable[[bool], None]:
    """Return what drives an interrupt that several timers raise."""
    set_irq = machine.irq(number)
    return lambda _: set_irq(any(cast(Tim, machine.unit(name)).is_interrupting for name in names))


def _tim(
    number: int, address: int, kind: TimKind, irq: int, *shared_with: str, is_apb2: bool = False
) -> Unit:
    name = f"TIM{number}"

    def make(machine: Machine) -> Tim:
        rcc = _rcc_of(machine)
        set_irq = _shared_irq(machine, irq, (name, *shared_with))
        return Tim(machine.clock, rcc.tim2_hz if is_apb2 else rcc.tim1_hz, set_irq, kind)

    return Unit(name, address, make, _clocked_by(name))


def _iwdg(machine: Machine) -> Iwdg:
    return Iwdg(machine.clock, lambda: machine.request_reset(ResetCause.WATCHDOG), LSI_HZ)


def _usart(
    irq: int,
    pclk_hz: Callable[[Rcc], int],
    controller: str,
    tx: tuple[tuple[int, int], ...],
    rx: tuple[tuple[int, int], ...],
) -> Callable[[Machine], Usart]:
    """Wire one; `tx` and `rx` are the streams, with their channels, that it can request."""

    def make(machine: Machine) -> Usart:
        rcc, dma = _rcc_of(machine), cast(DmaF4, machine.unit(controller))

        def to(streams: tuple[tuple[int, int], ...]) -> Callable[[bool], None]:
            requests = [dma.request(stream, channel) for stream, channel in streams]

            def request(level: bool) -> None:
                for each in requests:
                    each(level)

            return request

        return Usart(
            machine.clock, lambda: pclk_hz(rcc), machine.irq(irq), (to(tx), to(rx)), has_over8=True
        )

    return make


def _absent(name: str, address: int, registers: str, clock: str = "", size: int = 0x400) -> Unit:
    """Declare a unit that the model lacks, by the names of its registers."""
    gate = _clocked_by(clock) if clock else None
    return Unit(name, address, lambda _: Absent(name, registers), gate, size)


SPI = "CR1 CR2 SR=2 DR CRCPR=7 RXCRCR TXCRCR I2SCFGR I2SPR=2"
I2C = "CR1 CR2 OAR1 OAR2 DR SR1 SR2 CCR TRISE=2"
ADC = (
    "SR CR1 CR2 SMPR1 SMPR2 JOFR1 JOFR2 JOFR3 JOFR4 HTR=FFF LTR SQR1 SQR2 SQR3 JSQR"
    " JDR1 JDR2 JDR3 JDR4 DR"
)
DAC = "CR SWTRIGR DHR12R1 DHR12L1 DHR8R1 DHR12R2 DHR12L2 DHR8R2 DHR12RD DHR12LD DHR8RD DOR1 DOR2 SR"
SDIO = (
    "POWER CLKCR ARG CMD RESPCMD RESP1 RESP2 RESP3 RESP4 DTIMER DLEN DCTRL DCOUNT STA ICR MASK"
    " @48 FIFOCNT @80 FIFO"
)
CAN = (
    "MCR=10002 MSR=C02 TSR=1C000000 RF0R RF1R IER ESR BTR=1230000 @180 TI0R TDT0R TDL0R TDH0R"
    " TI1R TDT1R TDL1R TDH1R TI2R TDT2R TDL2R TDH2R RI0R RDT0R RDL0R RDH0R RI1R RDT1R RDL1R RDH1R"
    " @200 FMR=2A1C0E01 FM1R @20C FS1R @214 FFA1R @21C FA1R @240 "
) + " ".join(f"F{n}R1 F{n}R2" for n in range(28))
FSMC = (
    "BCR1=30DB BTR1=FFFFFFF BCR2=30D2 BTR2=FFFFFFF BCR3=30D2 BTR3=FFFFFFF BCR4=30D2 BTR4=FFFFFFF"
    " @60 PCR2=18 SR2=40 PMEM2=FCFCFCFC PATT2=FCFCFCFC @74 ECCR2"
    " @80 PCR3=18 SR3=40 PMEM3=FCFCFCFC PATT3=FCFCFCFC @94 ECCR3"
    " @A0 PCR4=18 SR4=40 PMEM4=FCFCFCFC PATT4=FCFCFCFC PIO4=FCFCFCFC"
    " @104 BWTR1=FFFFFFF @10C BWTR2=FFFFFFF @114 BWTR3=FFFFFFF @11C BWTR4=FFFFFFF"
)
OTG = (
    "GOTGCTL=800 GOTGINT GAHBCFG GUSBCFG=A00 GRSTCTL=20000000 GINTSTS=4000020 GINTMSK GRXSTSR"
    " @24 GRXFSIZ=200 GNPTXFSIZ=200 GNPTXSTS=80200 @38 GCCFG CID=1000 @100 HPTXFSIZ=2000600"
)

UNITS = (
    Unit("RCC", 0x4002_3800, _rcc, lane=Lane.MERGE),
    Unit("DMA1", 0x4002_6000, _dma(DMA1_IRQS), _clocked_by("DMA1"), lane=Lane.MERGE),
    Unit("DMA2", 0x4002_6400, _dma(DMA2_IRQS), _clocked_by("DMA2"), lane=Lane.MERGE),
    Unit("FLASH", 0x4002_3C00, _flash, lane=Lane.MERGE),
    Unit("CRC", 0x4002_3000, lambda _: Crc(), _clocked_by("CRC"), lane=Lane.MERGE),
    Unit("SYSCFG", 0x4001_3800, lambda _: Syscfg(), _clocked_by("SYSCFG")),
    Unit("EXTI", 0x4001_3C00, _exti),
    *(_gpio(name) for name in PORTS),
    Unit(
        "USART1",
        0x4001_1000,
        _usart(37, Rcc.pclk2_hz, "DMA2", tx=((7, 4),), rx=((2, 4), (5, 4))),
        _clocked_by("USART1"),
    ),
    Unit(
        "USART2",
        0x4000_4400,
        _usart(38, Rcc.pclk1_hz, "DMA1", tx=((6, 4),), rx=((5, 4),)),
        _clocked_by("USART2"),
    ),
    Unit(
        "USART3",
        0x4000_4800,
        _usart(39, Rcc.pclk1_hz, "DMA1", tx=((3, 4), (4, 7)), rx=((1, 4),)),
        _clocked_by("USART3"),
    ),
    Unit(
        "UART4",
        0x4000_4C00,
        _usart(52, Rcc.pclk1_hz, "DMA1", tx=((4, 4),), rx=((2, 4),)),
        _clocked_by("UART4"),
    ),
    Unit(
        "UART5",
        0x4000_5000,
        _usart(53, Rcc.pclk1_hz, "DMA1", tx=((7, 4),), rx=((0, 4),)),
        _clocked_by("UART5"),
    ),
    Unit(
        "USART6",
        0x4001_1400,
        _usart(71, Rcc.pclk2_hz, "DMA2", tx=((6, 5), (7, 5)), rx=((1, 5), (2, 5))),
        _clocked_by("USART6"),
    ),
    _tim(1, 0x4001_0000, ADVANCED, 25, "TIM10", is_apb2=True),
    _tim(2, 0x4000_0000, GENERAL_32, 28),
    _tim(3, 0x4000_0400, GENERAL, 29),
    _tim(4, 0x4000_0800, GENERAL, 30),
    _tim(5, 0x4000_0C00, GENERAL_32, 50),
    _tim(6, 0x4000_1000, BASIC, 54),
    _tim(7, 0x4000_1400, BASIC, 55),
    _tim(8, 0x4001_0400, ADVANCED, 44, "TIM13", is_apb2=True),
    _tim(9, 0x4001_4000, TWO_CHANNELS, 24, is_apb2=True),
    _tim(10, 0x4001_4400, ONE_CHANNEL, 25, "TIM1", is_apb2=True),
    _tim(11, 0x4001_4800, ONE_CHANNEL._replace(has_or=True), 26, is_apb2=True),
    _tim(12, 0x4000_1800, TWO_CHANNELS, 43),
    _tim(13, 0x4000_1C00, ONE_CHANNEL, 44, "TIM8"),
    _tim(14, 0x4000_2000, ONE_CHANNEL, 45),
    Unit("IWDG", 0x4000_3000, _iwdg),
    Unit("PWR", 0x4000_7000, lambda _: pwr_f4(), _clocked_by("PWR")),
    Unit("RTC", 0x4000_2800, _rtc),
    _absent("WWDG", 0x4000_2C00, "CR=7F CFR=7F SR", "WWDG"),
    _absent("I2S2ext", 0x4000_3400, SPI, "SPI2"),
    _absent("SPI2", 0x4000_3800, SPI, "SPI2"),
    _absent("SPI3", 0x4000_3C00, SPI, "SPI3"),
    _absent("I2S3ext", 0x4000_4000, SPI, "SPI3"),
    _absent("I2C1", 0x4000_5400, I2C, "I2C1"),
    _absent("I2C2", 0x4000_5800, I2C, "I2C2"),
    _absent("I2C3", 0x4000_5C00, I2C, "I2C3"),
    _absent("CAN1", 0x4000_6400, CAN, "CAN1"),
    _absent("CAN2", 0x4000_6800, CAN, "CAN2"),
    _absent("DAC", 0x4000_7400, DAC, "DAC"),
    _absent("ADC1", 0x4001_2000, ADC, "ADC1", size=0x100),
    _absent("ADC2", 0x4001_2100, ADC, "ADC2", size=0x100),
    _absent("ADC3", 0x4001_2200, ADC, "ADC3", size=0x100),
    _absent("ADC", 0x4001_2300, "CSR CCR CDR", "ADC1", size=0x100),
    _absent("SDIO", 0x4001_2C00, SDIO, "SDIO"),
    _absent("SPI1", 0x4001_3000, SPI, "SPI1"),
    _absent("BKPSRAM", 0x4002_4000, "", "BKPSRAM", size=4 * KIB),
    _absent("OTG_HS", 0x4004_0000, OTG, "OTGHS", size=4 * KIB),
    _absent("OTG_FS", 0x5000_0000, OTG, "OTGFS", size=4 * KIB),
    _absent("RNG", 0x5006_0800, "CR SR DR", "RNG"),
    _absent("FSMC", 0xA000_0000, FSMC, "FSMC", size=4 * KIB),
    _absent("DBGMCU", 0xE004_2000, "IDCODE=10076413 CR APB1FZ APB2FZ"),
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
        Region("system memory", SYSTEM_MEMORY, 31 * KIB, Kind.ROM),  # with OTP and factory words
        Region("option bytes", OPTION_BYTES, 1 * KIB, Kind.ROM),
        Region("SRAM", 0x2000_0000, 128 * KIB, Kind.RAM),
    ),
    units=UNITS,
    factory=(
        (UNIQUE_ID, bytes.fromhex("4650 4261 7900 0000 0000 0001")),  # of each emulated board
        (FLASH_SIZE, (1024).to_bytes(2, "little")),
        (OPTION_BYTES, bytes.fromhex("EFAA FFFF FFFF FFFF FF0F FFFF FFFF FFFF")),  # as shipped
    ),
    loader="stm32f405",
    console="USART1",
    reset_hz=HSI_HZ,
    hse_hz=8_000_000,
)
