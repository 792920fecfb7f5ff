"""Patches that call the function they replace, on an emulated board."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from emulator.board import Board
from server.device.commands import Device
from server.device.port import default_elf, open_port
from server.device.session import Session
from server.device.slots import Info
from server.errors import ImageMismatchError, OriginalError
from server.inject import InjectRequest, InjectResult, inject
from server.patch.compile import Toolchain, compile_patch
from server.patch.image import FirmwareImage, Segment, load_image
from server.patch.link import link_patch
from server.patch.original import branch
from tests.server.patch.conftest import TARGET, ZIG_CC

CALLS = [*(f"weigh_{n}" for n in range(7)), *(f"digits_{n}" for n in range(7))]
ORIGINALLY = dict(
    zip(
        CALLS,
        [0, 2, 8, 20, 40, 70, 112, *(int("7123456"[: n + 1]) for n in range(7))],
        strict=True,
    )
)
ADDED = 1_000_000_000


@dataclass
class Bench:
    """A board on a line, and what its program printed."""

    device: Device
    image: FirmwareImage
    toolchain: Toolchain
    log: list[str]

    def inject(self, source: str, function: str | None = None) -> InjectResult:
        return inject(InjectRequest(source, function), self, lambda _: None)

    def calls(self) -> dict[str, int]:
        """Return what the demo's functions return, from the next line it prints."""
        self.log.clear()
        while not any(line.startswith("[demo]") for line in self.log):
            self.device.session.poll(1)
        return dict(zip(CALLS, map(int, re.findall(r" (\d+)", self.log[-1])), strict=True))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> FirmwareImage:
    """Our firmware, as it is now: a copy, lest somebody builds another one meanwhile."""
    elf = default_elf("emu://stm32f103c8")
    assert elf is not None
    return load_image(Path(shutil.copy(elf, tmp_path_factory.mktemp("firmware"))))


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    return Toolchain.named("zig")


@pytest.fixture
def bench(image: FirmwareImage, toolchain: Toolchain) -> Iterator[Bench]:
    port = open_port(f"emu://stm32f103c8{image.path}?pace=lockstep")
    log: list[str] = []
    with Session(port, log.append, timeout_s=0.5) as session:
        yield Bench(Device(session), image, toolchain, log)


def plus(function: str, added: int = ADDED) -> str:
    """Return a patch that adds to what the original returns."""
    names = [f"a{n}" for n in range(int(function[-1]))]
    parameters = ", ".join(f"unsigned {name}" for name in names) or "void"
    call = f"FPB_ORIGINAL({function})({', '.join(names)})"
    return f"unsigned {function}({parameters}) {{ return {call} + {added}u; }}"


@pytest.mark.parametrize("function", CALLS)
def test_patch_calls_its_original_with_any_number_of_arguments(bench: Bench, function: str) -> None:
    assert bench.image.function(function).address % 4 == 2 * function.startswith("digits")
    bench.inject(plus(function))
    assert bench.calls() == ORIGINALLY | {function: ORIGINALLY[function] + ADDED}


def test_original_of_a_function_that_is_patched_already_is_that_of_flash(bench: Bench) -> None:
    for added in (1000, 2000, 4000):
        bench.inject(plus("digits_3", added))
        assert bench.calls() == ORIGINALLY | {"digits_3": ORIGINALLY["digits_3"] + added}
    bench.device.unpatch(0)
    assert bench.calls() == ORIGINALLY


def test_patch_reaches_the_original_of_another_patched_function(bench: Bench) -> None:
    bench.inject(plus("weigh_1"))
    both = "unsigned weigh_1(unsigned a);"
    result = "FPB_ORIGINAL(weigh_1)(a) * 1000 + weigh_1(a) / 1000000000 * 10 + 1"
    bench.inject(
        f"{both} unsigned weigh_2(unsigned a, unsigned b) {{ return {result}; }}", "weigh_2"
    )
    assert bench.calls()["weigh_2"] == 2011


class Reticent(Device):
    """A board whose loader does not say which image it runs."""

    def info(self) -> Info:
        return replace(super().info(), image=None)


def test_original_is_compared_with_the_board_where_the_loader_does_not_say(bench: Bench) -> None:
    source = "unsigned weigh_6(); unsigned weigh_0(void) { return FPB_ORIGINAL(weigh_6)(); }"
    bench.device = Reticent(bench.device.session)
    bench.inject(source, "weigh_0")
    bench.image = with_other_bytes(bench.image, bench.image.function("weigh_6").address)
    with pytest.raises(ImageMismatchError):
        bench.inject(source, "weigh_0")
    bench.inject("unsigned weigh_0(void) { return 7; }")


def with_other_bytes(image: FirmwareImage, address: int) -> FirmwareImage:
    def changed(segment: Segment) -> Segment:
        at = address - segment.address
        if not 0 <= at < len(segment.data):
            return segment
        return replace(segment, data=segment.data[:at] + b"\x00\xbf" + segment.data[at + 2 :])

    return replace(image, segments=tuple(changed(segment) for segment in image.segments))


# --- On a board without our loader: the unit is set up by hand ----------------------------------

