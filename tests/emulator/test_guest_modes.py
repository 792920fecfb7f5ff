"""Modes, privilege and the finer rules of entry and return, by guest programs. DDI 0403E.e B1.5."""

from typing import TYPE_CHECKING

import pytest

from emulator.errors import LockupError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

    Boot = Callable[[str], Guest]

PROGRAM = "modes.c"
INVPC, NOCP, UNALIGNED = 1 << 2, 1 << 3, 1 << 8  # of UFSR, CFSR's upper half
PRECISERR, BFARVALID, STKERR, UNSTKERR = 1 << 9, 1 << 15, 1 << 12, 1 << 11
PC = 22  # in `out`

# Returns.


@pytest.mark.parametrize("exc_return", [0xFFFF_FFF9])
def test_legal_return_returns(boot: "Boot", exc_return: int) -> None:
    guest = boot(PROGRAM)
    guest.call("returns_to", exc_return)
    assert guest.notes == [1]


@pytest.mark.parametrize(
    "exc_return",
    [
        pytest.param(0xFFFF_FFF1, id="to Handler mode, where none is below"),
        pytest.param(0xFFFF_FFF0, id="a reserved value"),
        pytest.param(0xFFFF_FFF5, id="another"),
        pytest.param(0xFFFF_FFFF, id="another, all ones"),
        pytest.param(0xFFFF_FFE9, id="an extended frame, without an FPU"),
    ],
)
def test_illegal_return_is_a_usage_fault_with_the_same_frame(boot: "Boot", exc_return: int) -> None:
    guest = boot(PROGRAM)
    guest.call("returns_to", exc_return)
    assert guest.notes == [INVPC, 1]
    assert guest.out(0) == exc_return


