"""The DebugMonitor, by guest programs: stepping, pending, its registers. DDI 0403E.e C1.6."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

    Boot = Callable[[str], Guest]

PROGRAM = "monitor.c"
DHCSR, DCRDR, DEMCR = 0xE000_EDF0, 0xE000_EDF8, 0xE000_EDFC
C_DEBUGEN_WITH_KEY = 0xA05F_0001
# Of `stepped`, from its start: after movs, movw, cmp, itte, addeq, addeq.w, addne, b, adds, svc.
PLACES = [2, 6, 8, 10, 12, 16, 18, 22, 24, 26]


def test_mon_step_stops_after_each_instruction(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    result = guest.call("steps_through", 40)
    begin = guest.address("stepped")
    seen = [pc - begin for pc in guest.notes if begin <= pc < begin + 28]
    assert seen == PLACES  # from the instruction that follows the block with the store to DEMCR
    assert result == 11  # the IT block took its way


def test_mon_step_ends_when_the_handler_clears_it(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    assert guest.call("steps_through", 3) == 11
    assert len(guest.notes) == 3


@pytest.mark.parametrize(
    ("priority", "is_stepped"),
    [
        pytest.param(0xC0, True, id="below the monitor"),
        pytest.param(0x40, False, id="above the monitor"),
    ],
)
def test_handler_is_stepped_only_below_the_monitor(
    boot: "Boot", priority: int, *, is_stepped: bool
) -> None:
    guest = boot(PROGRAM)
    assert guest.call("steps_into", priority) == 20
    assert (guest.address("in_irq") in guest.notes) is is_stepped


@pytest.mark.parametrize("mon_en", [0, 1])
def test_mon_pend_shows_and_changes_what_is_pending(boot: "Boot", mon_en: int) -> None:
    guest = boot(PROGRAM)
    guest.call("mon_pend", mon_en)
    assert guest.notes == [mon_en << 16 | 1 << 17, mon_en << 16, mon_en << 16]


def test_without_mon_en_nothing_is_stepped(boot: "Boot") -> None:
    assert boot(PROGRAM).call("no_step_without_mon_en") == 0


def test_core_cannot_enable_halting_debug(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    assert guest.call("write", DHCSR, C_DEBUGEN_WITH_KEY) & 1 == 0


def test_dhcsr_tells_of_a_reset_once(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    assert [guest.call("read", DHCSR) for _ in range(2)] == [1 << 25 | 1 << 24, 1 << 24]


@pytest.mark.parametrize(
    ("address", "written", "read"),
    [
        pytest.param(DEMCR, 0xFFF0_FFFF, 0x0100_07F1, id="TRCENA and vector catch are kept"),
        pytest.param(DEMCR, 1 << 19, 1 << 19, id="MON_REQ is the monitor's own"),
        pytest.param(DCRDR, 0x1234_5678, 0x1234_5678, id="DCRDR"),
    ],
)
def test_registers_keep(boot: "Boot", address: int, written: int, read: int) -> None:
    assert boot(PROGRAM).call("write", address, written) == read
