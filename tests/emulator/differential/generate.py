"""Random guest programs: straight-line Thumb code on random registers, as assembler.

A program is a list of cases. Each loads twelve registers and the flags from a table, executes some
instructions, and stores registers, flags and a scratch buffer's sum. Seeded: the same seed gives
the same text.
"""

import random
from collections.abc import Sequence

from tests.emulator.differential.forms import EXTENSIONS, FORMS_OF

CASES, LENGTH = 120, 10
LOW, ANY = range(8), range(12)  # r12 holds the scratch buffer's address
CONDITIONS = ("eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le")
OPPOSITE = dict(zip(CONDITIONS, (CONDITIONS[n ^ 1] for n in range(len(CONDITIONS))), strict=True))
INTERESTING = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
FLOATS = (0x3F80_0000, 0xBFC0_0000, 0x4B00_0001, 0x7F80_0000, 0x7FC0_0001, 0x7F80_0001, 0x0000_0001)


def instruction(rng: random.Random, forms: Sequence[str]) -> str:
    """Return one of these instructions, with random operands."""
    low, high = rng.sample(LOW, 2)
    first_bit = rng.randrange(31)
    names = {name: f"r{rng.choice(ANY)}" for name in "dnm"}
    names["a"] = f"r{rng.choice([r for r in ANY if r not in {low, high}])}"
    return rng.choice(forms).format(
        **names,
        l=f"r{low}",
        h=f"r{high}",
        s=rng.randrange(1, 31),
        i=rng.randrange(256),
        b=first_bit,
        w=rng.randrange(1, 32 - first_bit),
        t=rng.randrange(1, 16),
        r=rng.randrange(4) << 22,  # of FPSCR: how to round
        o=4 * rng.randrange(16),
        u=rng.randrange(1, 60),
        list=", ".join(f"r{r}" for r in sorted(rng.sample(ANY, rng.randrange(2, 7)))),
    )


def conditional(rng: random.Random) -> str:
    """Return an IT block of one to four instructions that set no flags."""
    condition = rng.choice(CONDITIONS)
    pattern = "".join(rng.choice("te") for _ in range(rng.randrange(4)))
    moves = ("mov", "add", "eor", "sub", "ldr")  # loads from pages that may be new to the TLB
    lines = [f"it{pattern} {condition}"]
    for which in f"t{pattern}":
        suffix = condition if which == "t" else OPPOSITE[condition]
        d, n, m = (f"r{rng.choice(ANY)}" for _ in range(3))
        move = rng.choice(moves)
        operands = {"mov": f"{d}, {m}", "ldr": f"{d}, [r12, #{4 * rng.randrange(1024)}]"}.get(
            move, f"{d}, {n}, {m}"
        )
        lines.append(f"{move}{suffix}.w {operands}")
    return "\n\t".join(lines)


def case(rng: random.Random, core: str, number: int) -> str:
    """Return one case: a function that the harness calls with the table row of its registers."""
    forms = FORMS_OF[core]
    chosen = (rng.choice((*forms, "conditional")) for _ in range(LENGTH))
    body = (
        conditional(rng) if kind == "conditional" else instruction(rng, forms[kind])
        for kind in chosen
    )
    lines = "\n\t".join(body)
    return f".thumb_func\n.global case_{number}\ncase_{number}:\n\tENTER\n\t{lines}\n\tLEAVE\n"


def program(core: str, seed: int) -> str:
    """Return a whole program's assembler text for a core; harness.s has its macros."""
    rng = random.Random(seed)
    cases = "".join(case(rng, core, number) for number in range(CASES))
    table = "".join(f"\t.word case_{number}\n" for number in range(CASES))
    interesting = INTERESTING if core == "cortex-m3" else INTERESTING + FLOATS
    words = (rng.choice((*interesting, rng.getrandbits(32))) for _ in range(CASES * 13))
    inputs = "".join(f"\t.word {word:#010x}\n" for word in words)
    head = f'.cpu {core}\n{EXTENSIONS[core]}\n.include "harness.s"\n'
    return f"{head}{cases}\n.balign 4\ncases:\n{table}\ninputs:\n{inputs}"
