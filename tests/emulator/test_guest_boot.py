"""Boot, and the way the other tests call guest functions."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

PROGRAM = r"""
uint32_t initialised = 0x12345678;
uint32_t zeroed;
uint32_t add(uint32_t a, uint32_t b) { return a + b; }
"""


def test_program_boots_from_the_reset_vector(boot: "Callable[[str], Guest]") -> None:
    guest = boot(PROGRAM)
    assert guest.is_idle
    assert guest.word("initialised") == 0x1234_5678
    assert guest.board.register("msp") == 0x2000_5000


def test_function_is_called_with_its_arguments(boot: "Callable[[str], Guest]") -> None:
    assert boot(PROGRAM).call("add", 40, 2) == 42


def test_flash_is_at_address_0_too(boot: "Callable[[str], Guest]") -> None:
    guest = boot("uint32_t load(const uint32_t *p) { return *p; }")
    assert guest.call("load", 0) == guest.call("load", 0x0800_0000) == 0x2000_5000