def test_return_from_an_exception_that_is_not_active_is_a_usage_fault(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("returns_from_inactive")
    assert guest.notes == [INVPC, 1]


def test_frame_of_the_wrong_mode_is_a_usage_fault(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("returns_to_wrong_mode")
    assert guest.notes == [INVPC, 1]


def test_nonbasethrdena_lets_a_handler_continue_in_thread_mode(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("thread_mode_inside_a_handler", 1)
    assert guest.notes == [1]
    assert guest.out(1) == 0  # IPSR between the two SVCs


def test_without_nonbasethrdena_that_is_a_usage_fault(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.start("thread_mode_inside_a_handler", 0)
    guest.board.run_for(us=50)
    assert guest.notes[0] == INVPC
    assert guest.out(1) == 99


# ICSR, SHCSR, STIR, NMI.


def test_icsr_and_shcsr_from_a_handler(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("looks_from_a_handler")
    in_handler, shcsr, behind, primask = guest.words("out", 4)
    assert in_handler == 1 << 26 | 1 << 11 | 14  # SysTick pends, masked; RETTOBASE; PendSV
    assert shcsr == 1 << 10  # PENDSVACT
    assert behind == 1 << 26 | 1 << 11
    assert primask == 1 << 26 | 15 << 12 | 1 << 11


def test_nmi_goes_through_every_mask(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("nmi")
    assert guest.notes == [2, 1]
    assert guest.out(0) & 0x1FF == 2


def test_faultmask_outlives_nmi_but_no_other_return(boot: "Boot") -> None:
    assert boot(PROGRAM).call("nmi_keeps_faultmask") == 1
    assert boot(PROGRAM).call("return_clears_faultmask") == 0


@pytest.mark.parametrize(
    ("bit", "number"),
    [
        pytest.param(15, 11, id="SVCALLPENDED"),
        pytest.param(14, 5, id="BUSFAULTPENDED"),
        pytest.param(13, 4, id="MEMFAULTPENDED"),
        pytest.param(12, 6, id="USGFAULTPENDED"),
    ],
)
def test_shcsr_pends(boot: "Boot", bit: int, number: int) -> None:
    guest = boot(PROGRAM)
    guest.call("pends_by_shcsr", bit, number)
    assert guest.notes == [14, 1]


def test_shcsr_active_bit_counts_for_priority(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("activates_by_shcsr")
    assert guest.notes == [1, 14, 2]


@pytest.mark.parametrize(("irq", "notes"), [(3, [19, 1]), (43, [1]), (511, [1])])
def test_stir_pends_an_interrupt(boot: "Boot", irq: int, notes: list[int]) -> None:
    guest = boot(PROGRAM)
    guest.call("triggers_by_software", irq)
    assert guest.notes == notes


# Privilege.


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(0xE000_ED00, id="CPUID"),
        pytest.param(0xE000_E010, id="SysTick"),
        pytest.param(0xE000_E100, id="NVIC"),
        pytest.param(0xE000_2000, id="FPB"),
        pytest.param(0xE000_EF00, id="STIR"),
        pytest.param(0xE000_0E00, id="ITM_TER"),
    ],
)
def test_system_space_is_a_bus_fault_for_unprivileged_code(boot: "Boot", address: int) -> None:
    guest = boot(PROGRAM)
    assert guest.call("loads_unprivileged", address) == 42
    assert guest.notes == [PRECISERR | BFARVALID, address]


@pytest.mark.parametrize("mask", ["primask", "basepri", "faultmask"])
def test_unprivileged_code_runs_with_the_masks_that_were_set(boot: "Boot", mask: str) -> None:
    guest = boot(PROGRAM)
    guest.call("ticks")
    ticks = len(guest.notes)
    guest.start(f"counts_with_{mask}", 5000)
    guest.board.run_for(ms=1)
    assert ticks <= len(guest.notes) <= ticks + 1  # one may have come before the mask was set
    assert guest.board.register("r0") < 5000
    assert guest.board.register("r1") == 0


def test_unprivileged_code_reads_its_own_memory_and_peripherals(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    assert guest.call("loads_unprivileged", 0x0800_0000) == 0x2000_5000
    assert guest.call("loads_unprivileged", 0x4001_0C00) == 0x4444_4444
    assert guest.call("loads_unprivileged", 0xE000_0000) == 0  # a stimulus port
    assert guest.notes == []


def test_usersetmpend_opens_stir_and_nothing_beside_it(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("stirs_unprivileged", 1)
    assert guest.notes == [19]
    guest = boot(PROGRAM)
    guest.call("stirs_unprivileged", 0)
    assert guest.notes == [PRECISERR | BFARVALID, 0xE000_EF00]


def test_beside_an_open_stir_system_space_stays_closed(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("stirs_unprivileged", 1)
    guest.board.scb.ccr.USERSETMPEND = 1
    guest.call("loads_unprivileged", 0xE000_ED08)
    assert guest.notes == [19, PRECISERR | BFARVALID, 0xE000_ED08]


def test_handler_is_privileged_and_its_return_ends_that(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.start("exception_from_unprivileged")
    guest.board.run_for(us=20)
    assert guest.out(0) == 1 << 17 | 1 << 7  # SHCSR, read by the handler
    assert guest.notes == [PRECISERR | BFARVALID, 0xE000_ED24]  # and by the thread


# Faults of an exception's entry and return.


def test_vector_that_cannot_be_read_is_a_hardfault(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    end_of_flash = 0x0800_FF80  # room for 32 vectors; interrupt 16 would be the 33rd
    hardfault = guest.address("note_hfsr") | 1
    guest.board.write(end_of_flash + 12, hardfault.to_bytes(4, "little"))
    guest.call("vector_unreadable", end_of_flash)
    assert guest.notes == [1 << 1, 14, 1]  # VECTTBL; the interrupt again, with its vector


def test_hardfault_vector_that_cannot_be_read_locks_up(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.start("vector_unreadable", 0x6000_0000)
    with pytest.raises(LockupError):
        guest.board.run_for(ms=1)


def test_stacking_fault_of_a_higher_priority_goes_first(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("stack_fault", 0x40)
    assert guest.notes == [STKERR, 14, 1]


def test_stacking_fault_of_a_lower_priority_waits(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("stack_fault", 0xC0)
    assert guest.notes == [14, STKERR, 1]


def test_unstacking_fault(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.start("unstack_fault")
    guest.board.run_for(us=20)
    assert guest.notes[0] == UNSTKERR


def test_bfhfnmign_ignores_data_bus_faults_in_nmi(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("probes_in_nmi", 1)
    assert guest.notes == [0, PRECISERR | BFARVALID, 1]


def test_without_bfhfnmign_they_lock_up(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.start("probes_in_nmi", 0)
    with pytest.raises(LockupError):
        guest.board.run_for(ms=1)


# Exclusives, alignment, coprocessors.


@pytest.mark.parametrize(("with_svc", "failed", "word"), [(0, 0, 9), (1, 1, 0)])
def test_exception_clears_the_exclusive_monitor(
    boot: "Boot", with_svc: int, failed: int, word: int
) -> None:
    guest = boot(PROGRAM)
    assert guest.call("exclusive", with_svc) == failed
    assert guest.notes == [word]


def test_unaligned_ldrex_is_a_usage_fault(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("ldrex_unaligned")
    assert guest.notes == [UNALIGNED << 16]
    assert guest.out(PC) == guest.address("ldrex_itself")


@pytest.mark.parametrize(
    ("which", "notes", "result"),
    [
        pytest.param(0, [NOCP << 16], 3, id="floating point"),
        pytest.param(1, [], 5, id="floating point whose condition fails"),
        pytest.param(2, [NOCP << 16], 2, id="another coprocessor"),
    ],
)
def test_absent_coprocessor(boot: "Boot", which: int, notes: list[int], result: int) -> None:
    guest = boot(PROGRAM)
    assert guest.call("uses_coprocessor", which) == result
    assert guest.notes == notes
    if which == 0:
        assert guest.out(PC) == guest.address("float_itself")


def test_stacks_are_not_aligned_after_reset_on_this_revision(boot: "Boot") -> None:
    assert boot(PROGRAM).board.scb.ccr.STKALIGN == 0
