"""Reset and Clock Control (RCC), STM32F405: its registers, and what its PLL makes.

Sources: RM0090's register and bit names as ST's device header stm32f405xx.h has them; reset values
from ST's STM32F41x.svd. Not modelled: MCO, the clock security system, CIR, PLLI2S as anybody's
clock, spread spectrum, the clocks in Sleep mode.
"""

from collections.abc import Callable

from emulator.peripherals.rcc import Prescalers, Rcc, RccBdcr, RccCfgr, RccCrTrim, RccCsrPor
from emulator.registers import Access, Field, Register, Unmodelled

HSI_HZ, LSI_HZ = 16_000_000, 32_000


class RccCrF4(RccCrTrim):
    """RCC_CR, Clock control register."""

    PLLI2SRDY = Field(27, 27, Access.RO)
    PLLI2SON = Field(26, 26)


class RccPllcfgr(Register):
    """RCC_PLLCFGR, PLL configuration register."""

    PLLQ = Field(27, 24)  # divides by itself, for RNG, and for what is not modelled
    PLLSRC = Field(22, 22)  # 0: HSI, 1: HSE
    PLLP = Field(17, 16)  # divides by 2, 4, 6, 8
    PLLN = Field(14, 6)  # multiplies
    PLLM = Field(5, 0)  # divides what comes in


class RccCfgrF4(RccCfgr):
    """RCC_CFGR, Clock configuration register."""

    MCO2 = Unmodelled(31, 27)
    MCO1PRE = Unmodelled(26, 24)
    I2SSRC = Unmodelled(23, 23)
    MCO1 = Unmodelled(22, 21)
    RTCPRE = Field(20, 16)
    PPRE2 = Field(15, 13)
    PPRE1 = Field(12, 10)


class RccCir(Register):
    """RCC_CIR, Clock interrupt register."""

    ENABLES = Unmodelled(13, 8)


class RccAhb1rstr(Register):
    """RCC_AHB1RSTR, AHB1 peripheral reset register."""

    OTGHSRST = Field(29, 29)
    DMA2RST = Field(22, 22)
    DMA1RST = Field(21, 21)
    CRCRST = Field(12, 12)
    GPIOIRST = Field(8, 8)
    GPIOHRST = Field(7, 7)
    GPIOGRST = Field(6, 6)
    GPIOFRST = Field(5, 5)
    GPIOERST = Field(4, 4)
    GPIODRST = Field(3, 3)
    GPIOCRST = Field(2, 2)
    GPIOBRST = Field(1, 1)
    GPIOARST = Field(0, 0)


class RccAhb2rstr(Register):
    """RCC_AHB2RSTR, AHB2 peripheral reset register."""

    OTGFSRST = Field(7, 7)
    RNGRST = Field(6, 6)


class RccAhb3rstr(Register):
    """RCC_AHB3RSTR, AHB3 peripheral reset register."""

    FSMCRST = Field(0, 0)


class RccApb1rstr(Register):
    """RCC_APB1RSTR, APB1 peripheral reset register."""

    DACRST = Field(29, 29)
    PWRRST = Field(28, 28)
    CAN2RST = Field(26, 26)
    CAN1RST = Field(25, 25)
    I2C3RST = Field(23, 23)
    I2C2RST = Field(22, 22)
    I2C1RST = Field(21, 21)
    UART5RST = Field(20, 20)
    UART4RST = Field(19, 19)
    USART3RST = Field(18, 18)
    USART2RST = Field(17, 17)
    SPI3RST = Field(15, 15)
    SPI2RST = Field(14, 14)
    WWDGRST = Field(11, 11)
    TIM14RST = Field(8, 8)
    TIM13RST = Field(7, 7)
    TIM12RST = Field(6, 6)
    TIM7RST = Field(5, 5)
    TIM6RST = Field(4, 4)
    TIM5RST = Field(3, 3)
    TIM4RST = Field(2, 2)
    TIM3RST = Field(1, 1)
    TIM2RST = Field(0, 0)


class RccApb2rstr(Register):
    """RCC_APB2RSTR, APB2 peripheral reset register."""

    TIM11RST = Field(18, 18)
    TIM10RST = Field(17, 17)
    TIM9RST = Field(16, 16)
    SYSCFGRST = Field(14, 14)
    SPI1RST = Field(12, 12)
    SDIORST = Field(11, 11)
    ADCRST = Field(8, 8)
    USART6RST = Field(5, 5)
    USART1RST = Field(4, 4)
    TIM8RST = Field(1, 1)
    TIM1RST = Field(0, 0)


class RccAhb1enr(Register):
    """RCC_AHB1ENR, AHB1 peripheral clock enable register."""

    OTGHSULPIEN = Field(30, 30)
    OTGHSEN = Field(29, 29)
    DMA2EN = Field(22, 22)
    DMA1EN = Field(21, 21)
    CCMDATARAMEN = Field(20, 20)
    BKPSRAMEN = Field(18, 18)
    CRCEN = Field(12, 12)
    GPIOIEN = Field(8, 8)
    GPIOHEN = Field(7, 7)
    GPIOGEN = Field(6, 6)
    GPIOFEN = Field(5, 5)
    GPIOEEN = Field(4, 4)
    GPIODEN = Field(3, 3)
    GPIOCEN = Field(2, 2)
    GPIOBEN = Field(1, 1)
    GPIOAEN = Field(0, 0)


class RccAhb2enr(Register):
    """RCC_AHB2ENR, AHB2 peripheral clock enable register."""

    OTGFSEN = Field(7, 7)
    RNGEN = Field(6, 6)


class RccAhb3enr(Register):
    """RCC_AHB3ENR, AHB3 peripheral clock enable register."""

    FSMCEN = Field(0, 0)


