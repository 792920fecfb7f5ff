"""Reset and Clock Control (RCC), STM32L552: MSI, and what its PLLs make and for whom.

Sources: ST's device header stm32l552xx.h for registers; their bits as embassy's stm32-data lists
them (rcc_l5.yaml); reset values from ST's STM32L552.svd, CSR's as on the STM32L4, those of
the clocks in Sleep mode: all on. What RCC resets and clocks is in rcc_l5_buses.py.
UNKNOWN: what a write to PLLCFGR's factors does while the PLL is on; it is ignored here.
Not modelled: MCO, the clock security systems, interrupts, PLLSAI2 as anybody's clock,
adjustment by LSE, LSI divided by LSIPRE, security.
"""

from collections.abc import Callable

from emulator.peripherals.absent import absent_registers
from emulator.peripherals.rcc import LSE_HZ, Prescalers, Rcc
from emulator.peripherals.rcc_l5_buses import bus_registers
from emulator.peripherals.rcc_l5_registers import (
    RccBdcrL5,
    RccCcipr1,
    RccCcipr2,
    RccCfgrL5,
    RccCicr,
    RccCier,
    RccCifr,
    RccCrL5,
    RccCrrcr,
    RccCsrL5,
    RccIcscr,
    RccPllcfgrL5,
    RccPllsai1cfgr,
    RccPllsai2cfgr,
)
from emulator.registers import Field, Register

HSI_HZ, LSI_HZ, HSI48_HZ = 16_000_000, 32_000, 48_000_000
KHZ = 1_000
CCIPR1, CCIPR2 = 0x88, 0x9C
MSI_KHZ = (100, 200, 400, 800, 1000, 2000, 4000, 8000, 16000, 24000, 32000, 48000)  # by its range
ABSENT = "@B8 SECCFGR SECSR @E8 AHB1SECSR AHB2SECSR AHB3SECSR @F8 APB1SECSR1 APB1SECSR2 APB2SECSR"


PLL_OUTPUTS = RccPllcfgrL5.PLLREN.mask | RccPllcfgrL5.PLLQEN.mask | RccPllcfgrL5.PLLPEN.mask


