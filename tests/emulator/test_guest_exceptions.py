"""Exceptions as a guest program sees them: entry, return, order, frames. DDI 0403E.e B1.5."""

from typing import TYPE_CHECKING

import pytest

from emulator.board import Board
from emulator.fp_context import FpContext
from emulator.frames import Frames
from emulator.image import load_image
from emulator.native.core import MEMORIES
from emulator.parts import part_named
from tests.emulator.conftest import Guest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Boot = Callable[[str], Guest]

ORDER = "order.c"


@pytest.mark.parametrize(
    ("function", "order"),
    [
        pytest.param("nesting", [1, 10, 2, 3], id="a higher priority preempts"),
        pytest.param("no_nesting", [1, 2, 10, 3], id="an equal priority waits"),
        pytest.param("same_group", [1, 2, 10, 3], id="a higher subpriority waits"),
        pytest.param("both_at_once", [20, 10, 3], id="the higher priority goes first"),
        pytest.param("lowest_number_first", [10, 20, 3], id="of equals, the lowest number"),
        pytest.param("held_off_by_primask", [1, 15, 2], id="PRIMASK, taken right after CPSIE"),
        pytest.param("withdrawn_while_held_off", [1, 2], id="PRIMASK, and nothing left to take"),
        pytest.param("held_off_by_basepri", [1, 15, 2], id="BASEPRI, taken right after MSR"),
        pytest.param("basepri_of_unimplemented_bits", [15, 1], id="BASEPRI has four bits"),
        pytest.param("held_off_by_faultmask", [1, 10, 2, 15, 3], id="FAULTMASK, but not NMI"),
        pytest.param("grouping_changed", [1, 2, 10, 3], id="PRIGROUP 7: nothing preempts"),
        pytest.param("grouping_changed_while_pending", [1, 2, 10, 3, 4], id="PRIGROUP counts"),
        pytest.param("pendsv", [1, 2, 14, 3], id="PendSV waits for SVCall"),
    ],
)
def test_exceptions_are_taken_in_order(boot: "Boot", function: str, order: list[int]) -> None:
    guest = boot(ORDER)
    guest.call(function)
    assert guest.notes == order


def test_icsr_shows_what_is_pending(boot: "Boot") -> None:
    assert boot(ORDER).call("held_off_by_primask") == 1 << 26 | 15 << 12 | 1 << 11


FRAMES = "frames.c"


def test_frame_holds_what_the_program_had(boot: "Boot") -> None:
    guest = boot(FRAMES)
    guest.call("on_msp")
    after_svc = guest.address("svc_itself") + 2
    *registers, xpsr = guest.words("out", 8, first=16)
    assert registers == [1, 2, 3, 4, 5, 7, after_svc]
    assert xpsr & ~(1 << 9) == 0x6100_0000  # Z, C and T; Thread mode


@pytest.mark.parametrize(
    ("function", "exc_return"),
    [
        pytest.param("on_msp", 0xFFFF_FFF9, id="from Thread mode on MSP"),
        pytest.param("on_psp", 0xFFFF_FFFD, id="from Thread mode on PSP"),
        pytest.param("from_handler", 0xFFFF_FFF1, id="from Handler mode"),
    ],
)
def test_exc_return_says_where_it_came_from(boot: "Boot", function: str, exc_return: int) -> None:
    guest = boot(FRAMES)
    guest.call(function)
    assert guest.out(24) == exc_return


def test_thread_on_psp_is_stacked_there_and_goes_on_there(boot: "Boot") -> None:
    guest = boot(FRAMES)
    control = guest.call("on_psp")
    assert guest.out(25) == guest.call("stack_top") - 32
    assert control & 0b10


@pytest.mark.parametrize(
    ("below", "stkalign", "padded"),
    [
        pytest.param(8, 1, False, id="aligned"),
        pytest.param(12, 1, True, id="not aligned: one word more"),
        pytest.param(12, 0, False, id="not aligned and STKALIGN off"),
    ],
)
def test_frame_is_aligned_as_ccr_says(
    boot: "Boot", below: int, stkalign: int, *, padded: bool
) -> None:
    guest = boot(FRAMES)
    guest.call("frame_at", below, stkalign)
    sp_before = guest.out(0)  # after the return it is what it was before
    assert guest.out(25) == sp_before - 32 - 4 * padded
    assert bool(guest.out(23) & 1 << 9) is padded


def test_tail_chained_handler_gets_the_first_ones_frame(boot: "Boot") -> None:
    guest = boot(FRAMES)
    guest.call("tail_chained")
    assert guest.out(24) == 0xFFFF_FFF9  # not from Handler mode: the first had returned
    assert guest.out(23) & 0x1FF == 0


