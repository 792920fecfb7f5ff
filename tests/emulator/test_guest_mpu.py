"""The Memory Protection Unit on executed code. DDI 0403E.e B3.5."""

from typing import TYPE_CHECKING

import pytest

from emulator.errors import LockupError
from tests.emulator.conftest import part_with

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

    Boot = Callable[..., Guest]

PROGRAM = "mpu.c"
PART = part_with(mpu_regions=8)
ENABLE, HFNMIENA, PRIVDEFENA = 1, 2, 4
NONE, PRIVILEGED, USER_READS, FULL, PRIVILEGED_READS, ALL_READ = 0, 1, 2, 3, 5, 6
XN = 1 << 28
DACCVIOL, IACCVIOL, MSTKERR, MMARVALID = 1 << 1, 1 << 0, 1 << 4, 1 << 7
KIB, GRAIN_256 = 10, 8  # log2 of a region's size


def rasr(ap: int, bits: int, srd: int = 0) -> int:
    return ap << 24 | srd << 8 | (bits - 1) << 1 | 1


@pytest.fixture
def guest(boot: "Boot") -> "Guest":
    return boot(PROGRAM, PART)


def page(guest: "Guest") -> int:
    return guest.address("pages")


@pytest.mark.parametrize(
    ("ap", "allowed"),
    [
        pytest.param(NONE, set[str](), id="no access"),
        pytest.param(PRIVILEGED, {"load", "store"}, id="privileged"),
        pytest.param(USER_READS, {"load", "store", "load_unprivileged"}, id="user reads"),
        pytest.param(
            FULL, {"load", "store", "load_unprivileged", "store_unprivileged"}, id="full access"
        ),
        pytest.param(PRIVILEGED_READS, {"load"}, id="privileged reads"),
        pytest.param(ALL_READ, {"load", "load_unprivileged"}, id="all read"),
    ],
)
@pytest.mark.parametrize("function", ["load", "store", "load_unprivileged", "store_unprivileged"])
def test_access_permissions(guest: "Guest", ap: int, allowed: set[str], function: str) -> None:
    address = page(guest) + 0x124
    guest.call("protect", page(guest), rasr(ap, KIB), ENABLE)
    guest.call("read", page(guest) + 0x400)  # beside it, everything may
    guest.call(function, address)
    assert guest.notes == ([] if function in allowed else [DACCVIOL | MMARVALID, address])


def test_permission_is_asked_anew_after_each_change(guest: "Guest") -> None:
    address = page(guest)
    for n, ap in enumerate((FULL, NONE, FULL, ALL_READ, NONE)):
        guest.call("protect", address, rasr(ap, KIB), ENABLE)
        guest.call("load", address)
        assert len(guest.notes) == 2 * [0, 1, 1, 1, 2][n]


def test_read_does_not_let_a_store_pass(guest: "Guest") -> None:
    address = page(guest)
    guest.call("protect", address, rasr(ALL_READ, KIB), ENABLE)
    guest.call("load", address)
    guest.call("store", address)
    assert guest.notes == [DACCVIOL | MMARVALID, address]


def test_code_rewritten_while_it_was_data_runs_as_it_stands(guest: "Guest") -> None:
    guest.call("protect", page(guest), rasr(FULL, KIB) | XN, ENABLE)
    assert guest.call("rewritten_while_data", 40) == 0


def test_privileged_entries_do_not_serve_unprivileged_code(guest: "Guest") -> None:
    address = page(guest) + 8
    guest.call("protect", page(guest), rasr(PRIVILEGED, KIB), ENABLE)
    for times in (1, 2, 3):
        guest.call("load", address)
        assert guest.call("load_unprivileged", address) == 42
        assert guest.notes == [DACCVIOL | MMARVALID, address] * times


def test_subregions_of_32_bytes_in_one_page(guest: "Guest") -> None:
    base = page(guest) + 0x100
    guest.call("protect", base, rasr(NONE, GRAIN_256, srd=0b1010_0101), ENABLE)
    faulted: list[int] = []
    for n in range(-1, 9):
        before = len(guest.notes)
        for offset in (0, 28):
            guest.call("load", base + 32 * n + offset)
        if len(guest.notes) > before:
            assert guest.notes[before:] == [
                *(DACCVIOL | MMARVALID, base + 32 * n),
                *(DACCVIOL | MMARVALID, base + 32 * n + 28),
            ]
            faulted.append(n)
    assert faulted == [1, 3, 4, 6]


def test_store_that_runs_into_a_protected_subregion_is_undone(guest: "Guest") -> None:
    base = page(guest)
    guest.call("protect", base + 0x100, rasr(ALL_READ, 5), ENABLE)
    begin = base + 0x100 - 8
    assert guest.call("store_many", begin) == begin
    assert guest.notes == [DACCVIOL | MMARVALID, base + 0x100]
    assert guest.call("store_many", base + 0x120) == base + 0x130
    assert guest.words("pages", 4, first=0x48) == [1, 2, 3, 4]


def test_of_regions_that_overlap_the_highest_number_decides(guest: "Guest") -> None:
    guest.call("protect", page(guest), rasr(NONE, KIB), ENABLE)
    guest.call("protect_also", 3, page(guest), rasr(FULL, KIB))
    guest.call("load", page(guest))
    assert len(guest.notes) == 2
    guest.call("protect_also", 6, page(guest), rasr(FULL, KIB))
    guest.call("load", page(guest))
    assert len(guest.notes) == 2


@pytest.mark.parametrize("privdefena", [0, PRIVDEFENA])
def test_privdefena_gives_privileged_code_the_default_map(guest: "Guest", privdefena: int) -> None:
    gpio = 0x4001_0C00
    guest.call("protect", page(guest), rasr(FULL, KIB), ENABLE | privdefena)
    for function in ("load", "load_unprivileged"):
        guest.call(function, gpio)
    fault = [DACCVIOL | MMARVALID, gpio]
    assert guest.notes == (fault if privdefena else fault * 2)


