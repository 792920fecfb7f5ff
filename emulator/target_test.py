"""TT and TTT of Armv8-M: what may be accessed at an address, and which region of the MPU says so.

The engine would answer by an MPU of its own, which is always off; native/translation.h has it stop
instead. Sources: the Armv8-M architecture's TT_RESP, as CMSIS's arm_cmse.h has its fields; without
the Security Extension all others are 0, and TTA and TTAT are undefined.
UNKNOWN: what unprivileged TTT says of the Private Peripheral Bus; here, that it may not access it.
"""

from emulator.clock import Clock
from emulator.core_registers import CoreRegisters
from emulator.protection import Mode, Protection, Verdict
from emulator.views import AccessKind
from emulator.xpsr import advanced_itstate

FIRST, FIRST_MASK = 0xE840, 0xFFF0
SECOND, SECOND_MASK = 0xF000, 0xF0BF  # with A, which is 0
T = 1 << 6  # of the second halfword: for unprivileged code
MRVALID, READ_OK, READWRITE_OK = 1 << 16, 1 << 18, 1 << 19


class TargetTest:
    """The instruction, for one core."""

    def __init__(self, clock: Clock, registers: CoreRegisters, protection: Protection) -> None:
        self._clock, self._registers, self._protection = clock, registers, protection

    def execute(self) -> bool:
        """Do what the next instruction does if it is one of these."""
        pc, xpsr = self._registers.resume.read()
        first, second = self._clock.halfword_at(pc), self._clock.halfword_at(pc + 2)
        if first & FIRST_MASK != FIRST or second & SECOND_MASK != SECOND:
            return False
        address, mode = self._registers.get(f"r{first & 0xF}"), self._registers.mode
        response = 0
        if mode.is_privileged:
            response = self._response(address, mode._replace(is_privileged=not second & T))
        self._registers.set(f"r{second >> 8 & 0xF}", response)
        self._registers.resume.write(pc + 4 | 1, advanced_itstate(xpsr))
        self._clock.take_back(self._clock.cycles + 1)
        return True

    def _response(self, address: int, mode: Mode) -> int:
        response = 0
        for access, flag in ((AccessKind.READ, READ_OK), (AccessKind.WRITE, READWRITE_OK)):
            if self._protection.of(address, access, mode) is Verdict.ALLOWED:
                response |= flag
        region = self._protection.region_of(address, mode)
        return response if region is None else response | MRVALID | region
