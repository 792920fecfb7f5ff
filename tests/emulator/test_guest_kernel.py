"""A small real-time kernel: SVC, PendSV, SysTick, tasks with stacks of their own, a queue."""

from typing import TYPE_CHECKING

import pytest

from emulator.parts import part_named

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

    Boot = Callable[..., Guest]

PROGRAM = "kernel.c"
SWITCHES, TICKS, FULL, EMPTY, LAZY, DAMAGE, ROUNDS_A, ROUNDS_B, CONTROL = range(9)  # in `out`
STKOF = 1 << 20
RECEIVER = 1
CORES = [
    pytest.param("stm32f103c8", False, False, id="M3"),
    pytest.param("stm32f405", True, False, id="M4F, floating point in every task"),
    pytest.param("stm32f405", False, False, id="M4F, no floating point"),
    pytest.param("stm32l552", False, True, id="M33, a limit per stack"),
    pytest.param("stm32l552", True, True, id="M33, a limit per stack and floating point"),
]


@pytest.mark.parametrize(("part", "has_fpu", "has_limits"), CORES)
def test_tasks_take_turns_and_lose_nothing(
    boot: "Boot", part: str, *, has_fpu: bool, has_limits: bool
) -> None:
    guest = boot(PROGRAM, part_named(part))
    guest.call("kernel", has_fpu, has_limits, 0)
    assert guest.notes == [n * n for n in range(1, 13)]  # what was sent, each once, in order
    assert guest.out(FULL) > 0  # the sender has waited
    assert guest.out(EMPTY) > 0  # and the receiver
    assert guest.out(ROUNDS_A) > 0
    assert guest.out(ROUNDS_B) > 0
    assert guest.out(DAMAGE) == 0  # every register of theirs came back
    assert guest.out(SWITCHES) > guest.out(TICKS) >= 12
    assert (guest.out(LAZY) > 0) is has_fpu  # room was left for registers, and they not yet stored
    assert guest.out(CONTROL) == 0  # privileged again, on the main stack


def test_task_that_passes_its_limit_is_caught_by_name(boot: "Boot") -> None:
    guest = boot(PROGRAM, part_named("stm32l552"))
    guest.call("kernel", 0, 1, 1)
    assert guest.notes == [STKOF, RECEIVER]
    assert guest.out(CONTROL) == 0
