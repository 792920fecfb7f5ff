"""Priorities and masks. Numbers are DDI 0403E.e B1.5's."""

import pytest

from emulator.interrupts import Interrupts, Masks

NONE = Masks(primask=0, basepri=0, faultmask=0)
NMI, HARDFAULT, BUSFAULT, SVCALL, SYSTICK, IRQ0, IRQ1 = 2, 3, 5, 11, 15, 16, 17


@pytest.fixture
def interrupts() -> Interrupts:
    made = Interrupts(irqs=43, priority_bits=4, on_change=lambda: None)
    for number in (BUSFAULT, IRQ0, IRQ1):
        made.enable(number)
    return made


def test_nothing_is_pending_after_reset(interrupts: Interrupts) -> None:
    assert interrupts.preempting(NONE) is None
    assert not interrupts.is_any_pending


def test_disabled_interrupt_stays_pending_and_is_not_taken(interrupts: Interrupts) -> None:
    interrupts.disable(IRQ0)
    interrupts.pend(IRQ0)
    assert interrupts.preempting(NONE) is None
    interrupts.enable(IRQ0)
    assert interrupts.preempting(NONE) == IRQ0


def test_fixed_priorities_come_before_all_others(interrupts: Interrupts) -> None:
    for number in (IRQ0, SVCALL, HARDFAULT, NMI):
        interrupts.pend(number)
    order: list[int] = []
    while (first := interrupts.preempting(NONE)) is not None:
        order.append(first)
        interrupts.unpend(first)
    assert order == [NMI, HARDFAULT, SVCALL, IRQ0]


@pytest.mark.parametrize(
    ("masks", "taken"),
    [
        pytest.param(Masks(1, 0, 0), {NMI, HARDFAULT}, id="PRIMASK"),
        pytest.param(Masks(0, 0, 1), {NMI}, id="FAULTMASK"),
        pytest.param(Masks(0, 0x40, 0), {NMI, HARDFAULT, SVCALL}, id="BASEPRI"),
        pytest.param(Masks(0, 0x50, 0), {NMI, HARDFAULT, SVCALL, IRQ0}, id="a lower BASEPRI"),
        pytest.param(
            Masks(0, 0x0F, 0), {NMI, HARDFAULT, SVCALL, IRQ0, IRQ1}, id="unimplemented bits"
        ),
    ],
)
def test_masks_hold_back_what_they_should(
    interrupts: Interrupts, masks: Masks, taken: set[int]
) -> None:
    for number, priority in {SVCALL: 0x30, IRQ0: 0x40, IRQ1: 0x80}.items():
        interrupts.set_priority(number, priority)
    for number in (NMI, HARDFAULT, SVCALL, IRQ0, IRQ1):
        interrupts.pend(number)
        assert (interrupts.preempting(masks) == number) is (number in taken), number
        interrupts.unpend(number)


@pytest.mark.parametrize(
    ("prigroup", "active", "pending", "preempts"),
    [
        pytest.param(3, 0x20, 0x10, True, id="all four bits are group priority"),
        pytest.param(4, 0x10, 0x00, False, id="bit 4 is subpriority"),
        pytest.param(4, 0x20, 0x10, True, id="bit 5 is group priority"),
        pytest.param(6, 0x70, 0x00, False, id="one bit of group priority"),
        pytest.param(6, 0x80, 0x70, True, id="that bit"),
        pytest.param(7, 0xF0, 0x00, False, id="no group priority"),
    ],
)
def test_prigroup_splits_the_priority(
    interrupts: Interrupts, prigroup: int, active: int, pending: int, *, preempts: bool
) -> None:
    interrupts.set_grouping(prigroup)
    interrupts.set_priority(IRQ0, active)
    interrupts.set_priority(IRQ1, pending)
    interrupts.activate(IRQ0, cycle=0)
    interrupts.pend(IRQ1)
    assert (interrupts.preempting(NONE) == IRQ1) is preempts


def test_subpriority_decides_who_is_first(interrupts: Interrupts) -> None:
    interrupts.set_grouping(7)
    interrupts.set_priority(IRQ0, 0x90)
    interrupts.set_priority(IRQ1, 0x80)
    interrupts.pend(IRQ0)
    interrupts.pend(IRQ1)
    assert interrupts.preempting(NONE) == IRQ1


def test_unimplemented_priority_bits_are_not_kept(interrupts: Interrupts) -> None:
    interrupts.set_priority(IRQ0, 0xFF)
    assert interrupts.priority_of(IRQ0) == 0xF0


def test_line_that_stays_high_pends_again_after_the_return(interrupts: Interrupts) -> None:
    interrupts.set_line(0, level=True)
    interrupts.activate(IRQ0, cycle=0)
    assert IRQ0 not in interrupts.pending
    interrupts.deactivate(IRQ0)
    assert IRQ0 in interrupts.pending


def test_line_that_went_low_does_not(interrupts: Interrupts) -> None:
    interrupts.set_line(0, level=True)
    interrupts.activate(IRQ0, cycle=0)
    interrupts.set_line(0, level=False)
    interrupts.deactivate(IRQ0)
    assert IRQ0 not in interrupts.pending


def test_line_that_rises_again_in_its_handler_pends(interrupts: Interrupts) -> None:
    interrupts.set_line(0, level=True)
    interrupts.activate(IRQ0, cycle=0)
    interrupts.set_line(0, level=False)
    interrupts.set_line(0, level=True)
    assert IRQ0 in interrupts.pending


def test_line_that_is_high_cannot_be_cleared_by_software(interrupts: Interrupts) -> None:
    interrupts.set_line(0, level=True)
    interrupts.unpend(IRQ0)
    assert IRQ0 in interrupts.pending
    interrupts.set_line(0, level=False)
    interrupts.unpend(IRQ0)
    assert IRQ0 not in interrupts.pending
