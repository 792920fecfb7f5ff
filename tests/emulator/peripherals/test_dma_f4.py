"""DMA of the STM32F405. Offsets and bits are ST's stm32f405xx.h's."""

from collections.abc import Callable
from functools import partial

import pytest

from emulator.peripherals.dma_f4 import DmaF4

LISR, HISR, LIFCR, HIFCR = 0x00, 0x04, 0x08, 0x0C
CR, NDTR, PAR, M0AR, M1AR = range(0, 0x14, 4)
EN, TEIE, HTIE, TCIE, TO_PERIPHERAL, CIRC = 1, 1 << 2, 1 << 3, 1 << 4, 1 << 6, 1 << 8
PINC, MINC, PINCOS, DBM, CT = 1 << 9, 1 << 10, 1 << 15, 1 << 18, 1 << 19
MEM2MEM, P32 = 2 << 6, 2 << 11
TEIF, HTIF, TCIF = 1 << 3, 1 << 4, 1 << 5
BUFFER, OTHER, REGISTER = 0x2000_0100, 0x2000_0200, 0x4001_1004


class Bus:
    """Memory in a dictionary, and a register that counts, and drops its request when read."""

    def __init__(self) -> None:
        self.bytes: dict[int, int] = {}
        self.count = 0
        self.drop: Callable[[bool], None] = lambda _: None

    def load(self, address: int, size: int) -> int | None:
        if address == REGISTER:
            self.count += 1
            self.drop(False)
            return self.count
        if address >> 28 != 2:
            return None
        return sum(self.bytes.get(address + n, 0) << 8 * n for n in range(size))

    def store(self, address: int, size: int, value: int) -> bool:
        for n in range(size):
            self.bytes[address + n] = value >> 8 * n & 0xFF
        return address >> 28 == 2


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def irqs() -> list[bool]:
    return [False] * 8


@pytest.fixture
def dma(bus: Bus, irqs: list[bool]) -> DmaF4:
    made = DmaF4(bus, [partial(irqs.__setitem__, n) for n in range(8)])
    made.reset()
    return made


def set_up(dma: DmaF4, stream: int, cr: int, count: int) -> None:
    values = ((NDTR, count), (PAR, REGISTER), (M0AR, BUFFER), (M1AR, OTHER), (CR, cr | MINC | EN))
    for offset, value in values:
        dma.write(0x10 + 0x18 * stream + offset, value)


def receive(dma: DmaF4, bus: Bus, stream: int, channel: int, count: int = 1) -> None:
    """Request transfers one by one."""
    bus.drop = dma.request(stream, channel)
    for _ in range(count):
        bus.drop(True)


def test_stream_serves_the_channel_that_is_chosen(dma: DmaF4, bus: Bus) -> None:
    set_up(dma, 2, 4 << 25, 3)
    receive(dma, bus, 2, channel=5)
    assert bus.count == 0
    receive(dma, bus, 2, channel=4, count=2)
    assert [bus.bytes[BUFFER + n] for n in range(2)] == [1, 2]
    assert dma.read(0x10 + 0x18 * 2 + NDTR) == 1


def test_pulse_asks_for_one_transfer_and_is_lost_while_another_has_the_stream(
    dma: DmaF4, bus: Bus
) -> None:
    ask, other = dma.request(2, 4, is_pulse=True), dma.request(2, 5, is_pulse=True)
    ask(True)
    set_up(dma, 2, 4 << 25, 3)
    assert bus.count == 0
    ask(True)
    ask(True)
    other(True)
    assert bus.count == 2
    dma.write(0x10 + 0x18 * 2 + CR, 0)
    set_up(dma, 2, 5 << 25, 3)
    assert bus.count == 2


@pytest.mark.parametrize(
    ("stream", "isr", "ifcr", "shift"),
    [(0, LISR, LIFCR, 0), (1, LISR, LIFCR, 6), (6, HISR, HIFCR, 16), (7, HISR, HIFCR, 22)],
)
def test_flags_are_where_the_manual_has_them(
    dma: DmaF4, bus: Bus, irqs: list[bool], stream: int, isr: int, ifcr: int, shift: int
) -> None:
    set_up(dma, stream, HTIE | TCIE, 4)
    receive(dma, bus, stream, 0, count=2)
    assert (dma.read(isr), irqs[stream]) == (HTIF << shift, True)
    dma.write(ifcr, HTIF << shift)
    assert (dma.read(isr), irqs[stream]) == (0, False)
    receive(dma, bus, stream, 0, count=2)
    assert (dma.read(isr), irqs[stream]) == (TCIF << shift, True)
    assert not dma.read(0x10 + 0x18 * stream) & EN  # cleared at the end


def test_circular_stream_begins_anew(dma: DmaF4, bus: Bus) -> None:
    set_up(dma, 5, CIRC, 2)
    receive(dma, bus, 5, 0, count=3)
    assert [bus.bytes[BUFFER + n] for n in range(2)] == [3, 2]
    assert dma.read(0x10 + 0x18 * 5) & EN


def test_double_buffer_takes_the_memories_by_turns(dma: DmaF4, bus: Bus) -> None:
    set_up(dma, 5, DBM, 2)
    receive(dma, bus, 5, 0, count=3)
    assert [bus.bytes[a] for a in (BUFFER, BUFFER + 1, OTHER)] == [1, 2, 3]
    assert dma.read(0x10 + 0x18 * 5) & CT
    dma.write(0x10 + 0x18 * 5 + M0AR, BUFFER + 8)  # the one that is not in use
    dma.write(0x10 + 0x18 * 5 + M1AR, 0)  # ignored: it is
    receive(dma, bus, 5, 0, count=2)
    assert [bus.bytes[a] for a in (OTHER + 1, BUFFER + 8)] == [4, 5]


def test_enabled_stream_keeps_what_it_was_set_up_with(dma: DmaF4) -> None:
    set_up(dma, 3, 0, 8)
    for offset in (NDTR, PAR, M0AR):
        dma.write(0x10 + 0x18 * 3 + offset, 1)
    dma.write(0x10 + 0x18 * 3, TCIE | CIRC | EN)
    assert dma.read(0x10 + 0x18 * 3) == MINC | TCIE | EN
    assert dma.read(0x10 + 0x18 * 3 + NDTR) == 8
    dma.write(0x10 + 0x18 * 3, 0)
    assert dma.read(LISR) == TCIF << 22  # the stream has stopped


@pytest.mark.parametrize(("step", "second"), [(PINC, 4), (PINC | PINCOS, 4), (0, 0)])
def test_memory_to_memory_needs_no_request(dma: DmaF4, bus: Bus, step: int, second: int) -> None:
    bus.bytes = {OTHER + n: n + 1 for n in range(8)}
    dma.write(0x10 + NDTR, 2)
    dma.write(0x10 + PAR, OTHER)
    dma.write(0x10 + M0AR, BUFFER)
    dma.write(0x10 + CR, MEM2MEM | P32 | MINC | step | EN)
    assert [bus.bytes[BUFFER + 4 + n] for n in range(4)] == [second + n + 1 for n in range(4)]


def test_where_nothing_is_a_transfer_fails(dma: DmaF4, irqs: list[bool]) -> None:
    dma.write(0x10 + NDTR, 1)
    dma.write(0x10 + PAR, 0x1000_0000)
    dma.write(0x10 + M0AR, BUFFER)
    dma.write(0x10, MEM2MEM | TEIE | EN)
    assert (dma.read(LISR), dma.read(0x10) & EN, irqs[0]) == (TEIF, 0, True)
