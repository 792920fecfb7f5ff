"""The Cortex-M4's floating point: access, contexts, lazy stacking. DDI 0403E.e B1.5.7."""

from typing import TYPE_CHECKING

import pytest

from emulator.peripherals.fpb import FPB_V1
from emulator.snapshot import Snapshot
from tests.emulator.conftest import part_with

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

    Boot = Callable[..., Guest]

PROGRAM = "floating.c"
M4F = part_with(model="cortex-m4", cpuid=0x410F_C241, has_fpu=True, mpu_regions=8, fpb=FPB_V1)
NOCP = 1 << 19
DENIED, PRIVILEGED, FULL = 0, 1, 3
EXC_RETURN, SP = 24, 25  # places in `out`, where no context is kept
FIRST_CONTEXT = [*range(1, 17), 1 << 25]
FPCCR, FPCAR = 0xE000_EF34, 0xE000_EF38


@pytest.fixture
def guest(boot: "Boot") -> "Guest":
    return boot(PROGRAM, M4F)


@pytest.mark.parametrize(
    ("cpacr", "unprivileged", "allowed"),
    [
        pytest.param(DENIED, 0, False, id="denied"),
        pytest.param(PRIVILEGED, 0, True, id="privileged, by privileged code"),
        pytest.param(PRIVILEGED, 1, False, id="privileged, by unprivileged code"),
        pytest.param(FULL, 1, True, id="full"),
    ],
)
def test_cpacr_decides_who_may_use_it(
    guest: "Guest", cpacr: int, unprivileged: int, *, allowed: bool
) -> None:
    result = guest.call("uses", cpacr, unprivileged)
    assert guest.notes == ([] if allowed else [NOCP] * 4)
    if allowed:
        assert result == 0x4040_0000  # 3.0f


def test_access_can_be_taken_back(guest: "Guest") -> None:
    for cpacr in (FULL, DENIED, FULL):
        guest.call("uses", cpacr, 0)
    assert guest.notes == [NOCP] * 4


