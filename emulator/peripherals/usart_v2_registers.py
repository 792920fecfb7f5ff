"""Registers of the STM32L5's USART, beside those of usart_registers.py.

Source: ST's device header stm32l552xx.h.
"""

from emulator.peripherals.usart_registers import UsartCr1, UsartCr2, UsartCr3, UsartFlags
from emulator.registers import Access, Field, Register, Unmodelled


class UsartCr1V2(UsartCr1):
    """USART_CR1, control register 1."""

    RXFFIE = Field(31, 31)
    TXFEIE = Field(30, 30)
    FIFOEN = Field(29, 29)
    M1 = Field(28, 28)  # 1: seven data bits
    EOBIE = Unmodelled(27, 27)
    RTOIE = Field(26, 26)
    DE = Unmodelled(25, 16)  # DEAT, DEDT
    CMIE = Field(14, 14)
    MME = Field(13, 13)  # 1: the receiver can be muted
    UESM = Unmodelled(1, 1)
    UE = Field(0, 0)


class UsartCr2V2(UsartCr2):
    """USART_CR2, control register 2."""

    ADD = Field(31, 24)  # the address that wakes a muted receiver, and the byte that sets CMF
    RTOEN = Field(23, 23)
    FEATURES = Unmodelled(22, 15)  # ABRMOD to SWAP
    LINEN = Unmodelled(14, 14)
    LBD = Unmodelled(6, 5)
    ADDM7 = Field(4, 4)  # 1: seven bits of ADD are the address, else four
    SLAVE = Unmodelled(3, 0)  # DIS_NSS, SLVEN


class UsartCr3V2(UsartCr3):
    """USART_CR3, control register 3."""

    TXFTCFG = Field(31, 29)
    RXFTIE = Field(28, 28)
    RXFTCFG = Field(27, 25)
    TCBGTIE = Unmodelled(24, 24)
    TXFTIE = Field(23, 23)
    OTHERS = Unmodelled(22, 13)  # WUFIE to DDRE
    OVRDIS = Field(12, 12)  # 1: a new byte takes the place of one that nobody has read


class UsartBrrV2(Register):
    """USART_BRR, baud rate register. LPUART1's has twenty bits."""

    BRR = Field(19, 0)


class UsartRtor(Register):
    """USART_RTOR, receiver timeout register."""

    BLEN = Unmodelled(31, 24)
    RTO = Field(23, 0)  # bits


class UsartRqr(Register):
    """USART_RQR, request register."""

    TXFRQ = Field(4, 4, Access.WO)  # drop what waits to be sent
    RXFRQ = Field(3, 3, Access.WO)  # drop what was received
    MMRQ = Field(2, 2, Access.WO)  # mute the receiver
    SBKRQ = Field(1, 1, Access.WO)  # send a break
    ABRRQ = Unmodelled(0, 0, Access.WO)


class UsartIsr(UsartFlags):
    """USART_ISR, interrupt and status register."""

    TXFT = Field(27, 27, Access.RO)
    RXFT = Field(26, 26, Access.RO)
    RXFF = Field(24, 24, Access.RO)
    TXFE = Field(23, 23, Access.RO)
    REACK = Field(22, 22, Access.RO)
    TEACK = Field(21, 21, Access.RO)
    RWU = Field(19, 19, Access.RO)
    SBKF = Field(18, 18, Access.RO)
    CMF = Field(17, 17, Access.RO)
    RTOF = Field(11, 11, Access.RO)


class UsartIcr(Register):
    """USART_ICR, interrupt flag clear register: ones at the places of ISR's flags."""

    CMCF = Field(17, 17, Access.WO)
    EOBCF = Field(12, 12, Access.WO)  # of flags that are never set, as what is below RTOCF
    RTOCF = Field(11, 11, Access.WO)
    OTHERS = Field(9, 7, Access.WO)  # CTSCF, LBDCF, TCBGTCF
    TCCF = Field(6, 6, Access.WO)
    TXFECF = Field(5, 5, Access.WO)  # of TXFE
    IDLECF = Field(4, 4, Access.WO)
    ORECF = Field(3, 3, Access.WO)
    NECF = Field(2, 2, Access.WO)
    FECF = Field(1, 1, Access.WO)
    PECF = Field(0, 0, Access.WO)


class UsartRdr(Register):
    """USART_RDR, receive data register."""

    RDR = Field(8, 0, Access.RO)


class UsartTdr(Register):
    """USART_TDR, transmit data register."""

    TDR = Field(8, 0)


class UsartPresc(Register):
    """USART_PRESC, prescaler register."""

    PRESCALER = Field(3, 0)
