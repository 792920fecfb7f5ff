"""LDRT, STRT and their kind: the access of unprivileged code, by any. DDI 0403E.e A7.7, B3.5."""

from typing import TYPE_CHECKING

import pytest

from emulator.parts import part_named
from tests.emulator.conftest import Guest, part_with

if TYPE_CHECKING:
    from collections.abc import Callable

    Boot = Callable[..., Guest]

V7, V8 = part_with(mpu_regions=8), part_named("stm32l552")
LOADS, STORES = ("ldrt", "ldrht", "ldrsht", "ldrbt", "ldrsbt"), ("strt", "strht", "strbt")
TARGET, VALUE = 0x2000_4020, 0x8182_F3F4
MPU_CTRL, MPU_RNR, MPU_RBAR, MPU_RASR = 0xE000_ED94, 0xE000_ED98, 0xE000_ED9C, 0xE000_EDA0
RCC_AHBENR = 0x4002_1014, 0x4002_1048  # of Armv7-M's part, and Armv8-M's
SHPR1, STIR, CCR = 0xE000_ED18, 0xE000_EF00, 0xE000_ED14
PRIVILEGED, FULL, ENABLE_WITH_DEFAULT = 1, 3, 5
DACCVIOL, MMARVALID, PRECISERR, BFARVALID = 1 << 1, 1 << 7, 1 << 9, 1 << 15


def write(guest: "Guest", address: int, word: int) -> None:
    guest.board.write(address, word.to_bytes(4, "little"))


def protect(guest: "Guest", permission: int) -> None:
    """Make 32 bytes about the target a region of the MPU, of either architecture."""
    is_v8 = guest.board.part is V8
    write(guest, MPU_RNR, 2)
    write(guest, MPU_RBAR, TARGET | (permission & 2 if is_v8 else 0))
    write(guest, MPU_RASR, TARGET | 1 if is_v8 else permission << 24 | 4 << 1 | 1)
    write(guest, MPU_CTRL, ENABLE_WITH_DEFAULT)


@pytest.fixture(params=[V7, V8], ids=["Armv7-M", "Armv8-M"])
def guest(request: pytest.FixtureRequest, boot: "Boot") -> "Guest":
    guest: Guest = boot("unprivileged.c", request.param)
    guest.call("faults_are_noted")
    write(guest, TARGET, VALUE)
    return guest


@pytest.mark.parametrize("permission", [None, FULL])
@pytest.mark.parametrize(
    ("function", "result"),
    [
        ("ldrt", VALUE),
        ("ldrht", 0xF3F4),
        ("ldrsht", 0xFFFF_F3F4),
        ("ldrbt", 0xF4),
        ("ldrsbt", 0xFFFF_FFF4),
        ("strt", 0x1234_5678),
        ("strht", 0x8182_5678),
        ("strbt", 0x8182_F378),
    ],
)
def test_allowed_access_is_as_without_t(
    guest: "Guest", permission: int | None, function: str, result: int
) -> None:
    if permission is not None:
        protect(guest, permission)
    returned = guest.call(function, TARGET, 0x1234_5678)
    assert guest.notes == []
    stored = int.from_bytes(guest.board.read(TARGET, 4), "little")
    assert (stored if function in STORES else returned) == result


@pytest.mark.parametrize("function", LOADS + STORES)
def test_what_unprivileged_code_may_not_access_is_a_fault(guest: "Guest", function: str) -> None:
    protect(guest, PRIVILEGED)
    assert guest.call("ldr", TARGET, 1) == VALUE
    assert guest.call(function, TARGET, 1) == 1
    assert guest.notes == [DACCVIOL | MMARVALID, TARGET]
    assert guest.call("ldr", TARGET, 1) == VALUE  # nothing was stored


def test_default_map_of_privdefena_is_not_for_it(guest: "Guest") -> None:
    protect(guest, FULL)
    assert guest.call("ldrt", TARGET + 28, 1) == 0
    assert guest.call("ldrt", TARGET + 32, 1) == 1
    assert guest.notes == [DACCVIOL | MMARVALID, TARGET + 32]


@pytest.mark.parametrize("function", ["ldrt", "strt"])
def test_private_peripheral_bus_refuses_it(guest: "Guest", function: str) -> None:
    write(guest, SHPR1, 0x0040_0000)
    assert guest.call(function, SHPR1, 1) == 1
    assert guest.notes == [PRECISERR | BFARVALID, SHPR1]
    assert guest.call("ldr", SHPR1, 1) == 0x0040_0000


def test_stir_takes_it_where_unprivileged_code_may_write_there(guest: "Guest") -> None:
    guest.call("strt", STIR, 5)
    assert guest.notes == [PRECISERR | BFARVALID, STIR]
    write(guest, CCR, 1 << 9 | 1 << 1)  # STKALIGN, USERSETMPEND
    guest.call("strt", STIR, 5)
    assert len(guest.notes) == 2
    assert guest.board.read(0xE000_E200, 4)[0] == 1 << 5


def test_address_where_nothing_is(guest: "Guest") -> None:
    nowhere = 0x3000_0000
    assert guest.call("ldrt", nowhere, 1) == 1
    assert guest.notes == [PRECISERR | BFARVALID, nowhere]


def test_error_of_a_device_leaves_the_next_accesses_judged(
    guest: "Guest", monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = Guest(guest.board.fork())  # which has translated nothing yet
    before = fresh.board.snapshot()
    monkeypatch.setattr(fresh.board.units["CRC"], "write", None)  # as somebody's may fail
    write(fresh, RCC_AHBENR[fresh.board.part is V8], 1 << 12 | 1 << 6)
    with pytest.raises(TypeError):
        fresh.call("strt", 0x4002_3000, 1)
    fresh.board.restore(before)
    protect(fresh, PRIVILEGED)
    fresh.call("ldrt", TARGET, 1)
    assert fresh.notes == [DACCVIOL | MMARVALID, TARGET]


@pytest.mark.parametrize(("condition", "result"), [(0, 44), (1, VALUE + 1)])
def test_condition_and_time_are_as_of_any_instruction(
    guest: "Guest", condition: int, result: int
) -> None:
    begin = guest.board.clock.cycles
    guest.start("conditional", TARGET, condition)
    while not guest.is_idle:
        guest.board.run_for(cycles=1)
    assert guest.board.register("r0") == result
    assert guest.board.clock.cycles - begin == 8
