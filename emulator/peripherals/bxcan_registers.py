"""Registers of the CAN controllers (bxCAN), STM32F1 and F4, but for the filters'.

Sources: RM0008's and RM0090's register and bit names as ST's device headers stm32f103xb.h and
stm32f405xx.h have them.
"""

from emulator.registers import Access, Field, Register, Unmodelled


class CanMcr(Register):
    """CAN_MCR, CAN master control register."""

    DBF = Field(16, 16)
    RESET = Field(15, 15)
    TTCM = Unmodelled(7, 7)
    ABOM = Field(6, 6)
    AWUM = Field(5, 5)
    NART = Field(4, 4)  # 1: a frame is tried once
    RFLM = Field(3, 3)  # 1: a full FIFO keeps what it has
    TXFP = Field(2, 2)  # 1: mailboxes take turns as they were asked, not by identifier
    SLEEP = Field(1, 1)
    INRQ = Field(0, 0)


class CanMsr(Register):
    """CAN_MSR, CAN master status register."""

    RX = Field(11, 11, Access.RO)
    SAMP = Field(10, 10, Access.RO)
    TXM = Field(8, 8, Access.RO)
    SLAKI = Field(4, 4, Access.RC_W1)
    WKUI = Field(3, 3, Access.RC_W1)
    ERRI = Field(2, 2, Access.RC_W1)
    SLAK = Field(1, 1, Access.RO)
    INAK = Field(0, 0, Access.RO)


class CanTsr(Register):
    """CAN_TSR, CAN transmit status register."""

    LOW = Field(31, 29, Access.RO)
    TME = Field(28, 26, Access.RO)
    CODE = Field(25, 24, Access.RO)
    FLAGS = Field(23, 0, Access.RO)  # a byte each: ABRQ, TERR, ALST, TXOK, RQCP


class CanRfr(Register):
    """CAN_RF0R, CAN_RF1R, CAN receive FIFO registers."""

    RFOM = Field(5, 5, Access.WO)
    FOVR = Field(4, 4, Access.RC_W1)
    FULL = Field(3, 3, Access.RC_W1)
    FMP = Field(1, 0, Access.RO)


class CanIer(Register):
    """CAN_IER, CAN interrupt enable register."""

    SLKIE = Field(17, 17)
    WKUIE = Field(16, 16)
    ERRIE = Field(15, 15)
    LECIE = Field(11, 11)
    BOFIE = Field(10, 10)
    EPVIE = Field(9, 9)
    EWGIE = Field(8, 8)
    FIFO1 = Field(6, 4)  # FOVIE1, FFIE1, FMPIE1
    FIFO0 = Field(3, 1)
    TMEIE = Field(0, 0)


class CanEsr(Register):
    """CAN_ESR, CAN error status register."""

    REC = Field(31, 24, Access.RO)
    TEC = Field(23, 16, Access.RO)
    LEC = Field(6, 4)
    BOFF = Field(2, 2, Access.RO)
    EPVF = Field(1, 1, Access.RO)
    EWGF = Field(0, 0, Access.RO)


class CanBtr(Register):
    """CAN_BTR, CAN bit timing register. Written while INAK is 1."""

    SILM = Field(31, 31)
    LBKM = Field(30, 30)
    SJW = Field(25, 24)
    TS2 = Field(22, 20)
    TS1 = Field(19, 16)
    BRP = Field(9, 0)


class CanBox(Register):
    """CAN_TIxR, CAN_TDTxR, CAN_TDLxR, CAN_TDHxR, CAN mailbox registers."""

    WORD = Field(31, 0)


class CanReceived(Register):
    """CAN_RIxR, CAN_RDTxR, CAN_RDLxR, CAN_RDHxR, CAN receive FIFO mailbox registers."""

    WORD = Field(31, 0, Access.RO)