THREADS = "threads.c"


def test_pendsv_switches_between_threads_on_psp(boot: "Boot") -> None:
    guest = boot(THREADS)
    guest.call("threads")
    assert guest.notes == [0, 100, 1, 101, 2, 102, 3, 103, 4, 104]


def test_unprivileged_thread_cannot_raise_itself_but_svc_can(boot: "Boot") -> None:
    guest = boot(THREADS)
    control = guest.call("unprivileged")
    assert [guest.out(n) for n in range(3)] == [1, 1, 0]
    assert control == 0


SLEEP = "sleep.c"


@pytest.mark.parametrize("primask", [0, 1])
def test_wfi_skips_the_time_until_an_interrupt(boot: "Boot", primask: int) -> None:
    guest = boot(SLEEP)
    guest.call("sleeps", primask)
    assert len(guest.notes) == 1
    assert 9_990 <= guest.out(0) <= 10_030


def test_wfi_with_primask_wakes_without_taking_the_interrupt(boot: "Boot") -> None:
    guest = boot(SLEEP)
    guest.call("sleeps", 1)
    assert guest.out(0) < guest.notes[0] < guest.out(1)


def test_wfe_and_the_other_hints_do_nothing(boot: "Boot") -> None:
    guest = boot(SLEEP)
    guest.call("hints")
    assert guest.out(0) == 1


def test_wfe_in_an_it_block_leaves_the_block_as_it_is(boot: "Boot") -> None:
    guest = boot(SLEEP)
    guest.call("hint_in_it_block")
    assert guest.words("out", 2) == [1, 0]


@pytest.mark.parametrize(
    ("how", "is_an_event"),
    [
        pytest.param(0, False, id="nothing"),
        pytest.param(1, True, id="SEV"),
        pytest.param(2, True, id="an exception before"),
        pytest.param(3, False, id="a disabled interrupt becomes pending"),
        pytest.param(4, True, id="the same with SEVONPEND"),
    ],
)
def test_wfe_waits_for_an_event(boot: "Boot", how: int, *, is_an_event: bool) -> None:
    guest = boot(SLEEP)
    guest.call("waits_for_event", how)
    assert (guest.out(0) < 100) is is_an_event
    assert guest.out(1) >= 9_990


@pytest.mark.parametrize("sevonpend", [0, 1])
def test_masked_interrupt_ends_wfe_only_with_sevonpend(boot: "Boot", sevonpend: int) -> None:
    guest = boot(SLEEP)
    guest.start("wfe_with_primask", sevonpend)
    guest.board.run_for(ms=5)
    assert guest.out(0) == sevonpend


def test_sleeponexit_sleeps_after_each_handler(boot: "Boot") -> None:
    guest = boot(SLEEP)
    guest.call("sleeps_on_exit")
    assert guest.out(0) == 3


RETURNS = "returns.c"


def test_line_that_stays_high_begins_its_handler_again(boot: "Boot") -> None:
    guest = boot(RETURNS)
    guest.call("line_stays_high")
    assert guest.notes == [37, 37, 37, 1]


def test_sleeponexit_counts_when_the_handler_ends(boot: "Boot") -> None:
    guest = boot(RETURNS)
    guest.call("sleeponexit_set_in_the_handler")
    assert guest.notes == [15, 15, 15, 1]


def test_end_of_a_handler_is_an_event(boot: "Boot") -> None:
    guest = boot(RETURNS)
    guest.call("end_is_an_event")
    assert guest.out(1) == 1


def test_end_of_a_handler_clears_the_exclusive_monitor(boot: "Boot") -> None:
    guest = boot(RETURNS)
    guest.call("end_clears_the_monitor")
    assert guest.out(1) == 1


def test_nmi_is_taken_whatever_primask_says(boot: "Boot") -> None:
    guest = boot(RETURNS)
    guest.call("nmi_under_primask")
    assert guest.notes == [2, 1]


def test_vector_table_is_where_the_block_before_has_put_it(boot: "Boot") -> None:
    guest = boot(RETURNS)
    guest.call("vectors_moved_in_the_same_block")
    assert guest.notes == [15, 2]


def test_wfi_ends_with_an_exception_that_primask_holds_back(boot: "Boot") -> None:
    guest = boot(RETURNS)
    guest.call("tick_ends_wfi_under_primask")
    assert guest.notes == [2, 1, 3]


