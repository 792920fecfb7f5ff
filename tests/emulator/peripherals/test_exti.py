"""EXTI and AFIO_EXTICR of the STM32F103. Offsets are ST's stm32f103xb.h's."""

import pytest

from emulator.peripherals.afio import Afio
from emulator.peripherals.exti import Exti

IMR, EMR, RTSR, FTSR, SWIER, PR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14
EXTICR1, EXTICR4 = 0x08, 0x14
EXTI0, EXTI15_10 = 1 << 0, 0xFC00
PORT_A, PORT_C = 0, 2


@pytest.fixture
def irqs() -> dict[int, bool]:
    return {}


@pytest.fixture
def events() -> list[int]:
    return []


@pytest.fixture
def afio() -> Afio:
    return Afio()


@pytest.fixture
def exti(afio: Afio, irqs: dict[int, bool], events: list[int]) -> Exti:
    def drive(lines: int, level: bool) -> None:
        irqs[lines] = level

    made = Exti(
        {
            EXTI0: lambda level: drive(EXTI0, level),
            EXTI15_10: lambda level: drive(EXTI15_10, level),
        },
        lambda: events.append(1),
        afio.exti_port,
    )
    made.reset()
    return made


@pytest.mark.parametrize(
    ("trigger", "level", "is_pending"),
    [(RTSR, True, True), (RTSR, False, False), (FTSR, False, True), (FTSR, True, False)],
)
def test_edges(exti: Exti, trigger: int, *, level: bool, is_pending: bool) -> None:
    exti.write(trigger, 1)
    exti.pin_changed(PORT_A, 0, level)
    assert exti.read(PR) == is_pending


def test_port_is_the_one_that_afio_names(exti: Exti, afio: Afio) -> None:
    exti.write(RTSR, 1 << 13 | 1)
    afio.write(EXTICR4, 0x0020)  # EXTI13: port C
    exti.pin_changed(PORT_A, 13, level=True)
    assert exti.read(PR) == 0
    exti.pin_changed(PORT_C, 13, level=True)
    assert exti.read(PR) == 1 << 13
    exti.pin_changed(PORT_C, 0, level=True)
    assert exti.read(PR) == 1 << 13
    afio.write(EXTICR1, 0x0002)
    exti.pin_changed(PORT_C, 0, level=True)
    assert exti.read(PR) == 1 << 13 | 1


def test_interrupt_is_pending_and_unmasked(exti: Exti, irqs: dict[int, bool]) -> None:
    exti.write(RTSR, 1 << 10 | 1)
    exti.pin_changed(PORT_A, 10, level=True)
    assert irqs == {EXTI0: False, EXTI15_10: False}
    exti.write(IMR, 1 << 10)
    assert irqs == {EXTI0: False, EXTI15_10: True}
    exti.write(PR, 1 << 10)
    assert irqs == {EXTI0: False, EXTI15_10: False}


def test_software_triggers_and_pr_clears_it(exti: Exti) -> None:
    exti.write(SWIER, 1)  # masked: nothing
    assert exti.read(PR) == 0
    exti.write(SWIER, 0)
    exti.write(IMR, 1)
    exti.write(SWIER, 1)
    assert (exti.read(PR), exti.read(SWIER)) == (1, 1)
    exti.write(PR, 1)
    assert (exti.read(PR), exti.read(SWIER)) == (0, 0)


@pytest.mark.parametrize(("mask", "count"), [(1, 2), (2, 0)])
def test_event_is_sent_for_a_line_that_may(
    exti: Exti, irqs: dict[int, bool], events: list[int], mask: int, count: int
) -> None:
    exti.write(EMR, mask)
    exti.write(RTSR, 1)
    exti.pin_changed(PORT_A, 0, level=True)
    exti.pin_changed(PORT_A, 0, level=False)
    exti.write(SWIER, 1)
    assert len(events) == count
    assert not irqs[EXTI0]
