"""What a register access, a new board and a snapshot cost."""

import os
import statistics
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

from benchmarks.beside_qemu import poke
from benchmarks.guest import build_guest
from benchmarks.table import Row
from emulator.board import Board
from firmware.build import firmware_elf

ROUNDS = 5
SNAPSHOTS, NEW_BOARDS = 300, 20
POLLED = {"USART1_SR": 0x4001_3800, "GPIOA_IDR": 0x4001_0808, "RCC_CR": 0x4002_1000}
TICKS_MS = 500
RECEIVED_BYTES, RECEIVING_MS, BYTE_US = 500, 50, 87  # at 115 200 baud
RCC_APB2ENR = 0x4002_1018
READS_A_ROUND, POLLING_MS = 1000, 100


def registers(folder: Path) -> list[Row]:
    """Time the guest's reads of registers, beyond the same loop's reads of RAM."""
    board = Board.from_elf("stm32f103c8", build_guest(folder, "polling.c"))
    poke(board, RCC_APB2ENR, 0xFFFF_FFFF)
    rows: list[Row] = []
    base = us_a_read(board, board.image.symbols["sum"])
    for name, address in POLLED.items():
        rows.append(
            Row(f"read of {name}", f"{us_a_read(board, address) - base:.2f} us", "1 at most")
        )
    return rows


def us_a_read(board: Board, address: int) -> float:
    """Return the best of some rounds: the host has other things to do, too."""
    poke(board, board.image.symbols["polled"], address)
    board.run_for(ms=5)  # finish the round that was begun
    figures: list[float] = []
    for _ in range(ROUNDS):
        before, started = board.read(board.image.symbols["rounds"], 4), time.process_time()
        board.run_for(ms=POLLING_MS)
        elapsed = time.process_time() - started
        after = board.read(board.image.symbols["rounds"], 4)
        rounds = int.from_bytes(after, "little") - int.from_bytes(before, "little")
        figures.append(elapsed / (READS_A_ROUND * rounds) * 1e6)
    return min(figures)


def exceptions() -> list[Row]:
    """Weigh the loader's interrupts in the host's time: SysTick's, and the console's receiver's."""
    board = Board.from_elf("stm32f103c8", firmware_elf("stm32f103c8"))
    board.run_for(ms=50)
    tick = min(us_of_cpu(board, TICKS_MS) for _ in range(ROUNDS)) / TICKS_MS
    figures: list[float] = []
    for _ in range(ROUNDS):
        board.line.send(b"#" * RECEIVED_BYTES)  # no command: nothing is sent back
        cpu = us_of_cpu(board, RECEIVING_MS) - tick * RECEIVING_MS
        figures.append(cpu / RECEIVED_BYTES)
    byte = min(figures)
    return [
        Row(
            "a tick: SysTick, once per millisecond",
            f"{tick:.0f} us",
            f"{tick / 10:.1f} % of a core",
        ),
        Row("a byte received by interrupt", f"{byte:.0f} us", f"the line takes {BYTE_US} us"),
    ]


def us_of_cpu(board: Board, ms: int) -> float:
    """Return what the host's processor spends on some time of the board's."""
    started = time.process_time()
    board.run_for(ms=ms)
    return (time.process_time() - started) * 1e6


def snapshots(folder: Path) -> list[Row]:
    """Time a new board, a snapshot and a restore, and weigh further boards."""
    elf = build_guest(folder, "polling.c")
    loader = firmware_elf("stm32f103c8")
    Board.from_elf("stm32f103c8", elf)  # what is loaded once is no board's
    created = median_us(lambda: Board.from_elf("stm32f103c8", elf), NEW_BOARDS)
    output = median_us(lambda: first_output(loader), NEW_BOARDS)
    board = Board.from_elf("stm32f103c8", loader)
    board.run_for(ms=1)
    early = board.snapshot()
    board.run_for(ms=9)
    states = cycle([early, board.snapshot()])
    saved = median_us(board.snapshot)
    restored = median_us(lambda: board.restore(next(states)))
    return [
        Row("new board from ELF", f"{created / 1e3:.1f} ms"),
        Row("new board from ELF to its first output", f"{output / 1e3:.1f} ms", "30 at most"),
        Row("snapshot", f"{saved:.0f} us"),
        Row("restore of a state 9 ms away", f"{restored:.0f} us", "100 at most"),
        Row("memory of each further board", f"{megabytes_each(board):.1f} MB", "5 at most"),
    ]


def first_output(elf: Path) -> Board:
    board = Board.from_elf("stm32f103c8", elf)
    board.run_until(10**9, stop_when=lambda: bool(board.line.received))
    return board


def megabytes_each(board: Board) -> float:
    """Fork boards that run and are kept; return what each adds to this process."""
    kept: list[Board] = []
    before = resident_bytes()
    for _ in range(NEW_BOARDS):
        kept.append(board.fork())
        kept[-1].run_for(ms=100)
    return (resident_bytes() - before) / len(kept) / 1e6


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def median_us(action: Callable[[], object], rounds: int = SNAPSHOTS) -> float:
    times: list[float] = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e6