RESET = r"""
void resets(void)
{
    FP_COMP(0) = 0x08000401; FP_CTRL = 3;
    AIRCR = 0x05FA0004;
    for (;;);
}
void resets_without_key(void) { AIRCR = 0x00000004; note(1); }
"""


def test_sysresetreq_boots_again_and_keeps_the_fpb(boot: "Boot") -> None:
    guest = boot(RESET)
    guest.start("resets")
    guest.board.run_for(ms=2)
    assert guest.is_idle
    assert guest.board.fpb.read(0x008) == 0x0800_0401
    assert guest.board.fpb.read(0x000) == 0x0000_0261


def test_sysresetreq_without_vectkey_is_ignored(boot: "Boot") -> None:
    guest = boot(RESET)
    guest.call("resets_without_key")
    assert guest.notes == [1]


def test_system_reset_clears_the_monitors_bits_and_keeps_the_debuggers(boot: "Boot") -> None:
    source = "void f(void) { DEMCR = 0x010D07F1; AIRCR = 0x05FA0004; for (;;); }"
    guest = boot(source)
    guest.start("f")
    guest.board.run_for(ms=2)
    assert guest.is_idle
    assert guest.board.read(0xE000_EDFC, 4) == (0x0100_07F1).to_bytes(4, "little")
    guest.board.reset()
    assert guest.board.read(0xE000_EDFC, 4) == bytes(4)


FLOATING, KERNEL = "floating.c", "kernel.c"
M4, M33 = "stm32f405", "stm32l552"


FRAMED = [
    *((FRAMES, name) for name in ("on_msp", "on_psp", "from_handler", "tail_chained")),
    *((FRAMES, "frame_at", 4, 1), (THREADS, "threads"), (THREADS, "unprivileged")),
    (ORDER, "nesting"),
]
FLOATED = [
    *((FLOATING, "interrupted", then, lazily) for then in (0, 1) for lazily in (0, 1)),
    *((FLOATING, "nested"), (FLOATING, "on_psp"), (FLOATING, "default_status", 0x07C0_0000)),
    *((FLOATING, "frame_at", 12), (FLOATING, "in_a_block")),
]
CONTEXTS = {
    "stm32f103c8": [],
    M4: [*FLOATED, (KERNEL, "kernel", 1, 0, 0)],
    M33: [*FLOATED, (KERNEL, "kernel", 1, 1, 0)],
}


@pytest.mark.parametrize(
    ("part", "source", "function", "arguments"),
    [
        (part, source, function, arguments)
        for part in CONTEXTS
        for source, function, *arguments in FRAMED + CONTEXTS[part]
    ],
)
def test_a_usual_frame_is_what_it_would_be_step_by_step(
    build: "Callable[..., Path]",
    monkeypatch: pytest.MonkeyPatch,
    part: str,
    source: str,
    function: str,
    arguments: list[int],
) -> None:
    hashes: list[str] = []
    for memories in (MEMORIES, 0):  # in none of which a frame could be pushed at once
        monkeypatch.setattr("emulator.frames.MEMORIES", memories)
        guest = Guest(Board(part_named(part), load_image(build(source, part))))
        guest.board.run_for(ms=2)
        guest.call(function, *arguments)
        hashes.append(guest.board.trace_hash)
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize(
    ("part", "source", "function", "arguments"),
    [
        (M4, KERNEL, "kernel", (1, 0, 0)),
        (M4, FLOATING, "nested", ()),
        (M33, KERNEL, "kernel", (1, 1, 0)),  # with stack limits
        (M33, FLOATING, "nested", ()),
    ],
)
def test_usual_contexts_are_the_cores_own_affair(
    boot: "Callable[..., Guest]",
    monkeypatch: pytest.MonkeyPatch,
    part: str,
    source: str,
    function: str,
    arguments: tuple[int, ...],
) -> None:
    """A stop for each would cost a kernel's switch several hundred microseconds."""
    for step in ("first_use", "enter", "leave"):
        monkeypatch.setattr(FpContext, step, None)
    guest = boot(source, part_named(part))
    guest.call(function, *arguments)
    assert guest.is_idle


@pytest.mark.parametrize("part", [M4, M33])
@pytest.mark.parametrize("lazily", [0, 1])
def test_return_to_a_context_is_the_cores_own_affair(
    boot: "Callable[..., Guest]", monkeypatch: pytest.MonkeyPatch, part: str, lazily: int
) -> None:
    monkeypatch.setattr(Frames, "leave", None)
    guest = boot(FLOATING, part_named(part))
    guest.call("interrupted", 1, lazily)
    assert guest.words("out", 16) == list(range(1, 17))
