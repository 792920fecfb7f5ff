"""The core's registers, readable and writable whatever mode it is in.

Sources: DDI 0403E.e B1.4. The engine lets unprivileged code see less, as the core does, and its own
idea of the mode has to be renewed: both are dealt with here.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from emulator.clock import Clock
from emulator.engine import REGISTERS, Engine, RegisterSet
from emulator.own_code import OwnCode
from emulator.protection import Mode, Protection
from emulator.xpsr import XPSR_T

NMI, HARDFAULT = 2, 3  # in IPSR
NPRIV = 1  # of CONTROL: Thread mode is unprivileged
MASKS = ("primask", "basepri", "faultmask")
CORE = (*(f"r{n}" for n in range(13)), "lr", "pc", "msp", "psp", "xpsr", *MASKS, "control")
FP = (*(f"s{n}" for n in range(32)), "fpscr")


class CoreRegisters:
    """The registers, and what else of the core's state is in the native clock."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        protection: Protection,
        *,
        has_fpu: bool,
    ) -> None:
        self._own_code = OwnCode(engine, clock)
        self.clear_exclusive = self._own_code.clear_exclusive
        self.set_limits = self._own_code.set_limits
        self._engine, self._native, self._protection = engine, clock.native, protection
        self.register_set: Callable[..., RegisterSet] = engine.register_set
        self._masks, self._stopped = engine.register_set(*MASKS), engine.native
        self.resume = engine.register_set("pc", "xpsr")
        self._names = CORE + FP * has_fpu
        self._state = engine.register_set(*self._names)
        self._read, self._write = engine.read_register, engine.write_register

    def get(self, name: str) -> int:
        return self._read(REGISTERS[name])

    def set(self, name: str, value: int) -> None:
        thumb = name == "pc"  # the engine takes EPSR.T from bit 0 of the address
        self._write(REGISTERS[name], value | thumb)
        self._stopped.is_known = 0

    def masks(self) -> list[int]:
        """Return PRIMASK, BASEPRI and FAULTMASK: as the core stopped, or as they are now."""
        masks: list[int] = self._stopped.masks[:]
        if not self._stopped.is_known:
            with self._handler_mode():
                masks = self._masks.read()
        return masks

    def limits(self) -> list[int]:
        """Return MSPLIM and PSPLIM; without the registers nothing is limited."""
        limits: list[int] = self._stopped.limits[:]
        return limits

    def watch_masks(self, masks: Sequence[int]) -> None:
        """While anything is masked, stop as soon as the masks are no longer these."""
        native = self._native
        native.is_watching_masks = any(masks)
        if native.is_watching_masks:
            native.masks[:] = masks
            native.slow_at = 0  # also if the core runs

    def reset(self, sp: int, entry: int) -> None:
        """Take the reset vector's values. DDI 0403E.e B1.5."""
        values = {"lr": 0xFFFF_FFFF, "pc": entry & ~1, "msp": sp & ~3, "xpsr": XPSR_T * (entry & 1)}
        self.restore((*(values.get(name, 0) for name in self._names), 0, 0, 0))

    def state(self) -> tuple[int, ...]:
        """Return every register, readable or not in the core's present mode."""
        with self._handler_mode() as ipsr:
            values = self._state.read()
        return (*values, *self.limits(), ipsr)

    def restore(self, state: tuple[int, ...]) -> None:
        *values, msplim, psplim, ipsr = state
        self.set("ipsr", 1)  # Handler mode: everything can be written
        self.set("control", 0)
        self.set_limits(msplim, psplim)
        self._state.write(*values)
        self._stopped.is_known = 0
        self.set("ipsr", ipsr)
        self.mode_changed()

    @property
    def mode(self) -> Mode:
        is_urgent = self.get("ipsr") in {NMI, HARDFAULT} or bool(self.masks()[-1])
        return Mode(self.is_privileged, is_urgent)

    @property
    def is_privileged(self) -> bool:
        return bool(self.get("ipsr")) or not self.get("control") & NPRIV

    def set_control(self, value: int) -> None:
        with self._handler_mode():
            self.set("control", value)
        self.mode_changed()

    @contextmanager
    def _handler_mode(self) -> Generator[int]:
        """Access what unprivileged code may not: it reads the masks and stack pointers as 0."""
        ipsr = self.get("ipsr")
        if not ipsr:
            self.set("ipsr", HARDFAULT)
        yield ipsr
        if not ipsr:
            self.set("ipsr", 0)

    def mode_changed(self) -> None:
        """Have the engine access memory as the present mode may: its own flag is older."""
        self.set("cpsr", self.get("cpsr"))  # recomputes the flag; nothing else does
        if self._protection.depends_on_mode:
            self._engine.flush_tlb()  # the engine's flag does not tell HardFault from others

    # Not in registers.

    @property
    def cycles(self) -> int:
        return int(self._native.cycles)

    @property
    def has_event(self) -> bool:
        """The event register, which SEV sets and WFE clears."""
        return bool(self._native.has_event)

    @has_event.setter
    def has_event(self, value: bool) -> None:
        self._native.has_event = value

    @property
    def is_exclusive(self) -> bool:
        """Whether the exclusive monitor may be set: LDREX has been executed."""
        return bool(self._native.is_exclusive)

    @is_exclusive.setter
    def is_exclusive(self, value: bool) -> None:
        self._native.is_exclusive = value
