"""Clock gating and resets by RCC as a guest program uses them."""

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.emulator.conftest import Guest

    Boot = Callable[[str], Guest]

PROGRAM = "clocks.c"


def test_peripheral_without_a_clock_reads_zero_and_says_so_once(
    boot: "Boot", caplog: "pytest.LogCaptureFixture"
) -> None:
    guest = boot(PROGRAM)
    with caplog.at_level(logging.WARNING, "emulator.guest"):
        assert guest.call("gated") == 0x123
    assert guest.words("out", 2) == [0, 0]
    assert [record.getMessage() for record in caplog.records] == [
        "USART1 is used while its clock is off (RCC): reads as zero, ignores writes"
    ]


def test_reset_bit_resets_a_peripheral(boot: "Boot") -> None:
    assert boot(PROGRAM).call("reset_by_rcc") == 0


def test_flags_say_what_reset_the_machine(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    assert guest.call("flags") == 0x0C00_0000  # PORRSTF, PINRSTF
    guest.start("forget_and_reset")
    guest.board.run_for(ms=1)
    assert guest.is_idle
    assert guest.call("flags") == 0x1400_0000  # SFTRSTF, PINRSTF
    guest.board.reset()
    guest.board.run_for(ms=1)
    assert guest.call("flags") == 0x0C00_0000
