"""Arguments and results of every shape, through a patched call, and interrupts in between.

The program is tests/firmware/abi: it calls all its functions over and over; an original returns
zeros, a patch what tells its arguments.
"""

import re
import struct
from pathlib import Path

import pytest

from emulator.board import Board
from emulator.snapshot import Snapshot
from firmware.build import firmware_elf
from server.patch.image import FirmwareImage, load_image
from tests.firmware.demo import info_line, word
from tests.firmware.talking import Talk, inject_source

PROGRAM = Path(__file__).parent / "abi"
TYPES = re.sub(r"/\*.*?\*/|#(ifndef|define TESTS|endif).*", "", (PROGRAM / "abi.h").read_text())
SYST_RVR, FP_CTRL = 0xE000_E014, 0xE000_2000
LETTERS = "abcdefghij"


def weighed(count: int) -> str:
    """Return a function that makes one number of its arguments, each with its own weight."""
    parameters = ", ".join(f"U {letter}" for letter in LETTERS[:count]) or "void"
    terms = "".join(f" + {11 ** (n + 1)}u * {letter}" for n, letter in enumerate(LETTERS[:count]))
    return f"U sum{count}@({parameters}) {{ return 7{terms}; }}"


def folded(value: int) -> int:
    return (value ^ value >> 32) & 0xFFFF_FFFF


# What each patch is, and what its call then gives, in the order in which the program calls.
CASES = [
    *((weighed(n), 7 + sum(11**k * k for k in range(1, n + 1)) & 0xFFFF_FFFF) for n in range(11)),
    ("uint64_t long_first@(uint64_t a, U b) { return 3 * a + b; }", folded(3 * 0x1_0000_0002 + 7)),
    (
        "uint64_t long_aligned@(U a, uint64_t b, U c, uint64_t d) { return a + 3*b + 5*c + 7*d; }",
        folded(1 + 3 * 0x2_0000_0003 + 5 * 4 + 7 * 0x5_0000_0006),
    ),
    (
        "float real@(float a, double b, float c) { return a * c + (float)b; }",
        int.from_bytes(struct.pack("<f", 1.5 * 4 + 2.25), "little"),
    ),
    (
        "double real_long@(double a, float b) { return a * b; }",
        folded(int.from_bytes(struct.pack("<d", 2.5 * 8), "little")),
    ),
    ("U takes_pair@(struct byte_pair a, U b) { return a.a + 3 * a.b + 5 * b; }", 3 + 1500 + 45),
    (
        """U takes_words@(struct words a, U b) {
            U n = b;
            for (int i = 0; i < 6; i++)
                n = n * 9 + a.v[i];
            return n;
        }""",
        7 * 9**6 + sum((n + 1) * 9 ** (5 - n) for n in range(6)),
    ),
    (
        "U takes_mixed@(U a, struct mixed b) { return a + 3*b.a + 5*(U)b.b + 7*(U)(b.b >> 32); }",
        1 + 3 * 2 + 5 * 4 + 7 * 3,
    ),
    ("struct byte_pair gives_pair@(U a) { return (struct byte_pair){a, 400 + a}; }", 77_000 + 477),
    (
        "struct words gives_words@(U a, U b) { return (struct words){{1, a, b, 0, 0, a + b}}; }",
        1 + 50 + 600 + 11_000,
    ),
    (
        "struct mixed gives_mixed@(uint64_t a, U b, U c) { return (struct mixed){b + c, a * 3}; }",
        19 + folded(3 * 0x7_0000_0008),
    ),
    (
        """U variadic@(U count, ...) {
            va_list l;
            va_start(l, count);
            U n = count * va_arg(l, U);
            n += folded(va_arg(l, uint64_t));
            n += (U)(va_arg(l, double) * 2);
            n += va_arg(l, U);
            va_end(l);
            return n;
        }""",
        4 * 11 + folded(0xC_0000_000D) + 29 + 15,
    ),
]
NAMES = [re.findall(r"(\w+)@", source)[0] for source, _ in CASES]


def source_of(case: str, parity: str) -> str:
    helper = "static uint32_t folded(uint64_t v) { return (uint32_t)(v ^ v >> 32); }"
    unused = "__attribute__((unused)) "
    text = case.replace("@", f"_{parity}")
    return f"{TYPES}\n#define U uint32_t\n{unused}{helper}\n/* FPB_INJECT */\n{text}\n"


@pytest.fixture(
    scope="module",
    params=[
        "stm32f103c8",
        pytest.param("stm32f405", marks=pytest.mark.slow),
        pytest.param("stm32l552", marks=pytest.mark.slow),
    ],
)
def abi(request: pytest.FixtureRequest) -> tuple[Board, Snapshot, FirmwareImage]:
    """Floats travel in core registers on the first part, in their own on the others."""
    elf = firmware_elf(request.param, program=PROGRAM)
    board = Board.from_elf(request.param, elf)
    board.run_for(ms=20)
    return board, board.snapshot(), load_image(elf)


@pytest.fixture
def board(abi: tuple[Board, Snapshot, FirmwareImage]) -> Board:
    board, snapshot, _ = abi
    board.restore(snapshot)
    return board


@pytest.fixture
def image(abi: tuple[Board, Snapshot, FirmwareImage]) -> FirmwareImage:
    return abi[2]


@pytest.fixture
def commands(board: Board) -> tuple[str, str]:
    """Two ways to patch a function; the unit's version 2 knows one."""
    remaps = board.read(FP_CTRL, 4)[3] >> 4 == 0  # FP_CTRL.REV
    return ("tpatch", "dpatch") if remaps else ("dpatch", "dpatch")


