"""Reset and Clock Control (RCC), STM32L552: its registers, but for the buses'.

Sources: as rcc_l5.py.
"""

from emulator.peripherals.rcc import RccBdcr, RccCfgr, RccCr, RccCsr
from emulator.registers import Access, Field, Register, Unmodelled


class RccCrL5(RccCr):
    """RCC_CR, clock control register."""

    PRIV = Unmodelled(31, 31)
    PLLSAI2RDY = Field(29, 29, Access.RO)
    PLLSAI2ON = Field(28, 28)
    PLLSAI1RDY = Field(27, 27, Access.RO)
    PLLSAI1ON = Field(26, 26)
    HSIASFS = Field(11, 11)
    HSIRDY = Field(10, 10, Access.RO)
    HSIKERON = Field(9, 9)
    HSION = Field(8, 8)
    MSIRANGE = Field(7, 4)
    MSIRGSEL = Field(3, 3)  # 1: MSIRANGE counts, 0: CSR's MSISRANGE
    MSIPLLEN = Unmodelled(2, 2)
    MSIRDY = Field(1, 1, Access.RO)
    MSION = Field(0, 0)


class RccIcscr(Register):
    """RCC_ICSCR, internal clock sources calibration register."""

    HSITRIM = Unmodelled(30, 24)
    HSICAL = Field(23, 16, Access.RO)
    MSITRIM = Unmodelled(15, 8)
    MSICAL = Field(7, 0, Access.RO)


class RccCfgrL5(RccCfgr):
    """RCC_CFGR, clock configuration register."""

    MCO = Unmodelled(30, 24)  # MCOPRE, MCOSEL
    STOPWUCK = Field(15, 15)
    PPRE2 = Field(13, 11)
    PPRE1 = Field(10, 8)


class RccPllcfgrL5(Register):
    """RCC_PLLCFGR, PLL configuration register."""

    PLLPDIV = Field(31, 27)
    PLLR = Field(26, 25)  # divides by 2, 4, 6, 8
    PLLREN = Field(24, 24)
    PLLQ = Field(22, 21)
    PLLQEN = Field(20, 20)
    PLLP = Field(17, 17)
    PLLPEN = Field(16, 16)
    PLLN = Field(14, 8)  # multiplies
    PLLM = Field(7, 4)  # divides what comes in, by one more
    PLLSRC = Field(1, 0)


class RccPllsai1cfgr(RccPllcfgrL5):
    """RCC_PLLSAI1CFGR, PLLSAI1 configuration register: the PLL's fields at the PLL's places."""


class RccPllsai2cfgr(Register):
    """RCC_PLLSAI2CFGR, PLLSAI2 configuration register."""

    PLLSAI2 = Unmodelled(31, 0)


class RccCier(Register):
    """RCC_CIER, clock interrupt enable register."""

    ENABLES = Unmodelled(10, 0)


class RccCifr(Register):
    """RCC_CIFR, clock interrupt flag register."""

    FLAGS = Field(10, 0, Access.RO)


class RccCicr(Register):
    """RCC_CICR, clock interrupt clear register."""

    CLEARS = Field(10, 0, Access.WO)


class RccCcipr1(Register):
    """RCC_CCIPR1, peripherals independent clock configuration register 1."""

    ADCSEL = Field(29, 28)
    CLK48SEL = Field(27, 26)
    FDCANSEL = Unmodelled(25, 24)
    LPTIM3SEL = Field(23, 22)
    LPTIM2SEL = Field(21, 20)
    LPTIM1SEL = Field(19, 18)
    I2C3SEL = Field(17, 16)
    I2C2SEL = Field(15, 14)
    I2C1SEL = Field(13, 12)
    LPUART1SEL = Field(11, 10)
    UART5SEL = Field(9, 8)
    UART4SEL = Field(7, 6)
    USART3SEL = Field(5, 4)
    USART2SEL = Field(3, 2)
    USART1SEL = Field(1, 0)


class RccCcipr2(Register):
    """RCC_CCIPR2, peripherals independent clock configuration register 2."""

    OTHERS = Unmodelled(21, 2)  # OSPISEL to DFSDMSEL
    I2C4SEL = Field(1, 0)


class RccBdcrL5(RccBdcr):
    """RCC_BDCR, backup domain control register."""

    LSCO = Unmodelled(25, 24)
    LSESYSRDY = Field(11, 11, Access.RO)
    LSESYSEN = Field(7, 7)
    LSECSS = Unmodelled(6, 5)
    LSEDRV = Field(4, 3)


class RccCsrL5(RccCsr):
    """RCC_CSR, control/status register."""

    BORRSTF = Field(27, 27, Access.RO)  # power-on is a brown-out, too
    OBLRSTF = Field(25, 25, Access.RO)
    RMVF = Field(23, 23, Access.WO)
    MSISRANGE = Field(11, 8)
    LSIPRE = Unmodelled(4, 4)


class RccCrrcr(Register):
    """RCC_CRRCR, clock recovery RC register."""

    HSI48CAL = Field(15, 7, Access.RO)
    HSI48RDY = Field(1, 1, Access.RO)
    HSI48ON = Field(0, 0)
