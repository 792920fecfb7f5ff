"""Registers of the USART that lie in the same places in the STM32F1, F4 and L5.

Sources: RM0008's and RM0090's register and bit names as ST's device headers stm32f103xb.h and
stm32f405xx.h have them; stm32l552xx.h.
"""

from emulator.registers import Access, Field, Register, Unmodelled

STOP_HALF_BITS = (2, 1, 4, 3)  # by CR2.STOP


class UsartFlags(Register):
    """The flags of USART_SR and USART_ISR; how software clears them is the family's."""

    TXE = Field(7, 7, Access.RO)
    TC = Field(6, 6, Access.RO)
    RXNE = Field(5, 5, Access.RO)
    IDLE = Field(4, 4, Access.RO)
    ORE = Field(3, 3, Access.RO)
    NE = Field(2, 2, Access.RO)
    FE = Field(1, 1, Access.RO)
    PE = Field(0, 0, Access.RO)


class UsartCr1(Register):
    """USART_CR1, Control register 1."""

    OVER8 = Field(15, 15)  # 1: eight samples a bit
    UE = Field(13, 13)  # elsewhere in some families
    M = Field(12, 12)  # 1: nine data bits
    WAKE = Field(11, 11)  # how a muted receiver wakes; 0: idle line, 1: address mark
    PCE = Field(10, 10)  # the last data bit is a parity bit
    PS = Field(9, 9)  # 0: even, 1: odd
    PEIE = Field(8, 8)
    TXEIE = Field(7, 7)  # this and what follows: at the places of their flags in SR
    TCIE = Field(6, 6)
    RXNEIE = Field(5, 5)
    IDLEIE = Field(4, 4)
    TE = Field(3, 3)
    RE = Field(2, 2)


class UsartCr2(Register):
    """USART_CR2, Control register 2."""

    STOP = Field(13, 12)
    CLOCK = Unmodelled(11, 8)  # CLKEN, CPOL, CPHA, LBCL


class UsartCr3(Register):
    """USART_CR3, Control register 3."""

    ONEBIT = Field(11, 11)  # 1: one sample decides a bit, and noise goes unnoticed
    CTS_RTS = Unmodelled(10, 8)  # CTSIE, CTSE, RTSE
    DMAT = Field(7, 7)
    DMAR = Field(6, 6)
    MODES = Unmodelled(5, 1)  # SCEN, NACK, HDSEL, IRLP, IREN
    EIE = Field(0, 0)  # FE, ORE and NE interrupt; in some families with DMAR only


class UsartGtpr(Register):
    """USART_GTPR, Guard time and prescaler register."""

    GTPR = Unmodelled(15, 0)


RECEIVE_ERRORS = UsartFlags.ORE.mask | UsartFlags.NE.mask | UsartFlags.FE.mask
ENABLED_BY_CR1 = (
    UsartFlags.TXE.mask | UsartFlags.TC.mask | UsartFlags.RXNE.mask | UsartFlags.IDLE.mask
)


def frame_half_bits(cr1: int, cr2: int) -> int:
    """Return how long a frame is: start, data and stop."""
    return 2 * (9 + UsartCr1.M.of(cr1)) + STOP_HALF_BITS[UsartCr2.STOP.of(cr2)]
