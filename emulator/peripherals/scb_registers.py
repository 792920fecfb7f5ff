"""The registers of the System Control Block.

Sources: DDI 0403E.e B3.2; for Armv8-M, CMSIS's core_cm33.h.
"""

from emulator.registers import Access, Field, Register


class Cpuid(Register):
    """CPUID, CPUID Base Register. DDI 0403E.e B3.2."""

    IMPLEMENTER = Field(31, 24, Access.RO)
    VARIANT = Field(23, 20, Access.RO)
    ARCHITECTURE = Field(19, 16, Access.RO)
    PARTNO = Field(15, 4, Access.RO)
    REVISION = Field(3, 0, Access.RO)


class Icsr(Register):
    """ICSR, Interrupt Control and State Register. DDI 0403E.e B3.2."""

    NMIPENDSET = Field(31, 31)
    PENDNMICLR = Field(30, 30, Access.WO)  # Armv8-M only
    PENDSVSET = Field(28, 28)
    PENDSVCLR = Field(27, 27, Access.WO)
    PENDSTSET = Field(26, 26)
    PENDSTCLR = Field(25, 25, Access.WO)
    ISRPENDING = Field(22, 22, Access.RO)
    VECTPENDING = Field(20, 12, Access.RO)
    RETTOBASE = Field(11, 11, Access.RO)
    VECTACTIVE = Field(8, 0, Access.RO)


class Vtor(Register):
    """VTOR, Vector Table Offset Register. DDI 0403E.e B3.2."""

    TBLOFF = Field(31, 7)


class Aircr(Register):
    """AIRCR, Application Interrupt and Reset Control Register. DDI 0403E.e B3.2."""

    VECTKEYSTAT = Field(31, 16, Access.RO)
    ENDIANNESS = Field(15, 15, Access.RO)
    PRIGROUP = Field(10, 8)
    SYSRESETREQ = Field(2, 2, Access.WO)
    VECTCLRACTIVE = Field(1, 1, Access.WO)  # not modelled: for debuggers only
    VECTRESET = Field(0, 0, Access.WO)  # not modelled: for debuggers only


class Scr(Register):
    """SCR, System Control Register. DDI 0403E.e B3.2."""

    SEVONPEND = Field(4, 4)  # 1: whatever becomes pending is an event for WFE
    SLEEPDEEP = Field(2, 2)  # not modelled: sleep is sleep
    SLEEPONEXIT = Field(1, 1)  # 1: sleep on the return to Thread mode


class Ccr(Register):
    """CCR, Configuration and Control Register. DDI 0403E.e B3.2."""

    STKALIGN = Field(9, 9)  # 1: frames are aligned to 8 bytes
    BFHFNMIGN = Field(8, 8)  # 1: HardFault, NMI and FAULTMASK ignore BusFaults of data accesses
    DIV_0_TRP = Field(4, 4)  # 1: a division by zero is a UsageFault
    UNALIGN_TRP = Field(3, 3)  # 1: an unaligned access is a UsageFault
    USERSETMPEND = Field(1, 1)  # 1: unprivileged code may write STIR
    NONBASETHRDENA = Field(0, 0)  # 1: a return to Thread mode may leave exceptions active


class CcrV8(Ccr):
    """CCR, Configuration and Control Register, of Armv8-M: what was optional is fixed.

    Fields and reset value: CMSIS's core_cm33.h; the Cortex-M33's is 0x00000201.
    """

    STKOFHFNMIGN = Field(10, 10)  # 1: HardFault and NMI ignore the stack limits
    STKALIGN = Field(9, 9, Access.RO)
    BFHFNMIGN = Field(8, 8)
    DIV_0_TRP = Field(4, 4)  # 1: a division by zero is a UsageFault
    UNALIGN_TRP = Field(3, 3)  # 1: an unaligned access is a UsageFault
    USERSETMPEND = Field(1, 1)
    NONBASETHRDENA = Field(0, 0, Access.RO)  # reserved there, reads 1: always allowed


class Shcsr(Register):
    """SHCSR, System Handler Control and State Register. DDI 0403E.e B3.2."""

    USGFAULTENA = Field(18, 18)
    BUSFAULTENA = Field(17, 17)
    MEMFAULTENA = Field(16, 16)
    SVCALLPENDED = Field(15, 15)
    BUSFAULTPENDED = Field(14, 14)
    MEMFAULTPENDED = Field(13, 13)
    USGFAULTPENDED = Field(12, 12)
    SYSTICKACT = Field(11, 11)
    PENDSVACT = Field(10, 10)
    MONITORACT = Field(8, 8)
    SVCALLACT = Field(7, 7)
    USGFAULTACT = Field(3, 3)
    BUSFAULTACT = Field(1, 1)
    MEMFAULTACT = Field(0, 0)


class Cfsr(Register):
    """CFSR, Configurable Fault Status Register. DDI 0403E.e B3.2."""

    DIVBYZERO = Field(25, 25, Access.RC_W1)
    UNALIGNED = Field(24, 24, Access.RC_W1)
    STKOF = Field(20, 20, Access.RC_W1)  # Armv8-M: SP passed its limit
    NOCP = Field(19, 19, Access.RC_W1)
    INVPC = Field(18, 18, Access.RC_W1)
    INVSTATE = Field(17, 17, Access.RC_W1)
    UNDEFINSTR = Field(16, 16, Access.RC_W1)
    BFARVALID = Field(15, 15, Access.RC_W1)
    LSPERR = Field(13, 13, Access.RC_W1)
    STKERR = Field(12, 12, Access.RC_W1)
    UNSTKERR = Field(11, 11, Access.RC_W1)
    IMPRECISERR = Field(10, 10, Access.RC_W1)
    PRECISERR = Field(9, 9, Access.RC_W1)
    IBUSERR = Field(8, 8, Access.RC_W1)
    MMARVALID = Field(7, 7, Access.RC_W1)
    MLSPERR = Field(5, 5, Access.RC_W1)
    MSTKERR = Field(4, 4, Access.RC_W1)
    MUNSTKERR = Field(3, 3, Access.RC_W1)
    DACCVIOL = Field(1, 1, Access.RC_W1)
    IACCVIOL = Field(0, 0, Access.RC_W1)


class Hfsr(Register):
    """HFSR, HardFault Status Register. DDI 0403E.e B3.2."""

    DEBUGEVT = Field(31, 31, Access.RC_W1)
    FORCED = Field(30, 30, Access.RC_W1)
    VECTTBL = Field(1, 1, Access.RC_W1)


class Dfsr(Register):
    """DFSR, Debug Fault Status Register. DDI 0403E.e C1.6."""

    EXTERNAL = Field(4, 4, Access.RC_W1)
    VCATCH = Field(3, 3, Access.RC_W1)
    DWTTRAP = Field(2, 2, Access.RC_W1)
    BKPT = Field(1, 1, Access.RC_W1)
    HALTED = Field(0, 0, Access.RC_W1)


class Mmfar(Register):
    """MMFAR, MemManage Fault Address Register. DDI 0403E.e B3.2."""

    ADDRESS = Field(31, 0)


class Bfar(Register):
    """BFAR, BusFault Address Register. DDI 0403E.e B3.2."""

    ADDRESS = Field(31, 0)


class Afsr(Register):
    """AFSR, Auxiliary Fault Status Register. DDI 0403E.e B3.2. These cores set no bit of it."""

    AUXFAULT = Field(31, 0, Access.RC_W1)
