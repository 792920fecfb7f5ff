"""The Cortex-M33: what Armv8-M, mainline, does unlike Armv7-M."""

from typing import TYPE_CHECKING

import pytest

from emulator.parts import part_named

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

    Boot = Callable[..., Guest]

PROGRAM = "armv8m.c"
EXC_RETURN, PC = 24, 22  # places in `out`
STKOF, DACCVIOL, MMARVALID, IACCVIOL, INVPC = 1 << 20, 1 << 1, 1 << 7, 1 << 0, 1 << 18
UNDEFINSTR = 1 << 16
UNTOUCHED = 0x5A5A_5A5A
READ_ONLY, ALL_READ_ONLY, ALL, XN = 0b100, 0b110, 0b010, 0b001


@pytest.fixture
def guest(boot: "Boot") -> "Guest":
    return boot(PROGRAM, part_named("stm32l552"))


def word(guest: "Guest", address: int) -> int:
    return int.from_bytes(guest.board.read(address, 4), "little")


@pytest.mark.parametrize(
    ("address", "value"),
    [
        pytest.param(0xE000_ED00, 0x410F_D214, id="CPUID: Cortex-M33 r0p4"),
        pytest.param(0xE000_ED14, 0x0000_0201, id="CCR: what was optional is fixed"),
        pytest.param(0xE000_ED90, 0x0000_0800, id="MPU_TYPE: eight regions"),
        pytest.param(0xE000_2000, 0x1000_0080, id="FP_CTRL: version 2, eight comparators"),
        pytest.param(0xE000_EF48, 0x0000_0040, id="MVFR2: FPv5"),
    ],
)
def test_identification(guest: "Guest", address: int, value: int) -> None:
    assert word(guest, address) == value


@pytest.mark.parametrize(
    ("function", "argument", "exc_return"),
    [
        pytest.param("from_thread", 0, 0xFFFF_FFB8, id="from Thread mode on MSP"),
        pytest.param("from_thread", 1, 0xFFFF_FFBC, id="from Thread mode on PSP"),
        pytest.param("from_handler", 0, 0xFFFF_FFB0, id="from Handler mode"),
    ],
)
def test_exc_return_says_where_it_came_from(
    guest: "Guest", function: str, argument: int, exc_return: int
) -> None:
    guest.call(function, argument)
    assert guest.out(EXC_RETURN) == exc_return


@pytest.mark.parametrize("address", [0xFFFF_FFBD, 0xFEFF_FFFF])
def test_exc_return_in_thread_mode_is_an_address_like_any_other(
    guest: "Guest", address: int
) -> None:
    guest.call("branches_to", address)
    assert guest.notes == [IACCVIOL]
    assert guest.out(PC) == address & ~1


def test_bit_band_aliases_are_not_there(guest: "Guest") -> None:
    guest.call("mpu_on")  # for its handler
    guest.start("load", 0x2200_0000)
    guest.board.run_for(us=20)
    assert guest.word("unexpected") == 3  # a HardFault: BusFault is not enabled


@pytest.mark.parametrize(("part", "is_cleared"), [("stm32l552", True), ("stm32f103c8", False)])
def test_pending_nmi_can_be_cleared(boot: "Boot", part: str, *, is_cleared: bool) -> None:
    guest = boot(PROGRAM, part_named(part))
    for bit in (31, 30):
        guest.board.write(0xE000_ED04, (1 << bit).to_bytes(4, "little"))
    assert word(guest, 0xE000_ED04) >> 31 == (not is_cleared)


# Stack limits.


def test_limits_are_kept_apart_and_aligned_to_eight(guest: "Guest") -> None:
    assert guest.call("set_limits", 0x2000_0107, 0x2000_0208) == 0x2000_0208
    assert guest.out(0) == 0x2000_0100


@pytest.mark.parametrize(("room", "notes"), [(10, []), (9, [STKOF])])
def test_push_beyond_the_limit_is_a_usage_fault(
    guest: "Guest", room: int, notes: list[int]
) -> None:
    guest.call("push_beyond", room)  # of ten words
    assert guest.notes == notes
    assert guest.out(0) == UNTOUCHED
    if notes:
        assert guest.out(PC) == guest.address("the_push")


@pytest.mark.parametrize(("room", "is_enough"), [(8, True), (7, False), (4, False), (0, False)])
def test_exception_entry_stays_within_the_limit(
    guest: "Guest", room: int, *, is_enough: bool
) -> None:
    guest.call("exception_entry", room)
    if is_enough:
        assert guest.notes == [11]
    else:
        # The fault is taken in place of SVC's exception, which is still to come; SP is the limit.
        assert [note for note in guest.notes if note != 11] == [STKOF, 0]
    assert guest.out(0) == UNTOUCHED


def test_unprivileged_code_sets_no_limit(guest: "Guest") -> None:
    assert guest.call("unprivileged_sets_limit", 0x2004_0000) == 0  # or no frame could be pushed


def test_limits_survive_a_snapshot(guest: "Guest") -> None:
    guest.call("set_limits", 0x2000_0100, 0x2000_0200)
    limited = guest.board.snapshot()
    assert guest.call("set_limits", 0, 0) == 0
    guest.board.restore(limited)
    assert guest.call("limits") == 0x2000_0200
    assert guest.out(0) == 0x2000_0100
    guest.board.reset()
    guest.board.run_for(ms=2)
    assert guest.call("limits") == 0


# The MPU of Armv8-M.


