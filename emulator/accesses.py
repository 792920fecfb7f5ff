"""What the guest's accesses see: which page the engine finds, or the fault where there is none.

Beside the rules of views.py and protection.py there are the cpu's own purposes: an instruction is
executed whose accesses were judged before, or without effect.
"""

from emulator.bus import Bus
from emulator.core_registers import CoreRegisters
from emulator.engine import NOTHING_BASE, Engine
from emulator.memory_map import PAGE_SIZE
from emulator.protection import Protection, Verdict
from emulator.stops import BusFaultStop
from emulator.views import AccessKind, Answer, Permission, Views

PERMISSIONS = {
    AccessKind.FETCH: Permission.EXECUTE,
    AccessKind.READ: Permission.READ,
    AccessKind.WRITE: Permission.WRITE,
}


class Accesses:
    """Answers the engine's questions."""

    def __init__(
        self,
        engine: Engine,
        registers: CoreRegisters,
        views: Views,
        bus: Bus,
        protection: Protection,
    ) -> None:
        self._engine, self._registers = engine, registers
        self._views, self._bus, self._protection = views, bus, protection
        self.exits: frozenset[int] = frozenset()  # where the engine ends without executing
        self.fault: BusFaultStop | None = None  # of the access that was refused last
        self.refused = Verdict.ALLOWED  # what was said of it
        self.is_lenient = False  # the MPU was said to be off, because of FAULTMASK
        self.is_tolerant = False  # accesses to where nothing is are made, to nothing
        engine.on_fill = self.fill

    def fill(self, address: int, access: AccessKind) -> Answer | None:
        if access is AccessKind.FETCH and self._views.is_new_code_page(address):
            self._engine.flush_tlb()  # or the page's data entry would let stores pass by unseen
        answer = self._answer(address, access)
        if answer is None:
            is_protected = self.refused is Verdict.MEM_FAULT
            self.fault = BusFaultStop(address, access is AccessKind.FETCH, is_protected)
        return answer

    def judge(self, address: int, access: AccessKind, *, is_unprivileged: bool) -> Verdict:
        mode = self._registers.mode
        if is_unprivileged:
            mode = mode._replace(is_privileged=False)
        return self._protection.of(address, access, mode)

    def _answer(self, page: int, access: AccessKind) -> Answer | None:
        mode = self._registers.mode
        verdict = self.refused = self._protection.of_page(page, access, mode)
        if self._protection.is_suspended(mode):
            self._be_lenient()
        is_judged = bool(self._engine.native.is_judged)
        if verdict is Verdict.ALLOWED or (verdict is Verdict.MIXED and is_judged):
            answer = self._views.answer(page, access, is_peripheral=self._bus.has)
            if answer is not None:
                return Answer(answer.physical, self._allowed(page, answer.permissions))
        if access is AccessKind.FETCH:
            # An exit at a page's start makes the engine ask for the page before it, too.
            is_asked_too = page + PAGE_SIZE in self.exits
            return Answer(NOTHING_BASE, Permission.EXECUTE) if is_asked_too else None
        alone = PERMISSIONS[access]
        return Answer(NOTHING_BASE, alone) if self.is_tolerant else None

    def _be_lenient(self) -> None:
        """Answer as while FAULTMASK is set, and have that looked at as soon as it is cleared."""
        masks = self._registers.masks()
        self.is_lenient = bool(masks[-1])
        self._registers.watch_masks(masks)

    def _allowed(self, page: int, permissions: Permission) -> Permission:
        """Leave out what only another kind of access would have to ask for."""
        if self._engine.native.is_judged or not self._protection.depends_on_mode:
            return permissions
        for kind, permission in PERMISSIONS.items():
            if self._protection.of_page(page, kind, self._registers.mode) is not Verdict.ALLOWED:
                permissions &= ~permission
        return permissions
