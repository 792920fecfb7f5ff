"""Reset and Clock Control (RCC), STM32F10x: its registers, and what its PLL makes.

Sources: RM0008's register and bit names as ST's device header stm32f103xb.h has them.
Not modelled: MCO, the clock security system, CIR.
"""

from collections.abc import Callable

from emulator.peripherals.rcc import Prescalers, Rcc, RccBdcr, RccCfgr, RccCrTrim, RccCsrPor
from emulator.registers import Field, Register, Unmodelled

HSI_HZ, LSI_HZ = 8_000_000, 40_000
POWER_ON_FLAGS = RccCsrPor.PORRSTF.mask | RccCsrPor.PINRSTF.mask


class RccCfgrF1(RccCfgr):
    """RCC_CFGR, Clock configuration register."""

    MCO = Unmodelled(26, 24)
    USBPRE = Field(22, 22)
    PLLMUL = Field(21, 18)  # 0b0000: times 2, and so on; 0b1110 and 0b1111: times 16
    PLLXTPRE = Field(17, 17)  # 1: HSE / 2 enters the PLL
    PLLSRC = Field(16, 16)  # 0: HSI / 2, 1: HSE
    ADCPRE = Field(15, 14)
    PPRE2 = Field(13, 11)
    PPRE1 = Field(10, 8)


class RccCir(Register):
    """RCC_CIR, Clock interrupt register."""

    ENABLES = Unmodelled(12, 8)


class RccApb2rstr(Register):
    """RCC_APB2RSTR, APB2 peripheral reset register."""

    USART1RST = Field(14, 14)
    SPI1RST = Field(12, 12)
    TIM1RST = Field(11, 11)
    ADC2RST = Field(10, 10)
    ADC1RST = Field(9, 9)
    IOPERST = Field(6, 6)
    IOPDRST = Field(5, 5)
    IOPCRST = Field(4, 4)
    IOPBRST = Field(3, 3)
    IOPARST = Field(2, 2)
    AFIORST = Field(0, 0)


class RccApb1rstr(Register):
    """RCC_APB1RSTR, APB1 peripheral reset register."""

    PWRRST = Field(28, 28)
    BKPRST = Field(27, 27)
    CAN1RST = Field(25, 25)
    USBRST = Field(23, 23)
    I2C2RST = Field(22, 22)
    I2C1RST = Field(21, 21)
    USART3RST = Field(18, 18)
    USART2RST = Field(17, 17)
    SPI2RST = Field(14, 14)
    WWDGRST = Field(11, 11)
    TIM4RST = Field(2, 2)
    TIM3RST = Field(1, 1)
    TIM2RST = Field(0, 0)


class RccAhbenr(Register):
    """RCC_AHBENR, AHB peripheral clock enable register."""

    CRCEN = Field(6, 6)
    FLITFEN = Field(4, 4)
    SRAMEN = Field(2, 2)
    DMA1EN = Field(0, 0)


class RccApb2enr(Register):
    """RCC_APB2ENR, APB2 peripheral clock enable register."""

    USART1EN = Field(14, 14)
    SPI1EN = Field(12, 12)
    TIM1EN = Field(11, 11)
    ADC2EN = Field(10, 10)
    ADC1EN = Field(9, 9)
    IOPEEN = Field(6, 6)
    IOPDEN = Field(5, 5)
    IOPCEN = Field(4, 4)
    IOPBEN = Field(3, 3)
    IOPAEN = Field(2, 2)
    AFIOEN = Field(0, 0)


class RccApb1enr(Register):
    """RCC_APB1ENR, APB1 peripheral clock enable register."""

    PWREN = Field(28, 28)
    BKPEN = Field(27, 27)
    CAN1EN = Field(25, 25)
    USBEN = Field(23, 23)
    I2C2EN = Field(22, 22)
    I2C1EN = Field(21, 21)
    USART3EN = Field(18, 18)
    USART2EN = Field(17, 17)
    SPI2EN = Field(14, 14)
    WWDGEN = Field(11, 11)
    TIM4EN = Field(2, 2)
    TIM3EN = Field(1, 1)
    TIM2EN = Field(0, 0)


class RccF1(Rcc):
    """The clock tree."""

    def __init__(
        self,
        hse_hz: int | None,
        on_clock_change: Callable[[int], None],
        is_backup_writable: Callable[[], bool],
    ) -> None:
        cr, csr = RccCrTrim(reset=0x0000_0083), RccCsrPor(reset=POWER_ON_FLAGS)
        self._cfgr = RccCfgrF1()
        registers: dict[int, Register] = {
            0x00: cr,
            0x04: self._cfgr,
            0x08: RccCir(),
            0x0C: RccApb2rstr(),
            0x10: RccApb1rstr(),
            0x14: RccAhbenr(reset=0x0000_0014),
            0x18: RccApb2enr(),
            0x1C: RccApb1enr(),
            0x20: RccBdcr(),
            0x24: csr,
        }
        super().__init__(
            registers,
            cr,
            self._cfgr,
            csr,
            HSI_HZ,
            LSI_HZ,
            hse_hz,
            on_clock_change,
            is_backup_writable,
        )

    @property
    def prescalers(self) -> Prescalers:
        return Prescalers(self._cfgr.HPRE, self._cfgr.PPRE1, self._cfgr.PPRE2)

    @property
    def pll_hz(self) -> int | None:
        if not self._cfgr.PLLSRC:
            source = HSI_HZ // 2
        elif self.cr.HSERDY and self.hse_hz is not None:
            source = self.hse_hz >> self._cfgr.PLLXTPRE
        else:
            return None
        return source * min(self._cfgr.PLLMUL + 2, 16)

    @property
    def hse_to_rtc(self) -> int:
        return 128

    def adc_hz(self) -> int:
        """Return what clocks the converters."""
        return self.clocks.pclk2 // (2 * (self._cfgr.ADCPRE + 1))
