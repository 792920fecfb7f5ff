"""DMAMUX of the STM32L5: which channel hears which request. Offsets are ST's stm32l552xx.h's."""

import functools

import pytest

from emulator.peripherals.dmamux import Dmamux

RX, TX = 25, 26  # USART1's, by stm32l5xx_ll_dmamux.h


@pytest.fixture
def levels() -> list[bool]:
    return [False] * 16


@pytest.fixture
def dmamux(levels: list[bool]) -> Dmamux:
    drives = [functools.partial(levels.__setitem__, n) for n in range(len(levels))]
    return Dmamux(drives, drives)


def test_a_request_reaches_the_channel_that_selects_it_and_no_other(
    dmamux: Dmamux, levels: list[bool]
) -> None:
    request = dmamux.request(RX)
    dmamux.write(4 * 9, RX)
    dmamux.write(4 * 10, TX)
    request(True)
    assert [n for n, level in enumerate(levels) if level] == [9]
    request(False)
    assert not any(levels)


def test_a_selection_follows_a_request_that_is_there(dmamux: Dmamux, levels: list[bool]) -> None:
    dmamux.request(RX)(True)
    dmamux.write(4 * 3, RX)
    assert levels[3]
    dmamux.write(4 * 3, TX)
    assert not any(levels)


def test_a_reset_deselects(dmamux: Dmamux, levels: list[bool]) -> None:
    dmamux.request(RX)(True)
    dmamux.write(0, RX)
    dmamux.reset()
    assert not any(levels)


def test_a_pulse_is_nothing_to_a_channel_that_selects_it_later(
    dmamux: Dmamux, levels: list[bool]
) -> None:
    dmamux.pulse(RX)(True)
    dmamux.write(4 * 3, RX)
    assert not any(levels)
    dmamux.pulse(RX)(True)
    assert levels[3]
