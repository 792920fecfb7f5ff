"""Reset and Clock Control (RCC), STM32L552: what it resets and clocks, bus by bus.

Sources: as rcc_l5.py. What only the STM32L562 has (AES, PKA, OTFDEC) is not there.
"""

from emulator.registers import Field, Register, Unmodelled


class RccAhb1rstr(Register):
    """RCC_AHB1RSTR, AHB1 peripheral reset register."""

    GTZCRST = Field(22, 22)
    TSCRST = Field(16, 16)
    CRCRST = Field(12, 12)
    FLASHRST = Field(8, 8)
    DMAMUX1RST = Field(2, 2)
    DMA2RST = Field(1, 1)
    DMA1RST = Field(0, 0)


class RccAhb2rstr(Register):
    """RCC_AHB2RSTR, AHB2 peripheral reset register."""

    SDMMC1RST = Field(22, 22)
    RNGRST = Field(18, 18)
    HASHRST = Field(17, 17)
    ADCRST = Field(13, 13)
    GPIOHRST = Field(7, 7)
    GPIOGRST = Field(6, 6)
    GPIOFRST = Field(5, 5)
    GPIOERST = Field(4, 4)
    GPIODRST = Field(3, 3)
    GPIOCRST = Field(2, 2)
    GPIOBRST = Field(1, 1)
    GPIOARST = Field(0, 0)


class RccAhb3rstr(Register):
    """RCC_AHB3RSTR, AHB3 peripheral reset register."""

    OSPI1RST = Field(8, 8)
    FMCRST = Field(0, 0)


class RccApb1rstr1(Register):
    """RCC_APB1RSTR1, APB1 peripheral reset register 1."""

    LPTIM1RST = Field(31, 31)
    OPAMPRST = Field(30, 30)
    DAC1RST = Field(29, 29)
    PWRRST = Field(28, 28)
    CRSRST = Field(24, 24)
    I2C3RST = Field(23, 23)
    I2C2RST = Field(22, 22)
    I2C1RST = Field(21, 21)
    UART5RST = Field(20, 20)
    UART4RST = Field(19, 19)
    USART3RST = Field(18, 18)
    USART2RST = Field(17, 17)
    SPI3RST = Field(15, 15)
    SPI2RST = Field(14, 14)
    TIM7RST = Field(5, 5)
    TIM6RST = Field(4, 4)
    TIM5RST = Field(3, 3)
    TIM4RST = Field(2, 2)
    TIM3RST = Field(1, 1)
    TIM2RST = Field(0, 0)


class RccApb1rstr2(Register):
    """RCC_APB1RSTR2, APB1 peripheral reset register 2."""

    UCPD1RST = Field(23, 23)
    USBFSRST = Field(21, 21)
    FDCAN1RST = Field(9, 9)
    LPTIM3RST = Field(6, 6)
    LPTIM2RST = Field(5, 5)
    I2C4RST = Field(1, 1)
    LPUART1RST = Field(0, 0)


class RccApb2rstr(Register):
    """RCC_APB2RSTR, APB2 peripheral reset register."""

    DFSDM1RST = Field(24, 24)
    SAI2RST = Field(22, 22)
    SAI1RST = Field(21, 21)
    TIM17RST = Field(18, 18)
    TIM16RST = Field(17, 17)
    TIM15RST = Field(16, 16)
    USART1RST = Field(14, 14)
    TIM8RST = Field(13, 13)
    SPI1RST = Field(12, 12)
    TIM1RST = Field(11, 11)
    SYSCFGRST = Field(0, 0)


class RccAhb1enr(Register):
    """RCC_AHB1ENR, AHB1 peripheral clocks enable register."""

    GTZCEN = Field(22, 22)
    TSCEN = Field(16, 16)
    CRCEN = Field(12, 12)
    FLASHEN = Field(8, 8)
    DMAMUX1EN = Field(2, 2)
    DMA2EN = Field(1, 1)
    DMA1EN = Field(0, 0)


class RccAhb2enr(Register):
    """RCC_AHB2ENR, AHB2 peripheral clocks enable register."""

    SDMMC1EN = Field(22, 22)
    RNGEN = Field(18, 18)
    HASHEN = Field(17, 17)
    ADCEN = Field(13, 13)
    GPIOHEN = Field(7, 7)
    GPIOGEN = Field(6, 6)
    GPIOFEN = Field(5, 5)
    GPIOEEN = Field(4, 4)
    GPIODEN = Field(3, 3)
    GPIOCEN = Field(2, 2)
    GPIOBEN = Field(1, 1)
    GPIOAEN = Field(0, 0)


class RccAhb3enr(Register):
    """RCC_AHB3ENR, AHB3 peripheral clocks enable register."""

    OSPI1EN = Field(8, 8)
    FMCEN = Field(0, 0)


class RccApb1enr1(Register):
    """RCC_APB1ENR1, APB1 peripheral clocks enable register 1."""

    LPTIM1EN = Field(31, 31)
    OPAMPEN = Field(30, 30)
    DAC1EN = Field(29, 29)
    PWREN = Field(28, 28)
    CRSEN = Field(24, 24)
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
    RTCAPBEN = Field(10, 10)
    TIM7EN = Field(5, 5)
    TIM6EN = Field(4, 4)
    TIM5EN = Field(3, 3)
    TIM4EN = Field(2, 2)
    TIM3EN = Field(1, 1)
    TIM2EN = Field(0, 0)


class RccApb1enr2(Register):
    """RCC_APB1ENR2, APB1 peripheral clocks enable register 2."""

    UCPD1EN = Field(23, 23)
    USBFSEN = Field(21, 21)
    FDCAN1EN = Field(9, 9)
    LPTIM3EN = Field(6, 6)
    LPTIM2EN = Field(5, 5)
    I2C4EN = Field(1, 1)
    LPUART1EN = Field(0, 0)


class RccApb2enr(Register):
    """RCC_APB2ENR, APB2 peripheral clocks enable register."""

    DFSDM1EN = Field(24, 24)
    SAI2EN = Field(22, 22)
    SAI1EN = Field(21, 21)
    TIM17EN = Field(18, 18)
    TIM16EN = Field(17, 17)
    TIM15EN = Field(16, 16)
    USART1EN = Field(14, 14)
    TIM8EN = Field(13, 13)
    SPI1EN = Field(12, 12)
    TIM1EN = Field(11, 11)
    SYSCFGEN = Field(0, 0)


class RccSmenr(Register):
    """RCC_AHB1SMENR to APB2SMENR, peripheral clocks enable in Sleep and Stop modes registers."""

    SMEN = Unmodelled(31, 0)


def bus_registers() -> dict[int, Register]:
    """Make them, by their offsets."""
    return {
        0x28: RccAhb1rstr(),
        0x2C: RccAhb2rstr(),
        0x30: RccAhb3rstr(),
        0x38: RccApb1rstr1(),
        0x3C: RccApb1rstr2(),
        0x40: RccApb2rstr(),
        0x48: RccAhb1enr(reset=0x0000_0100),
        0x4C: RccAhb2enr(),
        0x50: RccAhb3enr(),
        0x58: RccApb1enr1(),
        0x5C: RccApb1enr2(),
        0x60: RccApb2enr(),
        0x68: RccSmenr(reset=0x00C1_1307),
        0x6C: RccSmenr(reset=0x0046_22FF),
        0x70: RccSmenr(reset=0x0000_0101),
        0x78: RccSmenr(reset=0xF1FE_CC3F),
        0x7C: RccSmenr(reset=0x00A0_0263),
        0x80: RccSmenr(reset=0x0167_7801),
    }
