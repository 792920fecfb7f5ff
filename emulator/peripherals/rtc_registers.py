"""Registers that the real-time clocks of the STM32F405 and the STM32L552 have alike.

Sources: as rtc_dated.py.
"""

from emulator.registers import Access, Field, Register, Unmodelled


class RtcTr(Register):
    """RTC_TR, time register."""

    PM = Field(22, 22)
    HOURS = Field(21, 16)
    MINUTES = Field(14, 8)
    SECONDS = Field(6, 0)


class RtcDr(Register):
    """RTC_DR, date register."""

    YEARS = Field(23, 16)
    WDU = Field(15, 13)
    MONTHS = Field(12, 8)
    DAYS = Field(5, 0)


class RtcCr(Register):
    """RTC_CR, control register."""

    OUTPUT = Unmodelled(23, 19)  # COE, OSEL, POL, COSEL
    BKP = Field(18, 18)
    SUB1H = Unmodelled(17, 17, Access.WO)
    ADD1H = Unmodelled(16, 16, Access.WO)
    TSIE = Unmodelled(15, 15)
    WUTIE = Field(14, 14)
    ALRBIE = Field(13, 13)
    ALRAIE = Field(12, 12)
    TSE = Unmodelled(11, 11)
    WUTE = Field(10, 10)
    ALRBE = Field(9, 9)
    ALRAE = Field(8, 8)
    DCE = Unmodelled(7, 7)
    FMT = Field(6, 6)  # 1: AM and PM
    BYPSHAD = Field(5, 5)
    REFCKON = Unmodelled(4, 4)
    TSEDGE = Unmodelled(3, 3)
    WUCKSEL = Field(2, 0)


class RtcStatus(Register):
    """RTC_ISR or RTC_ICSR, initialization and status register."""

    RECALPF = Field(16, 16, Access.RO)
    INIT = Field(7, 7)
    INITF = Field(6, 6, Access.RO)
    RSF = Field(5, 5, Access.RC_W0)
    INITS = Field(4, 4, Access.RO)
    SHPF = Field(3, 3, Access.RO)
    WUTWF = Field(2, 2, Access.RO)
    ALRBWF = Field(1, 1, Access.RO)
    ALRAWF = Field(0, 0, Access.RO)


class RtcPrer(Register):
    """RTC_PRER, prescaler register."""

    PREDIV_A = Field(22, 16)
    PREDIV_S = Field(14, 0)


class RtcWutr(Register):
    """RTC_WUTR, wakeup timer register."""

    WUT = Field(15, 0)


class RtcAlrmr(Register):
    """RTC_ALRMAR, RTC_ALRMBR, alarm registers."""

    ALRM = Field(31, 0)


class RtcWpr(Register):
    """RTC_WPR, write protection register."""

    KEY = Field(7, 0, Access.WO)


class RtcSsr(Register):
    """RTC_SSR, sub second register."""

    SS = Field(15, 0, Access.RO)
