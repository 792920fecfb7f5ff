"""The fault campaign: injections over bad lines, and what was reported against what is true.

Each run restores a board with a patch or two on it, injects over a line with one fault, heals the
line, and looks: at the comparators, the remap table and the memory, which are read past the line,
and at what the board does when the function is called.
"""

import random
import struct
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

import serial

from firmware.build import firmware_elf
from server.device.commands import Device
from server.device.session import NONCE_SIZE, Session
from server.device.slots import Mode
from server.errors import BuildError, ServerError
from server.inject import ALIGNMENT, InjectRequest, InjectResult, inject
from server.patch.compile import Toolchain
from server.patch.image import FirmwareImage, load_image
from tests.faults.faulty_port import Fault, FaultyPort
from tests.faults.gaps import gap_of_level_1

PART = "stm32f103c8"
LEVELS = {1: "level1", 2: ""}  # the variant of the firmware
OLD, NEW = "Hello from before", "Hello from now"
BYSTANDER = "unsigned {name}({arguments}) {{ return 77; }}"
FP_COMP0 = 0xE000_2008
BLOCKS = 9  # of the loader's memory: a slot's each, and the allocation
TIMEOUT_S = 1.0  # of virtual time
MODES: dict[int, tuple[Mode, ...]] = {
    1: ("trampoline",),  # the first DebugMonitor patch of a field loader takes the others out
    2: ("trampoline", "trampoline", "debugmon"),
}
BREAKPOINTS: tuple[Mode, ...] = ("debugmon",)  # all that version 2 of the unit has


def greeting(text: str) -> str:
    return f'const char *greet(void) {{ return "{text}"; }}'


@dataclass
class Bench:
    """What an injection works with."""

    device: Device
    image: FirmwareImage
    toolchain: Toolchain


@dataclass(frozen=True)
class Truth:
    """What the board is, read past the line."""

    comparators: tuple[int, ...]
    table: tuple[int, ...]  # the words that they put in place of flash's
    used: int  # bytes of the patches' memory that somebody has
    bystander: bytes  # the other patch's code


@dataclass(frozen=True)
class Start:
    """A board to begin a run with."""

    snapshot: Any
    truth: Truth
    greeting: str


@dataclass
class Run:
    """One injection, and what is wrong with its report."""

    level: int
    seed: int
    fault: Fault
    came: bool = False  # the fault, before the injection ended
    taken: int = 0  # bytes of the board's memory, by what was reported as a success
    gap: str = ""  # of level 1, through which the fault went
    reported: str = ""  # success, or the error's code and what it says of the board
    wrong: list[str] = field(default_factory=list[str])
    untold: list[str] = field(default_factory=list[str])  # what level 1 itself cannot tell


