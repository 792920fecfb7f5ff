"""Registers of the analog-to-digital converter (ADC), STM32L5.

Sources: ST's device header stm32l552xx.h.
"""

from emulator.registers import Access, Field, Register, Unmodelled

ISR, IER, CR, CFGR, CFGR2, SMPR1, SMPR2, SQR1, DR = (
    *(0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18),
    *(0x30, 0x40),
)


class AdcIsr(Register):
    """ADC_ISR, interrupt and status register."""

    OTHERS = Unmodelled(10, 5, Access.RC_W1)  # JQOVF, AWD3 to AWD1, JEOS, JEOC
    OVR = Field(4, 4, Access.RC_W1)
    EOS = Field(3, 3, Access.RC_W1)
    EOC = Field(2, 2, Access.RC_W1)  # cleared by reading DR, too
    EOSMP = Field(1, 1, Access.RC_W1)
    ADRDY = Field(0, 0, Access.RC_W1)


class AdcIer(Register):
    """ADC_IER, interrupt enable register: at the places of the flags in ISR."""

    OTHERS = Unmodelled(10, 5)
    ENABLES = Field(4, 0)


class AdcCrL5(Register):
    """ADC_CR, control register."""

    ADCAL = Field(31, 31)
    ADCALDIF = Unmodelled(30, 30)
    DEEPPWD = Field(29, 29)
    ADVREGEN = Field(28, 28)
    JADSTP = Unmodelled(5, 5)
    ADSTP = Field(4, 4)
    JADSTART = Unmodelled(3, 3)
    ADSTART = Field(2, 2)
    ADDIS = Field(1, 1)
    ADEN = Field(0, 0)


class AdcCfgr(Register):
    """ADC_CFGR, configuration register."""

    OTHERS = Unmodelled(31, 16)  # JQDIS to DISCEN
    AUTDLY = Unmodelled(14, 14)
    CONT = Field(13, 13)
    OVRMOD = Field(12, 12)  # 1: a result that nobody has read is lost to the next one
    EXTEN = Field(11, 10)  # 0: software alone starts; 1: a rising edge, 2: a falling one, 3: both
    EXTSEL = Field(9, 6)
    ALIGN = Field(5, 5)  # 1: results at the left
    RES = Field(4, 3)  # 12, 10, 8 or 6 bits
    DFSDMCFG = Unmodelled(2, 2)
    DMACFG = Field(1, 1)
    DMAEN = Field(0, 0)


class AdcCfgr2(Register):
    """ADC_CFGR2, configuration register 2."""

    OVERSAMPLING = Unmodelled(10, 0)


class AdcSmprL5(Register):
    """ADC_SMPR1, ADC_SMPR2, sample time registers."""

    SMPPLUS = Field(31, 31)  # of the first
    SMP = Field(29, 0)


class AdcSqrL5(Register):
    """ADC_SQR1 to ADC_SQR4, regular sequence registers: L in the first one's first place."""

    SQ = Field(28, 0)


class AdcDrL5(Register):
    """ADC_DR, regular data register."""

    RDATA = Field(15, 0, Access.RO)


class AdcCsrL5(Register):
    """ADC_CSR, common status register."""

    STATUS = Field(31, 0, Access.RO)


class AdcCcrL5(Register):
    """ADC_CCR, common control register."""

    VBATEN = Field(24, 24)  # this and the next two: their channels convert without, too
    TSEN = Field(23, 23)
    VREFEN = Field(22, 22)
    PRESC = Field(21, 18)
    CKMODE = Field(17, 16)  # 0: a clock of its own; else the bus's, divided by 1, 2, 4
    DUAL = Unmodelled(15, 0)


class AdcCdrL5(Register):
    """ADC_CDR, common regular data register for dual mode."""

    RDATA = Unmodelled(31, 0, Access.RO)