def test_core_without_fpu_has_no_cpacr(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("uses", FULL, 0)
    assert guest.notes == [NOCP] * 4
    assert guest.call("read", 0xE000_ED88) == 0


def context_in_frame(guest: "Guest") -> list[int]:
    return guest.words("notes", 17, first=10)


def test_lazy_entry_leaves_room_and_stores_nothing(guest: "Guest") -> None:
    guest.call("interrupted", 0, 1)
    assert guest.notes == [1, 1, 4]  # LSPACT; FPCAR points behind the basic frame; FPCA again
    assert guest.out(EXC_RETURN) == 0xFFFF_FFE9
    assert context_in_frame(guest) != FIRST_CONTEXT
    assert guest.words("out", 17)[:16] == FIRST_CONTEXT[:16]


def test_first_use_in_the_handler_stores_the_context(guest: "Guest") -> None:
    guest.call("interrupted", 1, 1)
    # Before: LSPACT, FPCAR, no FPCA; after: FPCA, LSPACT is 0, FPCAR stays; the thread's FPCA.
    assert guest.notes == [1, 1, 0, 4, 0, 1, 4]
    assert context_in_frame(guest) == FIRST_CONTEXT
    assert guest.words("out", 16) == FIRST_CONTEXT[:16]


@pytest.mark.parametrize("then", [0, 1])
def test_without_lspen_entry_stores_the_context(guest: "Guest", then: int) -> None:
    guest.call("interrupted", then, 0)
    assert guest.notes[0] == 0
    assert context_in_frame(guest) == FIRST_CONTEXT
    assert guest.words("out", 16) == FIRST_CONTEXT[:16]


def test_each_level_has_its_own_context(guest: "Guest") -> None:
    guest.call("nested")
    assert guest.words("out", 16) == list(range(1, 17))
    assert guest.words("notes", 16, first=30) == list(range(100, 116))


def test_context_on_psp(guest: "Guest") -> None:
    guest.call("on_psp")
    assert guest.out(EXC_RETURN) == 0xFFFF_FFED
    top = guest.call("top_of_thread_stack")
    assert guest.out(SP) == top - 104
    assert guest.words("out", 16) == FIRST_CONTEXT[:16]


def test_new_context_starts_with_the_default_status(guest: "Guest") -> None:
    guest.call("default_status", 0x07C0_0000)
    assert guest.notes == [0x07C0_0000, 1 << 25]


def test_without_aspen_no_context_begins_with_the_default_status(guest: "Guest") -> None:
    guest.call("without_contexts")
    assert guest.notes == [1 << 25]


def test_code_that_gave_up_its_context_gets_a_basic_frame(guest: "Guest") -> None:
    guest.call("frame_without_context")
    assert guest.out(EXC_RETURN) == 0xFFFF_FFF9


@pytest.mark.parametrize(("n", "result", "fpca"), [(0, 3, 4), (1, 0, 0)])
def test_instruction_whose_condition_fails_makes_no_context(
    guest: "Guest", n: int, result: int, fpca: int
) -> None:
    assert guest.call("condition_fails", n) == result
    assert guest.notes == [fpca]


def test_context_is_stored_by_the_instruction_itself(guest: "Guest") -> None:
    guest.call("in_a_block")
    lspact = [word & 1 for word in guest.words("out", 2, first=20)]
    assert lspact == [1, 0]  # before it, and behind


@pytest.mark.parametrize("which", [0, 1, 2])
def test_context_begins_behind_an_instruction_whose_condition_fails(
    guest: "Guest", which: int
) -> None:
    guest.call("begins_behind_a_condition", which)
    assert guest.notes == [4, 4]


def test_context_is_stored_though_the_handler_claims_to_have_one(guest: "Guest") -> None:
    guest.call("claimed")
    assert guest.notes == [0, 1]  # LSPACT; FPCAR points behind the basic frame
    assert context_in_frame(guest) == FIRST_CONTEXT
    assert guest.words("out", 16) == FIRST_CONTEXT[:16]


@pytest.mark.parametrize("fpca", [4, 12])
def test_context_that_the_program_claims_begins_with_nothing(guest: "Guest", fpca: int) -> None:
    assert guest.call("status_behind_claim", fpca) == FIRST_CONTEXT[-1]


def test_extended_frame_is_always_aligned(guest: "Guest") -> None:
    guest.call("frame_at", 12)
    assert guest.out(SP) % 8 == 0
    assert guest.words("out", 16) == FIRST_CONTEXT[:16]


def test_registers_survive_a_snapshot(guest: "Guest") -> None:
    guest.start("interrupted", 1, 1)
    snapshots: list[Snapshot] = []
    while not guest.is_idle:
        snapshots.append(guest.board.snapshot())
        guest.board.run_for(cycles=1)
    kept = guest.words("out", 17), guest.notes
    for snapshot in snapshots:
        guest.board.restore(snapshot)
        guest.board.run_for(ms=1)
        assert (guest.words("out", 17), guest.notes) == kept


def test_board_that_runs_another_in_an_event_goes_on_with_its_own_registers(guest: "Guest") -> None:
    other, asked = guest.board.fork(), [0]

    def run_other() -> bool:
        asked[0] += 1
        other.run_for(cycles=10)
        return False

    guest.start("calculates_at_events", 2000)
    guest.board.run_until(guest.board.clock.ns + 1_000_000, stop_when=run_other)
    assert asked[0] > 10  # most of these without an end of the run
    assert guest.is_idle
    assert guest.board.register("r0") == 0x44FA_0000  # 2000.0f


@pytest.mark.parametrize(
    ("address", "read"),
    [
        pytest.param(FPCCR, 0xC000_0000, id="FPCCR"),
        pytest.param(0xE000_EF3C, 0, id="FPDSCR"),
        pytest.param(0xE000_EF40, 0x1011_0021, id="MVFR0"),
        pytest.param(0xE000_EF44, 0x1100_0011, id="MVFR1"),
    ],
)
def test_reset_values(guest: "Guest", address: int, read: int) -> None:
    assert guest.call("read", address) == read


def test_fpcar_has_bits_31_to_3(guest: "Guest") -> None:
    guest.call("write", FPCAR, 0xFFFF_FFFF)
    assert guest.call("read", FPCAR) == 0xFFFF_FFF8