@pytest.mark.parametrize(
    ("permissions", "function", "allowed"),
    [
        pytest.param(READ_ONLY, "load", True, id="privileged read-only, load"),
        pytest.param(READ_ONLY, "store", False, id="privileged read-only, store"),
        pytest.param(ALL, "store", True, id="for all, store"),
        pytest.param(0, "loads_unprivileged", False, id="privileged, unprivileged load"),
        pytest.param(ALL_READ_ONLY, "loads_unprivileged", True, id="read-only for all"),
    ],
)
def test_access_permissions(
    guest: "Guest", permissions: int, function: str, *, allowed: bool
) -> None:
    at = 0x2000_7020
    guest.call("region", 1, at, at + 0x5F, permissions)
    guest.call("mpu_on")
    guest.call(function, at)
    assert guest.notes == ([] if allowed else [DACCVIOL | MMARVALID, at])


@pytest.mark.parametrize(
    ("offset", "is_inside"), [(-4, False), (0, True), (0x5C, True), (0x60, False)]
)
def test_region_goes_from_base_to_limit(guest: "Guest", offset: int, *, is_inside: bool) -> None:
    at = 0x2000_7020
    guest.call("region", 1, at, at + 0x5F, READ_ONLY)
    guest.call("mpu_on")
    guest.call("store", at + offset)
    assert guest.notes == ([DACCVIOL | MMARVALID, at + offset] if is_inside else [])


def test_address_in_two_regions_is_a_fault(guest: "Guest") -> None:
    guest.call("region", 1, 0x2000_7000, 0x2000_70FF, ALL)
    guest.call("region", 2, 0x2000_7080, 0x2000_717F, ALL)
    guest.call("mpu_on")
    for address in (0x2000_7000, 0x2000_7100, 0x2000_7080):
        guest.call("store", address)
    assert guest.notes == [DACCVIOL | MMARVALID, 0x2000_7080]


def test_aliases_are_the_other_regions_of_four(guest: "Guest") -> None:
    board = guest.board
    board.write(0xE000_ED98, (5).to_bytes(4, "little"))  # MPU_RNR
    board.write(0xE000_EDB4, (0x2000_0020).to_bytes(4, "little"))  # MPU_RBAR_A3
    board.write(0xE000_EDB8, (0x2000_0041).to_bytes(4, "little"))  # MPU_RLAR_A3
    board.write(0xE000_ED98, (7).to_bytes(4, "little"))
    assert (word(guest, 0xE000_ED9C), word(guest, 0xE000_EDA0)) == (0x2000_0020, 0x2000_0041)


# Instructions.


def test_load_acquire_and_store_release(guest: "Guest") -> None:
    assert guest.call("increments", 41) == 42


def test_round_to_nearest_away(guest: "Guest") -> None:
    assert guest.call("rounds_away", 0x4020_0000) == 0x4040_0000  # 2.5 → 3.0


# The Security Extension is not there.


@pytest.mark.parametrize("name", ["bxns", "blxns", "tta", "ttat", "vlstm", "vlldm"])
def test_instruction_of_the_security_extension_is_undefined(guest: "Guest", name: str) -> None:
    assert guest.call("tries", guest.address(name) | 1) == 7
    assert guest.notes == [UNDEFINSTR]


def test_secure_gateway_is_a_nop(guest: "Guest") -> None:
    assert guest.call("passes_sg", 41) == 42


MRVALID, R, RW = 1 << 16, 1 << 18, 1 << 19
TARGET = 0x2000_7020


def test_target_without_an_mpu_can_be_accessed(guest: "Guest") -> None:
    assert guest.call("tests_target", TARGET) == R | RW
    assert guest.call("tests_target_unprivileged", TARGET) == R | RW


@pytest.mark.parametrize(
    ("permissions", "privileged", "unprivileged"),
    [(0, R | RW, 0), (ALL, R | RW, R | RW), (READ_ONLY, R, 0), (ALL_READ_ONLY, R, R)],
)
def test_target_is_what_the_region_allows(
    guest: "Guest", permissions: int, privileged: int, unprivileged: int
) -> None:
    guest.call("region", 5, TARGET, TARGET + 0x5F, permissions)
    guest.call("mpu_on")
    assert guest.call("tests_target", TARGET) == privileged | MRVALID | 5
    assert guest.call("tests_target_unprivileged", TARGET) == unprivileged | MRVALID | 5
    assert guest.call("tests_target", TARGET - 4) == R | RW  # PRIVDEFENA
    assert guest.call("tests_target_unprivileged", TARGET - 4) == 0


def test_target_in_two_regions_cannot_be_accessed(guest: "Guest") -> None:
    for number in (1, 2):
        guest.call("region", number, TARGET, TARGET + 0x5F, ALL)
    guest.call("mpu_on")
    assert guest.call("tests_target", TARGET) == 0


def test_target_tested_by_unprivileged_code_is_nothing(guest: "Guest") -> None:
    assert guest.call("tests_target_as_unprivileged", TARGET) == 0


def test_target_is_tested_where_its_condition_passes(guest: "Guest") -> None:
    begin = guest.board.clock.cycles
    guest.start("tests_target_in_it", TARGET)
    while not guest.is_idle:
        guest.board.run_for(cycles=1)
    assert guest.board.register("r0") == TARGET + 1
    assert guest.board.register("r1") == R | RW
    assert guest.board.clock.cycles - begin == 6


# The Flash Patch unit: no remapping.


def test_remap_is_absent(guest: "Guest") -> None:
    guest.board.write(0xE000_2004, (0x2000_0100).to_bytes(4, "little"))
    assert word(guest, 0xE000_2004) == 0
