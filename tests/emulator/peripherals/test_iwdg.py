"""IWDG of the STM32F103. Keys, offsets and times are RM0008's."""

import pytest

from emulator.clock import Clock
from emulator.peripherals.iwdg import Iwdg

KR, PR, RLR, SR = 0x00, 0x04, 0x08, 0x0C
RELOAD, UNLOCK, START = 0xAAAA, 0x5555, 0xCCCC
HZ = 8_000_000


@pytest.fixture
def clock() -> Clock:
    return Clock(HZ)


@pytest.fixture
def bites() -> list[int]:
    return []


@pytest.fixture
def iwdg(clock: Clock, bites: list[int]) -> Iwdg:
    return Iwdg(clock, lambda: bites.append(clock.ns))


def advance_to(clock: Clock, us: int) -> None:
    clock.skip_to(clock.cycle_at(us * 1000))
    clock.expire_due()


def configure(iwdg: Iwdg, prescaler: int, reload: int) -> None:
    iwdg.write(KR, UNLOCK)
    iwdg.write(PR, prescaler)
    iwdg.write(RLR, reload)


def test_reset_values(iwdg: Iwdg) -> None:
    assert [iwdg.read(offset) for offset in (KR, PR, RLR, SR)] == [0, 0, 0xFFF, 0]


def test_registers_are_locked_but_for_the_key(iwdg: Iwdg) -> None:
    iwdg.write(PR, 3)
    assert iwdg.read(PR) == 0
    configure(iwdg, 3, 0x123)
    iwdg.write(KR, RELOAD)  # locks again
    iwdg.write(RLR, 0x456)
    assert (iwdg.read(PR), iwdg.read(RLR)) == (3, 0x123)


@pytest.mark.parametrize(
    ("prescaler", "reload", "us"),
    [
        pytest.param(0, 0x000, 100, id="shortest at / 4"),
        pytest.param(0, 0xFFF, 409_600, id="longest at / 4"),
        pytest.param(6, 0x000, 6_400, id="shortest at / 256"),
        pytest.param(7, 0xFFF, 26_214_400, id="longest at / 256"),
    ],
)
def test_time_until_it_bites(
    clock: Clock, iwdg: Iwdg, bites: list[int], prescaler: int, reload: int, us: int
) -> None:
    configure(iwdg, prescaler, reload)
    iwdg.write(KR, START)
    advance_to(clock, us - 1)
    assert bites == []
    advance_to(clock, us)
    assert len(bites) == 1


def test_reload_puts_it_off_and_starts_nothing(clock: Clock, iwdg: Iwdg, bites: list[int]) -> None:
    configure(iwdg, 0, 9)  # 1 ms
    iwdg.write(KR, RELOAD)
    advance_to(clock, 5_000)
    assert bites == []
    iwdg.write(KR, START)
    for us in range(5_900, 9_500, 900):
        advance_to(clock, us)
        iwdg.write(KR, RELOAD)
    assert bites == []
    advance_to(clock, 12_000)
    assert len(bites) == 1


@pytest.mark.parametrize("hz", [1_000_000, 72_000_000])
def test_core_clock_has_no_part_in_it(clock: Clock, iwdg: Iwdg, bites: list[int], hz: int) -> None:
    configure(iwdg, 0, 9)
    iwdg.write(KR, START)
    advance_to(clock, 500)
    clock.set_hz(hz)
    advance_to(clock, 999)
    assert bites == []
    advance_to(clock, 1_000)
    assert bites == [1_000_000]