def test_system_space_is_beyond_the_mpu(guest: "Guest") -> None:
    guest.call("protect", 0xE000_0000, rasr(NONE, 20), ENABLE)
    assert guest.call("read", 0xE000_ED90) == 8 << 8
    assert guest.notes == []


@pytest.mark.parametrize(
    ("attributes", "offset", "executes"),
    [
        pytest.param(rasr(FULL, KIB), 0, True, id="executable"),
        pytest.param(rasr(FULL, KIB) | XN, 0, False, id="XN"),
        pytest.param(rasr(NONE, KIB), 0, False, id="not readable"),
        pytest.param(rasr(FULL, 5) | XN, 0x20, True, id="beside XN, in one page"),
        pytest.param(rasr(FULL, 5) | XN, 0x1C, False, id="XN for a part of a page"),
    ],
)
def test_execution(guest: "Guest", attributes: int, offset: int, *, executes: bool) -> None:
    guest.call("executes", page(guest) + offset)  # before the MPU is on
    assert guest.notes == [1]
    guest.call("protect", page(guest), attributes, ENABLE)
    guest.board.write(guest.address("noted"), b"\0\0\0\0")
    if attributes & 0x0700_0000 == 0:
        guest.board.set_register("r0", page(guest) | 1)
        guest.start("branch", page(guest) | 1)
        guest.board.run_for(us=20)
        assert guest.notes[0] == IACCVIOL
        return
    guest.call("executes", page(guest) + offset)
    assert guest.notes == ([1] if executes else [IACCVIOL, 1])


@pytest.mark.parametrize("hfnmiena", [0, HFNMIENA])
def test_hfnmiena_is_for_handlers_of_negative_priority(guest: "Guest", hfnmiena: int) -> None:
    guest.board.write(page(guest), b"\x07")
    guest.call("protect", page(guest), rasr(NONE, KIB), ENABLE | hfnmiena)
    guest.start("reads_in_nmi", page(guest))
    if hfnmiena:
        with pytest.raises(LockupError):
            guest.board.run_for(us=50)
        return
    guest.board.run_for(us=50)
    assert guest.notes == [7, DACCVIOL | MMARVALID, page(guest), 42]


@pytest.mark.parametrize(
    "function", ["reads_with_faultmask", "reads_with_msr_faultmask", "return_clears_faultmask"]
)
def test_faultmask_switches_the_mpu_off_until_it_is_cleared(guest: "Guest", function: str) -> None:
    guest.board.write(page(guest), b"\x07")
    guest.call("protect", page(guest), rasr(NONE, KIB), ENABLE)
    for times in (1, 2):
        guest.call(function, page(guest))
        assert guest.notes == [7, DACCVIOL | MMARVALID, page(guest), 42] * times


def test_faultmask_does_not_with_hfnmiena(guest: "Guest") -> None:
    guest.call("protect", page(guest), rasr(NONE, KIB), ENABLE | HFNMIENA)
    guest.start("reads_with_faultmask", page(guest))
    with pytest.raises(LockupError):
        guest.board.run_for(us=50)


def test_mpu_is_on_again_after_waiting_with_faultmask(guest: "Guest") -> None:
    guest.board.write(page(guest), b"\x07")
    guest.call("protect", page(guest), rasr(NONE, KIB), ENABLE | PRIVDEFENA)
    guest.call("waits_with_faultmask", page(guest))
    assert guest.notes == [7, DACCVIOL | MMARVALID, page(guest), 42]


def test_frames_are_pushed_and_popped_past_a_suspended_mpu(guest: "Guest") -> None:
    guest.call("protect", page(guest) + 0x400, rasr(NONE, KIB), ENABLE)
    guest.call("nmi_with_faultmask", page(guest) + 0x800)
    assert guest.notes == [1, 2]


def test_stacking_into_a_protected_region(guest: "Guest") -> None:
    guest.call("protect", page(guest) + 0x400, rasr(ALL_READ, KIB), ENABLE)
    guest.call("stack_is_protected", page(guest) + 0x800)
    assert guest.notes == [MSTKERR, 1]


def test_registers_of_the_selected_region(guest: "Guest") -> None:
    for n in range(8):
        guest.call("write", 0xE000_ED98, n)
        guest.call("write", 0xE000_ED9C, 0x2000_0000 + 0x1000 * n)
        guest.call("write", 0xE000_EDA0, 0xFFFF_FFFE)
    guest.call("write", 0xE000_EDA4, 0x0800_0000 | 1 << 4 | 2)  # MPU_RBAR_A1, VALID
    assert guest.call("read", 0xE000_ED98) == 2
    assert guest.call("read", 0xE000_ED9C) == 0x0800_0000 | 2
    assert guest.call("read", 0xE000_EDB8) == 0x173F_FF3E
    guest.call("write", 0xE000_ED98, 7)
    assert guest.call("read", 0xE000_ED9C) == 0x2000_7000 | 7


def test_part_without_mpu_reads_zero(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("write", 0xE000_ED94, 1)
    assert [guest.call("read", 0xE000_ED90 + 4 * n) for n in range(12)] == [0] * 12


def test_protection_survives_a_snapshot(guest: "Guest") -> None:
    guest.call("protect", page(guest), rasr(NONE, KIB), ENABLE)
    kept = guest.board.snapshot()
    guest.call("protect", page(guest), rasr(FULL, KIB), ENABLE)
    guest.board.restore(kept)
    assert guest.call("load", page(guest)) == 42