class Campaign:
    """Boards of one part, at one level of the protocol."""

    def __init__(self, level: int, part: str = PART) -> None:
        self.level = level
        self.rng = random.Random(0)
        elf = firmware_elf(part, variant=LEVELS[level])
        self.image = load_image(elf)
        self.toolchain = Toolchain.named("zig").aimed_at(self.image.target)
        self.port = FaultyPort(f"emu://{part}{elf}?pace=lockstep")
        self.fresh_greeting = ""
        with self.bench() as bench:
            self.fresh_greeting = bench.device.hello()
            info = bench.device.info()
            self.comparators = len(info.slots)
            self.modes = MODES[level] if info.can_remap else BREAKPOINTS
            self.bystander = self._put_bystander(bench)
            starts = [self._start(self.fresh_greeting)]
            self.fresh = replace(starts[0].truth, comparators=(0,) * self.comparators, used=0)
            inject(InjectRequest(greeting(OLD), mode=self.modes[0]), bench, lambda _: None)
            starts.append(self._start(OLD))
        self.starts = starts

    def close(self) -> None:
        self.port.switch_off()

    def run(self, seed: int) -> Run:
        """Inject once over a line with the fault that the seed draws."""
        rng = self.rng = random.Random(seed)
        start, mode = rng.choice(self.starts), rng.choice(self.modes)
        run = Run(self.level, seed, Fault.drawn(rng, self.level))
        is_connected_before = rng.random() < 0.5
        self.port.board.restore(start.snapshot)
        self.port.begin(None if is_connected_before else run.fault)
        state = "active"
        try:
            with self.bench() as bench:
                if is_connected_before:
                    bench.device.info()
                    self.port.begin(run.fault)
                result = inject(InjectRequest(greeting(NEW), mode=mode), bench, lambda _: None)
            run.reported, run.taken = "success", result.size + ALIGNMENT
        except ServerError as error:
            state = error.board
            run.reported = f"{error.code}, {error.board}"
            if isinstance(error, BuildError):  # which no line has any part in
                run.wrong.append(f"{error}\n{error.stderr}")
        if self.level == 1:
            run.gap = gap_of_level_1(self.port.sent, bytes(self.port.arrived))
        run.came = self.port.happened
        was_reset = run.fault.kind == "reset" and run.came
        self.port.begin(None)
        with self.bench() as bench:
            self._judge(run, start, bench, state, was_reset=was_reset)
        return run

    @contextmanager
    def bench(self) -> Generator[Bench]:
        """Open a session of one's own on the port."""
        port = cast(serial.Serial, self.port)  # as pyserial's own opening of a URL has it
        nonce = partial(self.rng.randbytes, NONCE_SIZE)  # a tag's digits shift where a fault hits
        with Session(port, lambda _: None, timeout_s=TIMEOUT_S, nonce=nonce) as session:
            yield Bench(Device(session), self.image, self.toolchain)

    def _judge(self, run: Run, start: Start, bench: Bench, state: str, *, was_reset: bool) -> None:
        """Compare what was reported with what is."""
        try:
            found, truth = bench.device.hello(), self._truth()
            before = {start.greeting: start.truth}
            if was_reset:  # perhaps before the injection looked at the board
                before[self.fresh_greeting] = self.fresh
            expected = {
                "active": {NEW},
                "unknown": {NEW, start.greeting, self.fresh_greeting},
            }.get(state, set(before))
            if found not in expected:
                run.wrong.append(f"reported {run.reported}, but it greets {found!r}")
            elif state in {"unchanged", "staging"}:
                if truth.comparators != before[found].comparators:
                    run.wrong.append(f"reported {run.reported}, but the comparators changed")
                if state == "unchanged" and truth.used != before[found].used:
                    run.wrong.append(f"reported {run.reported}, but other memory is taken")
            if not was_reset:
                if run.taken and truth.used != self.starts[0].truth.used + run.taken:
                    run.wrong.append(f"{truth.used} bytes are taken, of which {run.taken} for it")
                self._judge_bystander(run, start, truth, state)
            bench.device.unpatch(None)
            if (used := self._truth().used) != 0:
                run.wrong.append(f"leaked {used} bytes")
        except ServerError as error:
            run.wrong.append(f"the board is not usable any more: {error}")

    def _judge_bystander(self, run: Run, start: Start, truth: Truth, state: str) -> None:
        slots = self.bystander.slots
        if any(truth.comparators[n] != start.truth.comparators[n] for n in slots):
            lie = "another patch's comparator changed"
            if run.gap and state == "unknown":  # explained by the gap, and reported as not known
                run.untold.append(f"{run.gap}: {lie}")
            else:
                run.wrong.append(lie)
        if any(truth.table[n] != start.truth.table[n] for n in slots):
            run.wrong.append("another patch's word in the remap table changed")
        if truth.bystander != start.truth.bystander:
            run.wrong.append("another patch's memory was written")

    def _put_bystander(self, bench: Bench) -> InjectResult:
        """Patch another function, over two words where the loader can."""
        names = ["digits_1"] if self.level > 1 else [f"weigh_{n}" for n in range(6)]
        symbols = [self.image.function(name) for name in names]
        symbol = next(s for s in symbols if self.level > 1 or s.address % 4 == 0)
        count = 1 if self.level > 1 else int(symbol.name[-1])
        arguments = ", ".join(f"unsigned a{n}" for n in range(count)) or "void"
        source = BYSTANDER.format(name=symbol.name, arguments=arguments)
        return inject(InjectRequest(source, mode=self.modes[0]), bench, lambda _: None)

    def _start(self, text: str) -> Start:
        return Start(self.port.board.snapshot(), self._truth(), text)

    def _truth(self) -> Truth:
        symbols = self.port.board.image.symbols
        blocks = self._words(symbols["blocks"], 2 * BLOCKS)  # offset, size
        return Truth(
            comparators=self._words(FP_COMP0, self.comparators),
            table=self._words(symbols["remap_table"], self.comparators),
            used=sum(blocks[1::2]),
            bystander=bytes(self.port.board.read(self.bystander.address, self.bystander.size)),
        )

    def _words(self, address: int, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}I", self.port.board.read(address, 4 * count))


def table(runs: list[Run]) -> str:
    """Say what was reported, by fault, and what of it was wrong."""
    reports = sorted({run.reported for run in runs}, key=lambda text: (text != "success", text))
    lines = [
        f"{'fault':<11}{'runs':>6}{'came':>6}{'success':>9}{'failure':>9}{'untold':>8}{'wrong':>7}"
    ]
    for kind in sorted({run.fault.kind for run in runs}):
        of_kind = [run for run in runs if run.fault.kind == kind]
        good = sum(run.reported == "success" for run in of_kind)
        wrong = sum(bool(run.wrong) for run in of_kind)
        untold = sum(bool(run.untold) for run in of_kind)
        came = sum(run.came for run in of_kind)
        counts = (len(of_kind), came, good, len(of_kind) - good, untold, wrong)
        widths = (6, 6, 9, 9, 8, 7)
        columns = (f"{count:>{width}}" for count, width in zip(counts, widths, strict=True))
        lines.append(f"{kind:<11}{''.join(columns)}")
    lines.append("")
    reported = Counter(run.reported for run in runs)
    lines += [f"{reported[report]:>6}  {report}" for report in reports]
    excused = Counter(lie for run in runs for lie in run.untold)
    lines += [f"{count:>6}  untold, {lie}" for lie, count in excused.most_common()]
    for run in runs:
        lines += [f"seed {run.seed}, level {run.level}, {run.fault}: {w}" for w in run.wrong]
    return "\n".join(lines)
