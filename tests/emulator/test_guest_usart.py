"""The three USARTs of the STM32F103 as a guest program uses them."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

    Boot = Callable[[str], Guest]

PPRE1_DIV_2, PPRE2_DIV_4 = 0b100 << 8, 0b101 << 11
FRAME = 10 * 100  # bus cycles: ten bits at BRR = 100


@pytest.mark.parametrize(
    ("usart", "cfgr", "core_cycles_per_bus_cycle"),
    [
        pytest.param(1, 0, 1, id="USART1"),
        pytest.param(2, 0, 1, id="USART2"),
        pytest.param(3, 0, 1, id="USART3"),
        pytest.param(1, PPRE1_DIV_2 | PPRE2_DIV_4, 4, id="USART1 is clocked by PCLK2"),
        pytest.param(2, PPRE1_DIV_2 | PPRE2_DIV_4, 2, id="USART2 is clocked by PCLK1"),
        pytest.param(3, PPRE1_DIV_2 | PPRE2_DIV_4, 2, id="USART3 is clocked by PCLK1"),
    ],
)
def test_baud_rate_follows_brr_and_the_clock_tree(
    boot: "Boot", usart: int, cfgr: int, core_cycles_per_bus_cycle: int
) -> None:
    cycles = boot("usarts.c").call("cycles_of_a_frame", usart, cfgr)
    # The two polls come on top, or one of them is late: a few instructions.
    assert abs(cycles - FRAME * core_cycles_per_bus_cycle) < 20