# Functions at both address parities that call themselves, one that begins with its loop, and one
# of two bytes with another behind it.
FIRMWARE = r"""
#include <stdint.h>
volatile uint32_t target, argument, result;
#define SUM(name, before)                                                                       \
    __asm__(".pushsection .text\n .balign 4\n" before ".globl " name "\n .thumb_func\n"          \
            ".type " name ", %function\n" name ": cbz r0, 1f\n push {r4, lr}\n mov r4, r0\n"    \
            "subs r0, #1\n bl " name "\n adds r0, r0, r4\n pop {r4, pc}\n 1: bx lr\n"           \
            ".size " name ", . - " name "\n .popsection");
SUM("sum_at_word", "")
SUM("sum_at_halfword", "nop\n")
__asm__(".text\n .balign 4\n .globl wait\n .thumb_func\n .type wait, %function\n"
        "wait: ldr r1, [r0]\n cmp r1, #0\n beq wait\n bx lr\n .size wait, . - wait\n"
        ".globl nothing\n .thumb_func\n .type nothing, %function\n"
        "nothing: bx lr\n .size nothing, . - nothing\n"
        ".globl something\n .thumb_func\n .type something, %function\n"
        "something: movs r0, #1\n bx lr\n .size something, . - something\n");
__attribute__((naked, aligned(4), used)) void trampoline(void)
{
    __asm volatile("ldr r12, =target\n ldr r12, [r12]\n bx r12");
}
uint32_t sum_at_word(uint32_t n), sum_at_halfword(uint32_t n);
__attribute__((used)) void start(void)
{
    for (;;) {
        result = argument & 1 ? sum_at_halfword(argument >> 1) : sum_at_word(argument >> 1);
    }
}
__attribute__((section(".vectors"), used)) const void *const vectors[] = {
    (void *)0x20005000, (void *)start};
"""
LAYOUT = """
    SECTIONS {
        .text 0x08000000 : { KEEP(*(.vectors)) *(.text .text.*) *(.rodata .rodata.*) }
        .bss 0x20000000 : { *(.bss .bss.*) }
        /DISCARD/ : { *(.ARM.*) }
    }
"""
PATCH, TABLE, FP_CTRL = 0x2000_1000, 0x2000_0800, 0xE000_2000


@pytest.fixture(scope="module")
def bare_elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bare")
    (folder / "bare.c").write_text(FIRMWARE)
    (folder / "bare.ld").write_text(LAYOUT)
    command = [*ZIG_CC, *TARGET, "-T", "bare.ld", "-Wl,-e,start", "bare.c", "-o", "bare.elf"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "bare.elf"


def lead(board: Board, image: FirmwareImage, address: int) -> None:
    """Set the unit up by hand: B.W over the function's first four bytes, to the trampoline."""
    start = address & ~3
    words = bytearray(image.flash_bytes(start, 4 if address == start else 8))
    halves = branch(image.functions["trampoline"].address - address)
    at = address - start
    words[at : at + 4] = b"".join(half.to_bytes(2, "little") for half in halves)
    board.write(TABLE, bytes(words))
    for n in range(len(words) // 4):
        board.write(FP_CTRL + 8 + 4 * n, (start + 4 * n | 1).to_bytes(4, "little"))
    board.write(FP_CTRL + 4, TABLE.to_bytes(4, "little"))
    board.write(FP_CTRL, (0b11).to_bytes(4, "little"))


@pytest.mark.parametrize("function", ["sum_at_word", "sum_at_halfword"])
def test_recursion_of_the_original_goes_through_the_patch(
    bare_elf: Path, toolchain: Toolchain, function: str
) -> None:
    image = load_image(bare_elf)
    board = Board.from_elf("stm32f103c8", bare_elf)
    symbol = image.function(function)

    def result() -> int:
        board.run_for(us=200)
        return int.from_bytes(board.read(image.symbols["result"], 4), "little")

    argument = 5 << 1 | symbol.address >> 1 & 1
    board.write(image.symbols["argument"], argument.to_bytes(4, "little"))
    assert result() == 5 + 4 + 3 + 2 + 1
    source = f"unsigned {function}(unsigned n) {{ return FPB_ORIGINAL({function})(n) + 100; }}"
    patch = link_patch(compile_patch(source, toolchain), image, symbol).at(PATCH)
    board.write(PATCH, patch.code)
    board.write(image.symbols["target"], patch.entry.to_bytes(4, "little"))
    lead(board, image, symbol.address)
    assert result() == 5 + 4 + 3 + 2 + 1 + 6 * 100


def test_function_that_begins_with_its_loop_has_no_original(
    bare_elf: Path, toolchain: Toolchain
) -> None:
    image = load_image(bare_elf)
    wait = image.function("wait")
    obj = compile_patch("void wait(unsigned *a) { FPB_ORIGINAL(wait)(a); }", toolchain)
    with pytest.raises(OriginalError) as refused:
        link_patch(obj, image, wait)
    assert refused.value.instruction == f"b<c>.w (F43F AFFC) at 0x{wait.address + 4:08X}"
    assert f"branches to 0x{wait.address:08X}" in str(refused.value)
