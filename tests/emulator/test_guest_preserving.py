"""Lazy preservation of a floating-point context, where it fails. DDI 0403E.e B1.5.7, B3.2."""

from typing import TYPE_CHECKING

import pytest

from emulator.errors import LockupError
from emulator.parts import part_named
from emulator.peripherals.fpb import FPB_V1
from tests.emulator.conftest import part_with

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

    Boot = Callable[..., Guest]

M4F = part_with(model="cortex-m4", cpuid=0x410F_C241, has_fpu=True, mpu_regions=8, fpb=FPB_V1)
M33 = part_named("stm32l552")
UFRDY, MONRDY, BFRDY, MMRDY, HFRDY = 1 << 10, 1 << 8, 1 << 6, 1 << 5, 1 << 4
MEMFAULTENA, BUSFAULTENA, USGFAULTENA = 1 << 16, 1 << 17, 1 << 18
MLSPERR, LSPERR, NOCP, FORCED = 1 << 5, 1 << 13, 1 << 19, 1 << 30
SHPR1, SHPR2, SHPR3, DEMCR = 0xE000_ED18, 0xE000_ED1C, 0xE000_ED20, 0xE000_EDFC
MPU_CTRL, MPU_RNR, MPU_RBAR, MPU_RASR = 0xE000_ED94, 0xE000_ED98, 0xE000_ED9C, 0xE000_EDA0
HARDFAULT, MEMMANAGE, BUSFAULT, USAGEFAULT = 3, 4, 5, 6
ON_PSP, UNPRIVILEGED = 2, 1
RAM_END = 0x2000_5000
HALF_IN_RAM = RAM_END + 72  # the basic frame is the last thing in RAM, the room is behind it
STORED, BACK = 100, 200  # notes of the handler, where LSPACT is 0 then, and of the thread


@pytest.fixture
def guest(boot: "Boot") -> "Guest":
    return prepared(boot("preserving.c", M4F))


def prepared(guest: "Guest") -> "Guest":
    """Give SVCall a priority that the faults preempt, and leave the end of RAM to a test."""
    write(guest, SHPR2, 0x80 << 24)
    guest.board.set_register("msp", 0x2000_4000)
    return guest


def write(guest: "Guest", address: int, word: int) -> None:
    guest.board.write(address, word.to_bytes(4, "little"))


@pytest.mark.parametrize(
    ("enabled", "monitor", "priorities", "ready"),
    [
        pytest.param(0, 0, 0, HFRDY, id="HardFault always is"),
        pytest.param(MEMFAULTENA, 0, 0, HFRDY | MMRDY, id="MemManage"),
        pytest.param(BUSFAULTENA, 0, 0, HFRDY | BFRDY, id="BusFault"),
        pytest.param(0, 1, 0, HFRDY | MONRDY, id="DebugMonitor"),
        pytest.param(USGFAULTENA, 0, 0, HFRDY, id="UsageFault is not of Armv7-M"),
        pytest.param(MEMFAULTENA | BUSFAULTENA, 1, 0xC0_90, HFRDY | MONRDY, id="BASEPRI is higher"),
    ],
)
def test_ready_is_what_could_have_preempted_the_thread(
    guest: "Guest", enabled: int, monitor: int, priorities: int, ready: int
) -> None:
    write(guest, SHPR1, priorities)
    write(guest, DEMCR, monitor << 16)
    if priorities:
        guest.board.set_register("basepri", 0x90)
    guest.call("preserves", guest.address("area") + 256, enabled, 0, ON_PSP)
    assert guest.notes == [ready, STORED, BACK]


def test_usage_fault_is_of_armv8m(boot: "Boot") -> None:
    guest = prepared(boot("preserving.c", M33))
    guest.call("preserves", guest.address("area") + 256, USGFAULTENA, 0, ON_PSP)
    assert guest.notes == [HFRDY | UFRDY, STORED, BACK]


