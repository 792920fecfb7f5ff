"""NVIC registers, offsets from 0xE000E100. DDI 0403E.e B3.4."""

import pytest

from emulator.interrupts import Interrupts
from emulator.peripherals.nvic import ControllerType, Nvic

ISER0, ISER1, ICER1, ISPR1, ICPR1, IABR1, IPR9 = 0x000, 0x004, 0x084, 0x104, 0x184, 0x204, 0x324
IRQ37, BIT = 37, 1 << 5


@pytest.fixture
def interrupts() -> Interrupts:
    return Interrupts(irqs=43, priority_bits=4, on_change=lambda: None)


@pytest.fixture
def nvic(interrupts: Interrupts) -> Nvic:
    return Nvic(interrupts)


def test_enabling_and_disabling(nvic: Nvic, interrupts: Interrupts) -> None:
    nvic.write(ISER1, BIT)
    nvic.write(ISER1, 0)  # zeros change nothing
    assert nvic.read(ISER1) == nvic.read(ICER1) == BIT
    assert 16 + IRQ37 in interrupts.enabled
    nvic.write(ICER1, BIT)
    assert nvic.read(ISER1) == 0


def test_pending_and_clearing(nvic: Nvic, interrupts: Interrupts) -> None:
    nvic.write(ISPR1, BIT)
    assert nvic.read(ISPR1) == nvic.read(ICPR1) == BIT
    assert interrupts.pending == {16 + IRQ37}
    nvic.write(ICPR1, BIT)
    assert nvic.read(ISPR1) == 0


def test_active_bits_are_read_only(nvic: Nvic, interrupts: Interrupts) -> None:
    interrupts.activate(16 + IRQ37, cycle=0)
    nvic.write(IABR1, 0)
    assert nvic.read(IABR1) == BIT


def test_interrupts_that_do_not_exist_cannot_be_enabled(nvic: Nvic) -> None:
    nvic.write(ISER1, 0xFFFF_FFFF)
    assert nvic.read(ISER1) == 0x0000_07FF  # 32 to 42
    assert nvic.read(ISER0) == 0


def test_priorities_have_four_bits_and_one_byte_each(nvic: Nvic, interrupts: Interrupts) -> None:
    nvic.write(IPR9, 0x4433_2211)
    assert nvic.read(IPR9) == 0x4030_2010
    assert interrupts.priority_of(16 + IRQ37) == 0x20


def test_byte_of_a_priority_register_leaves_the_others(nvic: Nvic) -> None:
    nvic.write(IPR9, 0x4433_2211)
    nvic.write_lanes(IPR9, 0x0000_F000, 0x0000_FF00)
    assert nvic.read(IPR9) == 0x4030_F010


def test_byte_of_a_set_register_sets_only_its_own(nvic: Nvic) -> None:
    nvic.write(ISER0, 0x0000_0001)
    nvic.write_lanes(ISER0, 0x0000_0200, 0x0000_FF00)
    assert nvic.read(ISER0) == 0x0000_0201


@pytest.mark.parametrize("offset", [0x008, 0x240, 0x280, 0x2FC, 0x3EC])
def test_what_is_reserved_or_not_implemented_is_raz_wi(nvic: Nvic, offset: int) -> None:
    nvic.write(offset, 0xFFFF_FFFF)
    assert nvic.read(offset) == 0


@pytest.mark.parametrize(("irqs", "groups"), [(32, 0), (43, 1), (82, 2), (109, 3)])
def test_controller_type_tells_how_many_interrupts_there_are(irqs: int, groups: int) -> None:
    unit = ControllerType(Interrupts(irqs, priority_bits=4, on_change=lambda: None))
    unit.write(0x004, 0xF)
    assert unit.read(0x004) == groups
    unit.write(0x008, 0b10)  # ACTLR: DISDEFWBUF of the Cortex-M3
    assert unit.read(0x008) == 0b10
