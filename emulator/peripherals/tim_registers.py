"""Registers of timers (TIM), STM32F1 and F4, and which of them a kind of timer has.

Sources: RM0008's and RM0090's register and bit names as ST's device headers stm32f103xb.h and
stm32f405xx.h have them.
"""

from typing import NamedTuple

from emulator.registers import Access, Field, Register, Unmodelled

UIF, COMIF, TIF, BIF = 0x01, 0x20, 0x40, 0x80  # in SR, DIER and EGR
CC1IF, CC2IF, CC3IF, CC4IF = 0x02, 0x04, 0x08, 0x10
CCIF, ALL_FLAGS = 0x1E, 0xFF  # all of these; what DIER makes interrupts of
DE_LOW = 8  # where the enables of DMA are in DIER, in the same order
CCIF_LOW, CCOF_LOW = 1, 9  # where these flags of channel 1 are in SR


ALL_CHANNELS = 4


class TimKind(NamedTuple):
    """What a timer has."""

    channels: int = 4
    width: int = 16  # of the counter, bits
    is_advanced: bool = False
    has_or: bool = False


GENERAL, ADVANCED = TimKind(), TimKind(is_advanced=True)
TWO_CHANNELS, ONE_CHANNEL, BASIC = TimKind(channels=2), TimKind(channels=1), TimKind(channels=0)


class TimCr1(Register):
    """TIMx_CR1, Control register 1."""

    CKD = Unmodelled(9, 8)
    ARPE = Field(7, 7)  # 1: a new ARR counts from the next update on
    CMS = Field(6, 5)  # 0b00: counts as DIR says; else up and down
    DIR = Field(4, 4)  # 1: counts down
    OPM = Field(3, 3)  # 1: stops at the next update
    URS = Field(2, 2)  # 1: only a counter that wraps sets UIF
    UDIS = Field(1, 1)  # 1: no updates
    CEN = Field(0, 0)


class TimCr2(Register):
    """TIMx_CR2, Control register 2."""

    OIS = Field(14, 8)  # OIS1, OIS1N, OIS2, ...: levels while BDTR.MOE is 0
    TI1S = Unmodelled(7, 7)
    MMS = Field(6, 4)  # what TRGO is
    CC = Unmodelled(3, 0)  # CCDS, CCUS, CCPC


class TimSmcr(Register):
    """TIMx_SMCR, Slave mode control register."""

    ETR = Unmodelled(15, 8)  # ETP, ECE, ETPS, ETF
    MSM = Unmodelled(7, 7)
    TS = Field(6, 4)  # which input triggers
    SMS = Field(2, 0)


class TimDier(Register):
    """TIMx_DIER, DMA/interrupt enable register."""

    TDE = Unmodelled(14, 14)
    COMDE = Unmodelled(13, 13)
    DE = Field(12, 8)  # CC4DE to CC1DE, UDE
    IE = Field(7, 0)  # BIE, TIE, COMIE, CC4IE to CC1IE, UIE: at the places of their flags


class TimDierAlone(TimDier):
    """TIMx_DIER, DMA/interrupt enable register, of a timer that has no DMA."""

    DE = Unmodelled(12, 8)


class TimSr(Register):
    """TIMx_SR, Status register."""

    CCOF = Field(12, 9, Access.RC_W0)  # a capture before the last one was taken
    BIF = Field(7, 7, Access.RC_W0)
    TIF = Field(6, 6, Access.RC_W0)
    COMIF = Field(5, 5, Access.RC_W0)
    CCIF = Field(4, 1, Access.RC_W0)
    UIF = Field(0, 0, Access.RC_W0)


class TimEgr(Register):
    """TIMx_EGR, Event generation register."""

    G = Field(7, 1, Access.WO)  # BG, TG, COMG, CC4G to CC1G
    UG = Field(0, 0, Access.WO)  # 1: the counter and the prescaler begin anew, with an update


class TimDcr(Register):
    """TIMx_DCR, DMA control register."""

    DCR = Unmodelled(12, 0)


class TimDmar(Register):
    """TIMx_DMAR, DMA address for full transfer."""

    DMAB = Unmodelled(31, 0)


class TimRcr(Register):
    """TIMx_RCR, repetition counter register."""

    REP = Field(7, 0)  # an update comes every REP + 1 times that the counter wraps


class TimOr(Register):
    """TIMx_OR, option register."""

    RMP = Unmodelled(11, 0)


def without_effect(kind: TimKind) -> dict[int, Register]:
    """Make the registers that are there and do nothing."""
    registers: dict[int, Register] = {0x50: TimOr()} if kind.has_or else {}
    if kind.channels == ALL_CHANNELS:
        registers |= {0x48: TimDcr(), 0x4C: TimDmar()}
    return registers


class TimCount(Register):
    """TIMx_CNT, TIMx_PSC and TIMx_ARR: a count."""

    COUNT = Field(31, 0)


class TimCcmr(Register):
    """TIMx_CCMR1-2, capture/compare mode registers; of an input, ICxF and ICxPSC are in them."""

    OC2CE = Unmodelled(15, 15)
    OC2M = Field(14, 12)  # and OC2CE: IC2F
    OC2PE_OC2FE = Field(11, 10)  # IC2PSC
    CC2S = Field(9, 8)  # 0b00: an output
    OC1CE = Unmodelled(7, 7)
    OC1M = Field(6, 4)  # and OC1CE: IC1F
    OC1PE_OC1FE = Field(3, 2)  # IC1PSC
    CC1S = Field(1, 0)


class TimCcer(Register):
    """TIMx_CCER, capture/compare enable register: CCxNP, CCxNE, CCxP, CCxE of each channel."""

    CC = Field(15, 0)


class TimCcr(Register):
    """TIMx_CCR1-4, capture/compare registers."""

    CCR = Field(31, 0)


class TimBdtr(Register):
    """TIMx_BDTR, break and dead-time register."""

    MOE = Field(15, 15)
    AOE = Field(14, 14)  # 1: MOE is set by the next update
    BREAK = Unmodelled(13, 12)  # BKP, BKE
    OSSR = Field(11, 11)
    OSSI = Field(10, 10)
    LOCK = Unmodelled(9, 8)
    DTG = Unmodelled(7, 0)
