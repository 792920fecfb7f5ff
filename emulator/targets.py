"""Whether a core can run what a firmware was built for."""

from dataclasses import dataclass
from typing import Final

from firmware.target import FPV4, FPV5, V7, Target


@dataclass(frozen=True, slots=True)
class Runs:
    """What a core can run: architectures, and floating-point units of hard-float programs."""

    architectures: frozenset[int]
    fp_architectures: frozenset[int]


V7M: Final = frozenset({V7, 11, 12})
RUNS: Final = {
    "cortex-m3": Runs(V7M, frozenset()),
    "cortex-m4": Runs(V7M | {13}, frozenset({0, FPV4})),
    "cortex-m33": Runs(V7M | {13, 16, 17}, frozenset({0, FPV4, FPV5})),
}


def fits(target: Target, model: str) -> bool:
    """Whether a core, such as cortex-m3, can run what was built for a target."""
    runs = RUNS[model]
    if target.architecture is not None and target.architecture not in runs.architectures:
        return False
    if target.architecture == V7 and target.profile not in {"", "M"}:
        return False
    return not target.is_hard_float or target.fp_architecture in runs.fp_architectures


def remedy(model: str) -> str:
    """Say how to build for a core."""
    soft = "" if RUNS[model].fp_architectures else " -mfloat-abi=soft"
    return f"build it for this part's core, with -mcpu={model} -mthumb{soft}"