def test_bus_fault_is_taken_at_once_where_it_was_ready(guest: "Guest") -> None:
    guest.call("preserves", HALF_IN_RAM, BUSFAULTENA, 0, ON_PSP)
    assert guest.notes == [HFRDY | BFRDY, BUSFAULT, LSPERR, 0, 9, STORED, BACK]


def test_bus_fault_comes_where_the_room_was_moved(guest: "Guest") -> None:
    """With the next block's first use, since this one's was looked at before its first store."""
    guest.call("preserves_elsewhere", guest.address("area") + 256, BUSFAULTENA)
    assert guest.notes[:3] == [BUSFAULT, LSPERR, 0]
    assert guest.notes[-1] == BACK


@pytest.mark.parametrize("enabled_later", [0, BUSFAULTENA])
def test_bus_fault_escalates_where_it_was_not(guest: "Guest", enabled_later: int) -> None:
    guest.call("preserves", HALF_IN_RAM, 0, enabled_later, ON_PSP)
    assert guest.notes == [HFRDY, HARDFAULT, LSPERR, FORCED, 9, STORED, BACK]


def test_fault_that_cannot_preempt_the_handler_waits_for_its_end(guest: "Guest") -> None:
    write(guest, SHPR1, 0x90 << 8)
    guest.call("preserves", HALF_IN_RAM, BUSFAULTENA, 0, ON_PSP)
    assert guest.notes == [HFRDY | BFRDY, STORED, BUSFAULT, LSPERR, 0, 9, BACK]


def test_nothing_is_ready_with_faultmask_and_a_fault_locks_up(guest: "Guest") -> None:
    guest.start("preserves_in_nmi", HALF_IN_RAM, BUSFAULTENA | MEMFAULTENA)
    with pytest.raises(LockupError):
        guest.board.run_for(ms=1)
    assert guest.notes == [0]


def protect_room(guest: "Guest", *, is_for_privileged: bool) -> None:
    """Make the second half of `area` a region; everything else is for all."""
    area = guest.address("area")
    regions = ((0x0800_0000, 3 << 24 | 15 << 1 | 1), (0x2000_0000, 3 << 24 | 15 << 1 | 1))
    room = (area + 128, is_for_privileged << 24 | 6 << 1 | 1)
    for n, (base, attributes) in enumerate((*regions, room)):
        write(guest, MPU_RNR, n)
        write(guest, MPU_RBAR, base)
        write(guest, MPU_RASR, attributes)
    write(guest, MPU_CTRL, 5)  # PRIVDEFENA


@pytest.mark.parametrize("unprivileged", [0, UNPRIVILEGED])
def test_room_is_accessed_as_the_interrupted_code_may(guest: "Guest", unprivileged: int) -> None:
    protect_room(guest, is_for_privileged=True)
    psp = guest.address("area") + 128 + 72
    guest.call("preserves", psp, MEMFAULTENA, 0, ON_PSP | unprivileged)
    fault = [MEMMANAGE, MLSPERR, 0, 9] if unprivileged else []
    assert guest.notes == [HFRDY | MMRDY, *fault, STORED, BACK]


def test_mpu_is_off_for_it_as_it_was_for_the_interrupted_code(guest: "Guest") -> None:
    protect_room(guest, is_for_privileged=False)
    guest.call("preserves_in_nmi", guest.address("area") + 128 + 72, MEMFAULTENA)
    assert guest.notes == [0, STORED, BACK]


@pytest.mark.parametrize(("part", "is_asked"), [(M4F, False), (M33, True)], ids=["v7", "v8"])
def test_armv8m_asks_whether_the_interrupted_code_may_use_it_still(
    boot: "Boot", part: object, *, is_asked: bool
) -> None:
    guest = prepared(boot("preserving.c", part))
    guest.call("preserves_what_was_denied", guest.address("area") + 256, USGFAULTENA)
    fault = [USAGEFAULT, NOCP, 0, 9] if is_asked else []
    assert guest.notes == [HFRDY | UFRDY * is_asked, *fault, STORED, BACK]
