"""How fast the emulated core is beside QEMU's, on the same programs, and what a patch costs it.

What is compared is run in turns, and the processor time that each takes is what counts: of each
side the best turn, since the host has other things to do, too.
"""

import resource
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.guest import build_guest
from benchmarks.table import Row
from emulator.board import Board

TURNS = 5
SOURCE = "programs.c"
QEMU = "qemu-system-arm"
MACHINE = ("-M", "netduino2", "-nographic", "-monitor", "none", "-serial", "none")
COUNTING = ("-semihosting", "-icount", "shift=0")
FP_CTRL, FP_REMAP, FP_COMP0 = 0xE000_2000, 0xE000_2004, 0xE000_2008
KEY, ENABLE = 1 << 1, 1 << 0
TABLE = 0x2000_4000
RETURN_9 = bytes.fromhex("0920 7047")  # movs r0, #9; bx lr


class Program(NamedTuple):
    """One of programs.c; its rounds take longer than a second."""

    name: str
    kind: str
    rounds: int
    hold: str


PROGRAMS = (
    Program("tight loop", "TIGHT", 400, ">= 1.1"),
    Program("loads and stores", "LOADS", 3500, ">= 0.75"),
    Program("mixture of lists, matrix, states, CRC", "MIX", 2400, ">= 0.7"),
)
CALLS = Program("calls", "CALLS", 40, "<= 1.05")


def build(folder: Path, program: Program, *defines: str, rounds: int | None = None) -> Path:
    count = program.rounds if rounds is None else rounds
    return build_guest(folder, SOURCE, program.kind, f"ROUNDS={count}u", *defines)


def emulated_s(elf: Path, prepare: Callable[[Board], None] = lambda _: None) -> float:
    """Run a program to its end on a board of ours."""
    board = Board.from_elf("stm32f103c8", elf)
    prepare(board)
    done, started = board.image.symbols["done"], time.process_time()
    while not any(board.read(done, 4)):
        board.run_for(ms=1000)
    return time.process_time() - started


def qemu_s(elf: Path) -> float:
    """Run a program to its end on QEMU, which counts instructions, too."""
    started = children_s()
    command = [QEMU, *MACHINE, *COUNTING, "-kernel", str(elf)]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    return children_s() - started


def children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def in_turns(*actions: Callable[[], float]) -> list[list[float]]:
    """Return what each action took, turn by turn."""
    turns = [[action() for action in actions] for _ in range(TURNS)]
    return [list(times) for times in zip(*turns, strict=True)]


def ratio(name: str, times: list[float], base: list[float], hold: str, unit: str) -> Row:
    """Compare the best turns, and tell of the median one."""
    best = min(times) / min(base)
    median = statistics.median(ours / theirs for ours, theirs in zip(times, base, strict=True))
    return Row(name, f"{best:.2f} {unit}", f"{hold}; median {median:.2f}")


def speed(folder: Path) -> list[Row]:
    """Run the same programs here and there, and here with three patches."""
    if shutil.which(QEMU) is None:
        return [Row("beside QEMU", "skipped", f"there is no {QEMU} here (Debian: {QEMU})")]
    rows: list[Row] = []
    for program in PROGRAMS:
        elf = build(folder, program)
        there = build(folder, program, "SEMIHOSTING")
        nothing = build(folder, program, "SEMIHOSTING", rounds=0)
        start_s = min(qemu_s(nothing) for _ in range(TURNS))

        ours, qemus = in_turns(partial(emulated_s, elf), partial(qemu_s, there))
        theirs = [taken - start_s for taken in qemus]
        seconds = f"{min(ours):.2f} s, QEMU {min(theirs):.2f} s"
        row = ratio(program.name, theirs, ours, program.hold, "of QEMU")
        rows.append(row._replace(ratio=f"{row.ratio}; {seconds}"))
    return rows


def patches(folder: Path) -> list[Row]:
    """Run the same programs with and without patches."""
    rows: list[Row] = []
    for program in PROGRAMS:
        elf = build(folder, program)
        patched, plain = in_turns(
            partial(emulated_s, elf, patch_to_itself), partial(emulated_s, elf)
        )
        rows.append(ratio(f"three patches, {program.name}", plain, patched, ">= 0.93", "of none"))
    elf = build(folder, CALLS)
    patched, linked = in_turns(partial(emulated_s, elf, patch_the_call), partial(emulated_s, elf))
    rows.append(ratio("patched call", patched, linked, CALLS.hold, "of a linked one"))
    return rows


def patch_to_itself(board: Board) -> None:
    """Redirect three words of the program to what they are, so that it computes the same."""
    inside = (board.image.symbols["reset"] & ~0b11) + 0x10
    patch(board, {address: board.read(address, 4) for address in range(inside, inside + 12, 4)})


def patch_the_call(board: Board) -> None:
    """Replace the branch that `target` is by something else, and redirect to that branch."""
    target = board.image.symbols["target"] & ~1
    branch = board.read(target, 4)
    board.write(target, RETURN_9)
    patch(board, {target: branch})


def patch(board: Board, words: dict[int, bytes]) -> None:
    poke(board, FP_REMAP, TABLE)
    for n, (address, word) in enumerate(words.items()):
        board.write(TABLE + 4 * n, word)
        poke(board, FP_COMP0 + 4 * n, address | ENABLE)
    poke(board, FP_CTRL, KEY | ENABLE)


def poke(board: Board, address: int, word: int) -> None:
    board.write(address, word.to_bytes(4, "little"))
