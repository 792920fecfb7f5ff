"""The program status register (xPSR): its fields, and the IT block's state in it.

Pure. Sources: DDI 0403E.e B1.4 (fields), A7.3 (conditions, ITSTATE).
"""

XPSR_T = 1 << 24
XPSR_IPSR = 0x1FF
ITSTATE_BITS = 0b11 << 25 | 0b11_1111 << 10
ALWAYS = 0b1110


def condition_passes(xpsr: int) -> bool:
    """Whether the next instruction is executed, where it is in an IT block. DDI 0403E.e A7.3."""
    condition = itstate_of(xpsr) >> 4 if itstate_of(xpsr) else ALWAYS
    n, z, c, v = (bool(xpsr >> bit & 1) for bit in (31, 30, 29, 28))
    holds = (z, c, n, v, c and not z, n == v, n == v and not z, True)[condition >> 1]
    return holds is not bool(condition & 1 and condition != ALWAYS)


def itstate_of(xpsr: int) -> int:
    """Put ITSTATE together from its two places in xpsr."""
    return xpsr >> 25 & 0b11 | xpsr >> 8 & 0b1111_1100


def advanced_itstate(xpsr: int) -> int:
    """Return xpsr as it is behind the next instruction. DDI 0403E.e A7.3.3."""
    itstate = itstate_of(xpsr)
    itstate = itstate & 0b1110_0000 | itstate << 1 & 0b1_1111 if itstate & 0b111 else 0
    return xpsr & ~ITSTATE_BITS | (itstate & 0b11) << 25 | (itstate & 0b1111_1100) << 8
