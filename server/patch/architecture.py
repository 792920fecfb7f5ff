"""The core a patch is compiled for, and how floats are passed: as the firmware's ELF says.

A firmware that passes floats in core registers gets patches without floating-point instructions,
whatever its core has: they run on it, and nobody needs to know whether the unit is switched on.
"""

from dataclasses import dataclass
from typing import Final

from firmware.target import FPV5, Target

V7EM, V8M_BASE, V8M_MAIN = 13, 16, 17  # Tag_CPU_arch


@dataclass(frozen=True, slots=True)
class Architecture:
    """What compilers want to know."""

    cpu: str = "cortex-m3"
    triple: str = "thumbv7m-none-eabi"
    fpu: str = ""  # "": floats travel in core registers

    @property
    def is_hard_float(self) -> bool:
        return bool(self.fpu)

    @property
    def gcc_flags(self) -> tuple[str, ...]:
        return (f"-mcpu={self.cpu}", "-mthumb", *self._float_flags)

    @property
    def clang_flags(self) -> tuple[str, ...]:
        suffix = "hf" if self.is_hard_float else ""
        return ("-target", self.triple + suffix, f"-mcpu={self.cpu}", *self._float_flags)

    @property
    def _float_flags(self) -> tuple[str, ...]:
        return (f"-mfpu={self.fpu}", "-mfloat-abi=hard") if self.fpu else ("-mfloat-abi=soft",)


CORTEX_M3: Final = Architecture()
KNOWN: Final = {  # by Tag_CPU_arch; what is not here gets what most others run, too
    V7EM: ("cortex-m4", "thumbv7em-none-eabi"),
    V8M_BASE: ("cortex-m23", "thumbv8m.base-none-eabi"),
    V8M_MAIN: ("cortex-m33", "thumbv8m.main-none-eabi"),
}
M7: Final = ("cortex-m4", "fpv5-sp-d16")  # the one Armv7E-M core with this unit


def architecture_of(target: Target) -> Architecture:
    """Return what patches of a firmware are compiled for."""
    if target.architecture not in KNOWN:
        return CORTEX_M3
    cpu, triple = KNOWN[target.architecture]
    if not target.is_hard_float:
        return Architecture(cpu, triple)
    # Single precision: a unit with more runs it, and doubles are passed alike.
    is_v4 = target.architecture == V7EM and target.fp_architecture < FPV5
    fpu = "fpv4-sp-d16" if is_v4 else "fpv5-sp-d16"
    return Architecture("cortex-m7" if (cpu, fpu) == M7 else cpu, triple, fpu)