@pytest.fixture
def ask(board: Board) -> Talk:
    return Talk(board)


def results(board: Board) -> dict[str, int]:
    """Return what every call gave in the last whole round, by function."""
    board.run_for(ms=1)
    return {
        f"{name}_{parity}": word(board, board.image.symbols[f"results_{parity}"] + 4 * n)
        for parity in "wh"
        for n, name in enumerate(NAMES)
    }


def test_functions_are_at_both_parities(image: FirmwareImage) -> None:
    for name in NAMES:
        assert image.function(f"{name}_w").address % 4 == 0
        assert image.function(f"{name}_h").address % 4 == 2


@pytest.mark.parametrize("parity", ["w", pytest.param("h", marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", range(len(CASES)), ids=NAMES)
def test_arguments_and_result_pass_through_a_patched_call(
    board: Board,
    ask: Talk,
    image: FirmwareImage,
    commands: tuple[str, str],
    case: int,
    parity: str,
) -> None:
    unpatched = dict.fromkeys(results(board), 0)
    assert results(board) == unpatched
    source, expected = CASES[case]
    code = source_of(source, parity)
    verdict = inject_source(ask, image, code, slot=2, command=commands[0])
    patched = unpatched | {f"{NAMES[case]}_{parity}": expected}
    assert results(board) == patched
    original, *_, target = re.findall(r"0x\w+", verdict)
    assert ask(f"fl -c dpatch --comp 2 --orig {original} --target {target}") == [
        f"[FLOK] DebugMon 2: {original} -> {target}"
    ]
    assert results(board) == patched
    ask("fl -c unpatch --comp 2")
    assert results(board) == unpatched


# Interrupts: the handler itself is patched, and calls a function that is being patched.

TICK = """
extern volatile uint32_t ticks, wrong, now_ms;
uint32_t sum4_h(uint32_t a, uint32_t b, uint32_t c, uint32_t d);
uint32_t sum10_w(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f,
                 uint32_t g, uint32_t h, uint32_t i, uint32_t j);

/* FPB_INJECT */
void tick_interrupt(void)
{
    uint32_t four = sum4_h(1, 2, 3, 4);
    uint32_t ten = sum10_w(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    now_ms++;
    ticks++;
    wrong += (four != 0 && four != %uu && four != %uu) || (ten != 0 && ten != %uu);
}
"""


@pytest.mark.parametrize("handler", [0, 1])
def test_interrupt_calls_what_is_being_patched_and_meets_old_or_new(
    board: Board, ask: Talk, image: FirmwareImage, commands: tuple[str, str], handler: int
) -> None:
    """SysTick fires every few hundred instructions, at another place of the loader each time."""
    four, ten = CASES[4], CASES[10]
    other = four[0].replace("return 7", "return 8")
    numbers = (four[1], four[1] + 1, ten[1])
    tick = f"{TYPES}\n{TICK % numbers}"
    patches = [source_of(four[0], "h"), source_of(other, "h"), source_of(four[0], "h")]
    verdict = inject_source(ask, image, tick, slot=5, command=commands[handler])
    assert verdict.startswith("[FLOK]"), verdict
    for n, load in enumerate((1499, 2003)):
        board.write(SYST_RVR, load.to_bytes(4, "little"))
        first, second = commands if n % 2 else reversed(commands)
        for source, command in zip(patches, (first, second, second), strict=True):
            verdict = inject_source(ask, image, source, slot=2, command=command)
            assert verdict.startswith("[FLOK]"), verdict
        assert inject_source(ask, image, source_of(ten[0], "w"), slot=4, command=first).startswith(
            "[FLOK]"
        )
        assert results(board)["sum4_h"] == four[1]
        assert results(board)["sum10_w"] == ten[1]
        ask("fl -c enable --comp 2 --enable 0")
        ask("fl -c unpatch --comp 2")
        ask("fl -c unpatch --comp 4")
    assert word(board, board.image.symbols["wrong"]) == 0
    assert word(board, board.image.symbols["ticks"]) > 1000
    assert set(results(board).values()) == {0}


@pytest.mark.parametrize("which", [0, 1])
def test_interrupt_handler_is_patched_while_it_fires(
    board: Board, ask: Talk, image: FirmwareImage, commands: tuple[str, str], which: int
) -> None:
    """Not a tick is lost, and no interrupted call sees a register changed."""
    symbols = board.image.symbols
    counting = f"{TYPES}\n{TICK % (0, 0, 0)}"
    slower = counting.replace("ticks++;", "ticks++; for (volatile int i = 0; i < 9; i++) {}")
    board.write(SYST_RVR, (1201).to_bytes(4, "little"))
    nine, command = source_of(CASES[9][0], "w"), commands[which]
    assert inject_source(ask, image, nine, slot=1, command=commands[0]).startswith("[FLOK]")
    start, expected = word(board, symbols["now_ms"]), results(board)
    for source in (counting, slower, counting):
        assert inject_source(ask, image, source, slot=4, command=command).startswith("[FLOK]")
        before = word(board, symbols["ticks"])
        assert results(board) == expected
        assert word(board, symbols["ticks"]) > before
    ask("fl -c unpatch --comp 4")
    before = word(board, symbols["ticks"])
    assert results(board) == expected
    assert word(board, symbols["ticks"]) == before
    assert word(board, symbols["now_ms"]) - start > before > 0
    assert info_line(ask, "Slots: ").startswith("Slots: 1/")
