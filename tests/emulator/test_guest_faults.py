"""Faults are the guest's: status, address, stacked PC, escalation, lockup. DDI 0403E.e B1.5."""

from typing import TYPE_CHECKING

import pytest

from emulator.errors import LockupError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

    Boot = Callable[[str], Guest]

PROGRAM = "faults.c"

BFARVALID, PRECISERR, IBUSERR, STKERR = 1 << 15, 1 << 9, 1 << 8, 1 << 12
UNDEFINSTR, INVSTATE, INVPC, IACCVIOL = 1 << 16, 1 << 17, 1 << 18, 1 << 0
FORCED, DEBUGEVT = 1 << 30, 1 << 31
PC, XPSR = 22, 23  # places in `out`


@pytest.mark.parametrize(
    ("function", "address", "bfar"),
    [
        pytest.param("bus_fault", 0x6000_0000, 0x6000_0000, id="nothing there"),
        pytest.param("bus_fault", 0x2000_5000, 0x2000_5000, id="behind SRAM"),
        pytest.param("bus_fault", 0x1FFF_FFFC, 0x1FFF_FFFC, id="below SRAM"),
        pytest.param("bus_fault", 0x4000_0C00, 0x4000_0C00, id="between the part's peripherals"),
        pytest.param("bus_fault", 0x22F0_0000, 0x22F0_0000, id="alias of bits that are not there"),
        pytest.param("bus_fault_byte", 0x6000_0003, 0x6000_0003, id="a byte"),
        pytest.param("bus_fault_store", 0x6000_0000, 0x6000_0000, id="a store"),
        pytest.param("bus_fault_store", 0x0800_0000, 0x0800_0000, id="a store to flash"),
        pytest.param("bus_fault_store", 0x0000_0000, 0x0000_0000, id="a store to flash's alias"),
        pytest.param("bus_fault", 0x2000_4FFE, 0x2000_5000, id="a word half behind SRAM"),
        pytest.param("bus_fault_many", 0x2000_4FF8, 0x2000_5000, id="LDM that leaves SRAM"),
    ],
)
def test_access_to_where_nothing_is_is_a_precise_bus_fault(
    boot: "Boot", function: str, address: int, bfar: int
) -> None:
    guest = boot(PROGRAM)
    guest.call(function, address)
    assert guest.notes == [PRECISERR | BFARVALID]
    assert guest.board.scb.bfar.ADDRESS == bfar


@pytest.mark.parametrize(
    ("function", "argument", "label"),
    [
        pytest.param("bus_fault", 0x6000_0000, "faulting_load", id="load"),
        pytest.param("bus_fault_store", 0x6000_0000, "faulting_store", id="store"),
        pytest.param("undefined_enabled", 0, "udf_itself", id="UDF"),
        pytest.param("debug_hardfault", 0, "bkpt_itself", id="BKPT, HardFault"),
        pytest.param("debug_monitor", 0, "bkpt_itself", id="BKPT, DebugMonitor"),
        pytest.param("forced", 0, "faulting_load", id="escalated"),
    ],
)
def test_stacked_pc_is_the_faulting_instruction(
    boot: "Boot", function: str, argument: int, label: str
) -> None:
    guest = boot(PROGRAM)
    guest.call(function, argument)
    assert guest.out(PC) == guest.address(label)
    assert guest.out(26) == 1  # taken once


def test_faulting_load_leaves_its_register_alone(boot: "Boot") -> None:
    assert boot(PROGRAM).call("bus_fault", 0x6000_0000) == 42


@pytest.mark.parametrize(
    ("address", "cfsr", "stacked_pc"),
    [
        pytest.param(0x6000_0001, IBUSERR, 0x6000_0000, id="nothing there"),
        pytest.param(0x4001_3801, IACCVIOL, 0x4001_3800, id="a peripheral: execute never"),
        pytest.param(0xE000_E001, IACCVIOL, 0xE000_E000, id="the system region: execute never"),
        pytest.param(0x0800_0100, INVSTATE, 0x0800_0100, id="an even address"),
    ],
)
def test_branch_to_what_cannot_be_executed(
    boot: "Boot", address: int, cfsr: int, stacked_pc: int
) -> None:
    guest = boot(PROGRAM)
    guest.call("fetch_from", address)
    assert guest.notes == [cfsr]
    assert guest.out(PC) == stacked_pc


def test_undefined_instruction(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("undefined_enabled")
    assert guest.notes == [UNDEFINSTR]


def test_undefined_instruction_that_an_it_block_skips_is_no_fault(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("udf_not_executed")
    assert guest.notes == [1]


def test_fault_that_is_not_enabled_becomes_a_forced_hardfault(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("forced")
    assert guest.notes == [PRECISERR | BFARVALID, FORCED]


def test_breakpoint_without_monitor_is_a_hardfault(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("debug_hardfault")
    assert guest.notes == [0, DEBUGEVT, 0b10]


def test_breakpoint_with_monitor_is_a_debugmonitor(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("debug_monitor")
    assert guest.notes == [0, 0, 0b10, 0]


def test_breakpoint_with_a_monitor_of_too_low_a_priority_is_a_hardfault(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("debug_monitor_too_low")
    assert guest.notes == [0, DEBUGEVT]


def test_bkpt_in_an_it_block_ignores_the_condition(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("bkpt_in_it")
    assert guest.notes == [0, DEBUGEVT]


def test_fault_in_an_it_block_stacks_its_state_and_goes_on_with_it(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("it_block", 0x6000_0000)
    assert guest.out(PC) == guest.address("load_in_it")
    # ITTET EQ is 0b0000_0101; one instruction on, ITSTATE is 0b0000_1010: bits [7:2] in [15:10].
    assert guest.out(XPSR) & 0x0600_FC00 == 0b10 << 25 | 0b000010 << 10
    assert guest.words("out", 3) == [1, 0, 1]


def test_fault_in_a_faults_handler_escalates(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("fault_in_fault")
    assert guest.notes == [1, PRECISERR | BFARVALID, 3]


def test_svc_in_its_own_handler_escalates(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("svc_escalates")
    assert guest.notes == [2, FORCED]


@pytest.mark.parametrize(
    ("function", "where"),
    [
        pytest.param("lockup", "faulting_load", id="a fault"),
        pytest.param("lockup_by_bkpt", "bkpt_itself", id="a breakpoint"),
    ],
)
def test_fault_in_hardfault_locks_up(boot: "Boot", function: str, where: str) -> None:
    guest = boot(PROGRAM)
    guest.start(function)
    with pytest.raises(LockupError) as caught:
        guest.board.run_for(ms=1)
    assert caught.value.pc == guest.address(where)
    assert caught.value.hfsr == FORCED
    assert caught.value.symbol == {"faulting_load": "load", "bkpt_itself": "breakpoint"}[where]


def test_locked_up_core_stays_so_until_a_reset(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.start("lockup")
    for _ in range(2):
        with pytest.raises(LockupError):
            guest.board.run_for(ms=1)
    guest.board.reset()
    guest.board.run_for(ms=2)
    assert guest.is_idle


def test_stack_overflow_ends_in_lockup(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.start("stack_overflow")
    with pytest.raises(LockupError) as caught:
        guest.board.run_for(ms=5)
    assert caught.value.cfsr & STKERR


def test_illegal_exc_return_is_a_usage_fault_on_the_same_frame(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("invpc")
    assert guest.notes == [INVPC, 1]
