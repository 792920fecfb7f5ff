"""Faults of a serial line, on demand: what happens to each byte on its way, drawn from a seed.

Pure. A plan gives each fault's probability per byte, both ways; with an empty plan nothing is
drawn and nothing changes. The same plan and seed do the same to the same bytes.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import NamedTuple, Self

from emulator.errors import BoardError

DATA_BITS = 8
STOP_BITS = 0xFF00  # and an idle line behind them
DELAY_NS = 50_000_000  # a delay is shorter
SILENCE_NS = 200_000_000
WORD = 2**64


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """How often what happens: probabilities per byte."""

    drop: float = 0.0  # the byte is lost
    flip: float = 0.0  # one of its bits is another
    duplicate: float = 0.0  # it comes twice
    garbage: float = 0.0  # a byte that nobody sent comes before it
    delay: float = 0.0  # it, and what is behind it, is held up for less than 50 ms
    silence: float = 0.0  # it and all that follows in 200 ms is lost
    cut: float = 0.0  # it and all that follows is lost, until another plan is set

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a plan such as `flip:0.001,drop:0.0005`; BoardError names what is wrong."""
        names = [field.name for field in fields(cls)]
        plan: dict[str, float] = {}
        for item in filter(None, text.split(",")):
            name, _, number = item.partition(":")
            if name not in names:
                raise BoardError(f"no fault {name!r}; there are: {', '.join(names)}")
            if name in plan:
                raise BoardError(f"fault {name} is there twice in {text!r}; give it once")
            plan[name] = _probability(item, number)
        return cls(**plan)

    def __str__(self) -> str:
        return ",".join(f"{name}:{number!r}" for name, number in asdict(self).items() if number)


NO_FAULTS = FaultPlan()


def _probability(item: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise BoardError(f"{item!r}: give a probability from 0 to 1, such as flip:0.001")
    return number


class Passed(NamedTuple):
    """What comes out at the other end for a byte, or for nothing: its levels, and how late."""

    levels: int | None  # None: its time passes, and nothing comes
    delay_ns: int = 0


class Faults:
    """A plan at work on one line. What is on the line are levels behind the start bit."""

    def __init__(self) -> None:
        self.set(NO_FAULTS, 0)

    def set(self, plan: FaultPlan, seed: int) -> None:
        """Follow another plan from now on; what was cut is mended."""
        self.plan, self.seed = plan, seed
        self._text = str(plan)  # which takes longer than to restore a snapshot
        self._odds = {name: odds for name, odds in asdict(plan).items() if odds}
        self._random = seed % WORD
        self._silent_until_ns = 0
        self._is_cut = False

    def pass_on(self, levels: int, ns: int) -> list[Passed]:
        """Return what comes of one frame that is on the line at `ns`."""
        if not self._odds:
            return [Passed(levels)]
        happens = {name: self._draw() < odds * WORD for name, odds in self._odds.items()}
        return self._faulty(happens, levels, ns)

    def _faulty(self, happens: Mapping[str, bool], levels: int, ns: int) -> list[Passed]:
        self._is_cut = self._is_cut or happens.get("cut", False)
        if happens.get("silence"):
            self._silent_until_ns = ns + SILENCE_NS
        if self._is_cut or ns < self._silent_until_ns or happens.get("drop"):
            return [Passed(None)]
        if happens.get("flip"):
            levels ^= 1 << self._draw() % DATA_BITS
        passed = [Passed(levels, self._draw() % DELAY_NS if happens.get("delay") else 0)]
        if happens.get("garbage"):
            passed.insert(0, Passed(STOP_BITS | self._draw() % 256))
        if happens.get("duplicate"):
            passed.append(Passed(levels))
        return passed

    def _draw(self) -> int:
        """Return 64 random bits: a Weyl sequence, scrambled by multiplications and shifts."""
        self._random = (self._random + 0x9E37_79B9_7F4A_7C15) % WORD
        mixed = self._random
        mixed = (mixed ^ mixed >> 30) * 0xBF58_476D_1CE4_E5B9 % WORD
        mixed = (mixed ^ mixed >> 27) * 0x94D0_49BB_1331_11EB % WORD
        return mixed ^ mixed >> 31

    def state(self) -> tuple[str, int, int, int, bool]:
        """Return everything that `restore` needs, as plain values."""
        return (self._text, self.seed, self._random, self._silent_until_ns, self._is_cut)

    def restore(self, state: tuple[str, int, int, int, bool]) -> None:
        plan, seed, drawn, silent_until_ns, is_cut = state
        if (self._text, self.seed) != (plan, seed):
            self.set(FaultPlan.parse(plan), seed)
        self._random, self._silent_until_ns, self._is_cut = drawn, silent_until_ns, is_cut