class RccL5(Rcc):
    """The clock tree."""

    def __init__(
        self,
        hse_hz: int | None,
        on_clock_change: Callable[[int], None],
        is_backup_writable: Callable[[], bool],
    ) -> None:
        self._cr, self._cfgr = RccCrL5(reset=0x0000_0063), RccCfgrL5()
        self._pllcfgr = RccPllcfgrL5(reset=0x0000_1000)
        self._bdcr, self._csr = RccBdcrL5(), RccCsrL5(reset=0x0C00_0600)
        self._pllsai1cfgr = RccPllsai1cfgr(reset=0x0000_1000)
        self._crrcr, self._ccipr1 = RccCrrcr(), RccCcipr1()
        registers: dict[int, Register] = {
            0x00: self._cr,
            0x04: RccIcscr(reset=0x4000_0000),
            0x08: self._cfgr,
            0x0C: self._pllcfgr,
            0x10: self._pllsai1cfgr,
            0x14: RccPllsai2cfgr(reset=0x0000_1000),
            0x18: RccCier(),
            0x1C: RccCifr(),
            0x20: RccCicr(),
            **bus_registers(),
            CCIPR1: self._ccipr1,
            0x90: self._bdcr,
            0x94: self._csr,
            0x98: self._crrcr,
            CCIPR2: RccCcipr2(),
            **absent_registers("RCC", ABSENT),
        }
        super().__init__(
            registers,
            self._cr,
            self._cfgr,
            self._csr,
            HSI_HZ,
            LSI_HZ,
            hse_hz,
            on_clock_change,
            is_backup_writable,
        )

    def write(self, offset: int, word: int) -> None:
        if offset == 0x0C and self.cr.PLLON:
            word = self._pllcfgr.word & ~PLL_OUTPUTS | word & PLL_OUTPUTS
        super().write(offset, word)

    def make_ready(self) -> None:
        self._cr.MSIRDY = self._cr.MSION
        super().make_ready()
        self._cr.PLLSAI1RDY, self._cr.PLLSAI2RDY = self._cr.PLLSAI1ON, self._cr.PLLSAI2ON
        self._crrcr.HSI48RDY = self._crrcr.HSI48ON
        self._bdcr.LSESYSRDY = self._bdcr.LSESYSEN and self._bdcr.LSERDY

    @property
    def prescalers(self) -> Prescalers:
        return Prescalers(self._cfgr.HPRE, self._cfgr.PPRE1, self._cfgr.PPRE2)

    @property
    def reset_hz(self) -> int:
        msi_range = self._cr.MSIRANGE if self._cr.MSIRGSEL else self._csr.MSISRANGE
        return MSI_KHZ[min(msi_range, len(MSI_KHZ) - 1)] * KHZ

    def source_hz(self, switch: int) -> int | None:
        match switch:
            case 0b00:
                return self.reset_hz if self._cr.MSIRDY else None
            case 0b01:
                return HSI_HZ if self._cr.HSIRDY else None
            case 0b10:
                return self.hse_hz if self._cr.HSERDY else None
            case _:
                return self.pll_hz if self._cr.PLLRDY and self._pllcfgr.PLLREN else None

    def _output_hz(self, cfgr: RccPllcfgrL5, divides: int) -> int | None:
        """Return what an output of a PLL makes, by PLLR or PLLQ; None without a source."""
        source = None if cfgr.PLLSRC == 0 else self.source_hz(cfgr.PLLSRC - 1)
        if source is None or not cfgr.PLLN:
            return None
        return source // (cfgr.PLLM + 1) * cfgr.PLLN // (2 * (divides + 1))

    @property
    def pll_hz(self) -> int | None:
        return self._output_hz(self._pllcfgr, self._pllcfgr.PLLR)

    @property
    def hse_to_rtc(self) -> int:
        return 32

    def serial_hz(self, selected: Field, pclk_hz: Callable[[], int], ccipr: int = CCIPR1) -> int:
        """Return what clocks a USART or an I2C by its field of CCIPR1, or CCIPR2; 0 for nothing."""
        match selected.of(self.registers[ccipr].word):
            case 0b00:
                return pclk_hz()
            case 0b01:
                return self.clocks.sysclk
            case 0b10:
                return HSI_HZ if self._cr.HSIRDY else 0
            case _:
                return LSE_HZ if self._bdcr.LSERDY else 0

    def clk48_hz(self) -> int:
        """Return what clocks the random number generator; 0 for nothing."""
        match self._ccipr1.CLK48SEL:
            case 0b00:
                return HSI48_HZ * self._crrcr.HSI48RDY
            case 0b01 if self._cr.PLLSAI1RDY:
                cfgr: RccPllcfgrL5 = self._pllsai1cfgr
            case 0b10 if self._cr.PLLRDY:
                cfgr = self._pllcfgr
            case 0b11:
                return self.source_hz(0b00) or 0
            case _:
                return 0
        return (self._output_hz(cfgr, cfgr.PLLQ) or 0) * cfgr.PLLQEN

    def adc_hz(self) -> int:
        """Return what clocks the converters when it is not their bus; 0 for nothing."""
        match self._ccipr1.ADCSEL:
            case 0b01 if self._cr.PLLSAI1RDY:
                cfgr = self._pllsai1cfgr
                return (self._output_hz(cfgr, cfgr.PLLR) or 0) * cfgr.PLLREN
            case 0b11:
                return self.clocks.sysclk
            case _:
                return 0

    def lptim_hz(self, selected: Field) -> int:
        """Return what clocks a low-power timer by its field of CCIPR1; 0 for nothing."""
        match selected.of(self._ccipr1.word):
            case 0b00:
                return self.pclk1_hz()
            case 0b01:
                return LSI_HZ * self._csr.LSIRDY
            case 0b10:
                return HSI_HZ * self._cr.HSIRDY
            case _:
                return LSE_HZ * self._bdcr.LSERDY