class RccApb1enr(Register):
    """RCC_APB1ENR, APB1 peripheral clock enable register."""

    DACEN = Field(29, 29)
    PWREN = Field(28, 28)
    CAN2EN = Field(26, 26)
    CAN1EN = Field(25, 25)
    I2C3EN = Field(23, 23)
    I2C2EN = Field(22, 22)
    I2C1EN = Field(21, 21)
    UART5EN = Field(20, 20)
    UART4EN = Field(19, 19)
    USART3EN = Field(18, 18)
    USART2EN = Field(17, 17)
    SPI3EN = Field(15, 15)
    SPI2EN = Field(14, 14)
    WWDGEN = Field(11, 11)
    TIM14EN = Field(8, 8)
    TIM13EN = Field(7, 7)
    TIM12EN = Field(6, 6)
    TIM7EN = Field(5, 5)
    TIM6EN = Field(4, 4)
    TIM5EN = Field(3, 3)
    TIM4EN = Field(2, 2)
    TIM3EN = Field(1, 1)
    TIM2EN = Field(0, 0)


class RccApb2enr(Register):
    """RCC_APB2ENR, APB2 peripheral clock enable register."""

    TIM11EN = Field(18, 18)
    TIM10EN = Field(17, 17)
    TIM9EN = Field(16, 16)
    SYSCFGEN = Field(14, 14)
    SPI1EN = Field(12, 12)
    SDIOEN = Field(11, 11)
    ADC3EN = Field(10, 10)
    ADC2EN = Field(9, 9)
    ADC1EN = Field(8, 8)
    USART6EN = Field(5, 5)
    USART1EN = Field(4, 4)
    TIM8EN = Field(1, 1)
    TIM1EN = Field(0, 0)


class RccLpenr(Register):
    """RCC_AHB1LPENR to APB2LPENR, peripheral clock enable registers in low power mode."""

    LPEN = Unmodelled(31, 0)


class RccCsrF4(RccCsrPor):
    """RCC_CSR, clock control and status register."""

    BORRSTF = Field(25, 25, Access.RO)


class RccSscgr(Register):
    """RCC_SSCGR, spread spectrum clock generation register."""

    SSCG = Unmodelled(31, 0)


class RccPlli2scfgr(Register):
    """RCC_PLLI2SCFGR, PLLI2S configuration register."""

    PLLI2SR = Unmodelled(30, 28)
    PLLI2SN = Unmodelled(14, 6)


POWER_ON_FLAGS = RccCsrPor.PORRSTF.mask | RccCsrPor.PINRSTF.mask | RccCsrF4.BORRSTF.mask


class RccF4(Rcc):
    """The clock tree."""

    def __init__(
        self,
        hse_hz: int | None,
        on_clock_change: Callable[[int], None],
        is_backup_writable: Callable[[], bool],
    ) -> None:
        self._cr, self._cfgr = RccCrF4(reset=0x0000_0083), RccCfgrF4()
        self.pllcfgr = RccPllcfgr(reset=0x2400_3010)
        csr = RccCsrF4(reset=POWER_ON_FLAGS)
        registers: dict[int, Register] = {
            0x00: self._cr,
            0x04: self.pllcfgr,
            0x08: self._cfgr,
            0x0C: RccCir(),
            0x10: RccAhb1rstr(),
            0x14: RccAhb2rstr(),
            0x18: RccAhb3rstr(),
            0x20: RccApb1rstr(),
            0x24: RccApb2rstr(),
            0x30: RccAhb1enr(reset=0x0010_0000),
            0x34: RccAhb2enr(),
            0x38: RccAhb3enr(),
            0x40: RccApb1enr(),
            0x44: RccApb2enr(),
            0x50: RccLpenr(reset=0x7E67_91FF),
            0x54: RccLpenr(reset=0x0000_00F1),
            0x58: RccLpenr(reset=0x0000_0001),
            0x60: RccLpenr(reset=0x36FE_C9FF),
            0x64: RccLpenr(reset=0x0007_5F33),
            0x70: RccBdcr(),
            0x74: csr,
            0x80: RccSscgr(),
            0x84: RccPlli2scfgr(reset=0x2000_3000),
        }
        super().__init__(
            registers,
            self._cr,
            self._cfgr,
            csr,
            HSI_HZ,
            LSI_HZ,
            hse_hz,
            on_clock_change,
            is_backup_writable,
        )

    def make_ready(self) -> None:
        super().make_ready()
        self._cr.PLLI2SRDY = self._cr.PLLI2SON

    def write(self, offset: int, word: int) -> None:
        if offset == 0x04 and self.cr.PLLON:
            return  # written only while the PLL is off
        super().write(offset, word)

    @property
    def prescalers(self) -> Prescalers:
        return Prescalers(self._cfgr.HPRE, self._cfgr.PPRE1, self._cfgr.PPRE2)

    @property
    def pll_hz(self) -> int | None:
        return self._pll_divided_by(2 * (self.pllcfgr.PLLP + 1))

    def _pll_divided_by(self, divisor: int) -> int | None:
        source: int | None = HSI_HZ
        if self.pllcfgr.PLLSRC:
            source = self.hse_hz if self.cr.HSERDY else None
        divisor *= self.pllcfgr.PLLM
        if source is None or not divisor or not self.pllcfgr.PLLN:
            return None
        return source * self.pllcfgr.PLLN // divisor

    def pll48_hz(self) -> int:
        """Return PLL48CLK, 0 where the PLL is off."""
        return self._pll_divided_by(self.pllcfgr.PLLQ) or 0 if self.cr.PLLRDY else 0

    @property
    def hse_to_rtc(self) -> int:
        return self._cfgr.RTCPRE if self._cfgr.RTCPRE > 1 else 0
