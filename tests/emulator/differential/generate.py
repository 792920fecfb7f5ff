"""Random guest programs: straight-line Thumb code on random registers, as assembler.

A program is a list of cases. Each loads twelve registers and the flags from a table, executes some
instructions, and stores registers, flags and a scratch buffer's sum. Seeded: the same seed gives
the same text.
"""

import random

CASES, LENGTH = 120, 10
LOW, ANY = range(8), range(12)  # r12 holds the scratch buffer's address
CONDITIONS = ("eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le")
OPPOSITE = dict(zip(CONDITIONS, (CONDITIONS[n ^ 1] for n in range(len(CONDITIONS))), strict=True))
INTERESTING = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)

# {d} {n} {m} {a}: any register; {l} {k}: low ones; {s}: a shift; {w} {b}: a bit field that fits.
FORMS = {
    "arithmetic": (
        "adds {d}, {n}, {m}",
        "adcs {d}, {n}, {m}",
        "subs {d}, {n}, {m}",
        "sbcs {d}, {n}, {m}",
        "rsbs {d}, {n}, {m}, lsl #{s}",
        "add {d}, {n}, {m}, ror #{s}",
        "adds {d}, {n}, #{i}",
        "subw {d}, {n}, #{i}",
        "mul {d}, {n}, {m}",
        "mla {d}, {n}, {m}, {a}",
        "mls {d}, {n}, {m}, {a}",
        "sdiv {d}, {n}, {m}",
        "udiv {d}, {n}, {m}",
        "umull {l}, {h}, {n}, {m}",
        "smull {l}, {h}, {n}, {m}",
        "umlal {l}, {h}, {n}, {m}",
        "smlal {l}, {h}, {n}, {m}",
    ),
    "logic": (
        "ands {d}, {n}, {m}",
        "bics {d}, {n}, {m}, lsr #{s}",
        "orrs {d}, {n}, {m}",
        "orn {d}, {n}, {m}, asr #{s}",
        "eors {d}, {n}, {m}",
        "mvns {d}, {m}",
        "movw {d}, #{i}",
        "movt {d}, #{i}",
        "tst {n}, {m}",
        "teq {n}, {m}, ror #{s}",
        "cmp {n}, {m}",
        "cmn {n}, {m}",
    ),
    "shifts": (
        "lsls {d}, {n}, {m}",
        "lsrs {d}, {n}, {m}",
        "asrs {d}, {n}, {m}",
        "rors {d}, {n}, {m}",
        "lsls {d}, {n}, #{s}",
        "asrs {d}, {n}, #{s}",
        "rrxs {d}, {n}",
    ),
    "bits": (
        "clz {d}, {n}",
        "rbit {d}, {n}",
        "rev {d}, {n}",
        "rev16 {d}, {n}",
        "revsh {d}, {n}",
        "ubfx {d}, {n}, #{b}, #{w}",
        "sbfx {d}, {n}, #{b}, #{w}",
        "bfi {d}, {n}, #{b}, #{w}",
        "bfc {d}, #{b}, #{w}",
        "uxtb {d}, {n}, ror #8",
        "sxth {d}, {n}, ror #16",
        "sxtb {d}, {n}",
    ),
    "saturation": (
        "ssat {d}, #{w}, {n}, lsl #{s}",
        "ssat {d}, #{w}, {n}, asr #{s}",
        "usat {d}, #{b}, {n}, lsl #{s}",
        "usat {d}, #{b}, {n}",
    ),
    "memory": (
        "str {d}, [r12, #{o}]",
        "ldr {d}, [r12, #{o}]",
        "strh {d}, [r12, #{o}]",
        "ldrsh {d}, [r12, #{o}]",
        "strb {d}, [r12, #{o}]",
        "ldrsb {d}, [r12, #{o}]",
        "ldr {d}, [r12, #{u}]",  # unaligned
        "str {d}, [r12, #{u}]",
        "strd {l}, {h}, [r12, #{o}]",
        "ldrd {l}, {h}, [r12, #{o}]",
        "stmia r12, {{{list}}}",
        "ldmia r12, {{{list}}}",
        "push {{{list}}}\n\tpop {{{list}}}",
        "ldrex {l}, [r12, #{o}]\n\tstrex {h}, {a}, [r12, #{o}]",
        "strex {l}, {h}, [r12, #{o}]",
    ),
}


def instruction(rng: random.Random, kind: str) -> str:
    """Return one instruction of a kind, with random operands."""
    low, high = rng.sample(LOW, 2)
    first_bit = rng.randrange(31)
    names = {name: f"r{rng.choice(ANY)}" for name in "dnm"}
    names["a"] = f"r{rng.choice([r for r in ANY if r not in {low, high}])}"
    return rng.choice(FORMS[kind]).format(
        **names,
        l=f"r{low}",
        h=f"r{high}",
        s=rng.randrange(1, 31),
        i=rng.randrange(256),
        b=first_bit,
        w=rng.randrange(1, 32 - first_bit),
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


def case(rng: random.Random, number: int) -> str:
    """Return one case: a function that the harness calls with the table row of its registers."""
    kinds = (*FORMS, "conditional")
    chosen = (rng.choice(kinds) for _ in range(LENGTH))
    body = (
        conditional(rng) if kind == "conditional" else instruction(rng, kind) for kind in chosen
    )
    lines = "\n\t".join(body)
    return f".thumb_func\n.global case_{number}\ncase_{number}:\n\tENTER\n\t{lines}\n\tLEAVE\n"


def program(seed: int) -> str:
    """Return a whole program's assembler text; harness.s has its macros."""
    rng = random.Random(seed)
    cases = "".join(case(rng, number) for number in range(CASES))
    table = "".join(f"\t.word case_{number}\n" for number in range(CASES))
    words = (rng.choice((*INTERESTING, rng.getrandbits(32))) for _ in range(CASES * 13))
    inputs = "".join(f"\t.word {word:#010x}\n" for word in words)
    return f'.include "harness.s"\n{cases}\n.balign 4\ncases:\n{table}\ninputs:\n{inputs}'
