"""System configuration controller (SYSCFG), STM32L5: switches and locks; no interrupts of pins.

Source: ST's device header stm32l552xx.h for registers; their bits as on the STM32L4, where it has
them. UNKNOWN: FPUIMR's reset value, taken for the bits that the STM32L4 has in CFGR1.
Not modelled: what the switches and locks do, erasing SRAM2, the floating-point unit's interrupts.
"""

from emulator.peripherals.absent import absent_registers
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register, Unmodelled

SECURITY = "SECCFGR @10 CSLCKR @2C RSSCMDR"


class SyscfgCfgr1(Register):
    """SYSCFG_CFGR1, configuration register 1."""

    I2C_FMP = Field(23, 16)  # of I2C4 to I2C1, and of PB9 to PB6
    ANASWVDD = Field(9, 9)
    BOOSTEN = Field(8, 8)


class SyscfgFpuimr(Register):
    """SYSCFG_FPUIMR, FPU interrupt mask register."""

    FPU_IE = Unmodelled(5, 0)


class SyscfgCnslckr(Register):
    """SYSCFG_CNSLCKR, CPU non-secure lock register."""

    LOCKS = Unmodelled(1, 0)  # LOCKNSMPU, LOCKNSVTOR


class SyscfgCfgr2(Register):
    """SYSCFG_CFGR2, configuration register 2."""

    SPF = Field(8, 8, Access.RC_W1)
    LOCKS = Unmodelled(3, 0)  # ECCL, PVDL, SPL, CLL


class SyscfgScsr(Register):
    """SYSCFG_SCSR, SRAM2 control and status register."""

    SRAM2BSY = Field(1, 1, Access.RO)
    SRAM2ER = Unmodelled(0, 0, Access.WO)


class SyscfgSkr(Register):
    """SYSCFG_SKR, SRAM2 key register."""

    KEY = Field(7, 0, Access.WO)


class SyscfgSwpr(Register):
    """SYSCFG_SWPR, SYSCFG_SWPR2, SRAM2 write protection registers."""

    PWP = Unmodelled(31, 0)


class SyscfgL5(Peripheral):
    """The block."""

    def __init__(self) -> None:
        super().__init__(
            {
                0x04: SyscfgCfgr1(),
                0x08: SyscfgFpuimr(reset=0x1F),
                0x0C: SyscfgCnslckr(),
                0x14: SyscfgCfgr2(),
                0x18: SyscfgScsr(),
                0x1C: SyscfgSkr(),
                0x20: SyscfgSwpr(),
                0x24: SyscfgSwpr(),
                **absent_registers("SYSCFG", SECURITY),
            }
        )
