"""DMA1 of the STM32F103. Offsets and bits are ST's stm32f103xb.h's."""

from collections.abc import Callable

import pytest

from emulator.peripherals.dma import Dma

ISR, IFCR = 0x00, 0x04
EN, TCIE, HTIE, TEIE, FROM_MEMORY = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 4
CIRC, PINC, MINC, MEM2MEM = 1 << 5, 1 << 6, 1 << 7, 1 << 14
P16, P32, M16, M32 = 1 << 8, 2 << 8, 1 << 10, 2 << 10
GIF, TCIF, HTIF, TEIF = 1, 2, 4, 8
BUFFER, REGISTER = 0x2000_0100, 0x4001_3804


class Bus:
    """Memory in a dictionary, and a register that keeps what was written."""

    def __init__(self) -> None:
        self.bytes: dict[int, int] = {}
        self.written: list[tuple[int, int]] = []  # size, value
        self.received = list(b"abcdefgh")
        self.on_load: Callable[[], None] = lambda: None

    def load(self, address: int, size: int) -> int | None:
        self.on_load()
        if address == REGISTER:
            return self.received.pop(0)
        if address >> 28 != 2:
            return None
        return sum(self.bytes.get(address + n, 0) << 8 * n for n in range(size))

    def store(self, address: int, size: int, value: int) -> bool:
        if address == REGISTER:
            self.written.append((size, value))
            return True
        for n in range(size):
            self.bytes[address + n] = value >> 8 * n & 0xFF
        return address >> 28 == 2

    def text(self, address: int, size: int) -> bytes:
        return bytes(self.bytes.get(address + n, 0) for n in range(size))


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def irqs() -> list[bool]:
    return [False] * 7


@pytest.fixture
def dma(bus: Bus, irqs: list[bool]) -> Dma:
    def driver(n: int) -> Callable[[bool], None]:
        return lambda level: irqs.__setitem__(n, level)

    return Dma(bus, [driver(n) for n in range(7)])


def configure(
    dma: Dma, channel: int, count: int, ccr: int, peripheral: int = REGISTER, memory: int = BUFFER
) -> None:
    base = 0x08 + 20 * (channel - 1)
    for at, word in ((4, count), (8, peripheral), (12, memory), (0, ccr)):
        dma.write(base + at, word)


def left(dma: Dma, channel: int) -> int:
    return dma.read(0x0C + 20 * (channel - 1))


def flags(dma: Dma, channel: int) -> int:
    return dma.read(ISR) >> 4 * (channel - 1) & 0b1111


def pulse(dma: Dma, bus: Bus, channel: int) -> None:
    """Ask for one transfer: a peripheral's request goes as soon as it is served."""
    request = dma.request(channel)
    bus.on_load = lambda: request(False)
    request(True)
    bus.on_load = lambda: None


def test_bytes_from_a_register_fill_a_buffer(dma: Dma, bus: Bus) -> None:
    configure(dma, 5, 4, MINC | EN)
    seen: list[tuple[int, int]] = []
    for _ in range(5):
        pulse(dma, bus, 5)
        seen.append((left(dma, 5), flags(dma, 5)))
    assert seen == [(3, 0), (2, GIF | HTIF)] + [(1, GIF | HTIF)] + [(0, GIF | HTIF | TCIF)] * 2
    assert bus.text(BUFFER, 5) == b"abcd\0"


def test_pulse_asks_for_one_transfer_and_is_lost_while_the_channel_is_off(dma: Dma) -> None:
    ask = dma.request(5, is_pulse=True)
    ask(True)
    configure(dma, 5, 4, MINC | EN)
    assert left(dma, 5) == 4
    ask(True)
    ask(True)
    assert left(dma, 5) == 2


def test_circular_buffer_begins_anew(dma: Dma, bus: Bus) -> None:
    configure(dma, 5, 4, MINC | CIRC | EN)
    for _ in range(6):
        pulse(dma, bus, 5)
    assert (left(dma, 5), bus.text(BUFFER, 5)) == (2, b"efcd\0")


def test_buffer_goes_to_a_register_for_as_long_as_it_is_asked_for(dma: Dma, bus: Bus) -> None:
    bus.bytes.update(enumerate(b"hello", BUFFER))
    configure(dma, 4, 5, FROM_MEMORY | MINC | EN)
    pulse(dma, bus, 4)
    assert bus.written == [(1, ord("h"))]
    dma.request(4)(True)
    assert bytes(value for _, value in bus.written) == b"hello"
    assert (left(dma, 4), flags(dma, 4)) == (0, GIF | HTIF | TCIF)


def test_request_that_was_there_first_is_served_when_enabled(dma: Dma, bus: Bus) -> None:
    dma.request(4)(True)
    assert bus.written == []
    configure(dma, 4, 2, FROM_MEMORY | EN)
    assert len(bus.written) == 2


@pytest.mark.parametrize(
    ("ccr", "moved"),
    [
        pytest.param(PINC | MINC, b"ABC\0\0\0\0\0", id="bytes to bytes"),
        pytest.param(PINC | MINC | M16, b"A\0B\0C\0\0\0", id="bytes to halfwords"),
        pytest.param(PINC | MINC | P16, b"ACE\0\0\0\0\0", id="halfwords to bytes"),
        pytest.param(PINC | MINC | P16 | M16, b"ABCDEF\0\0", id="halfwords"),
        pytest.param(PINC | P32 | M32, b"IJKL\0\0\0\0", id="words, to one place"),
    ],
)
def test_memory_to_memory_at_once(dma: Dma, bus: Bus, ccr: int, moved: bytes) -> None:
    source = 0x2000_0200
    bus.bytes.update(enumerate(b"ABCDEFGHIJKLMNOP", source))
    configure(dma, 1, 3, MEM2MEM | ccr | EN, peripheral=source)
    assert bus.text(BUFFER, 8) == moved
    assert flags(dma, 1) & TCIF


def test_address_with_nothing_behind_it_is_an_error(dma: Dma) -> None:
    configure(dma, 2, 3, MEM2MEM | EN | TEIE, peripheral=0x6000_0000)
    assert flags(dma, 2) == GIF | TEIF
    assert dma.read(0x08 + 20) & EN == 0


@pytest.mark.parametrize(("enable", "after"), [(HTIE, 2), (TCIE, 4)])
def test_interrupts(dma: Dma, bus: Bus, irqs: list[bool], enable: int, after: int) -> None:
    configure(dma, 5, 4, MINC | EN | enable)
    seen: list[bool] = []
    for _ in range(4):
        pulse(dma, bus, 5)
        seen.append(irqs[4])
    assert seen == [n + 1 >= after for n in range(4)]
    dma.write(IFCR, 1 << 16)  # CGIF5 clears all four
    assert (irqs[4], dma.read(ISR)) == (False, 0)


def test_flags_are_cleared_one_by_one_and_gif_with_the_last(dma: Dma) -> None:
    configure(dma, 1, 2, MEM2MEM | EN, peripheral=BUFFER)
    assert flags(dma, 1) == GIF | HTIF | TCIF
    dma.write(IFCR, TCIF)
    assert flags(dma, 1) == GIF | HTIF
    dma.write(IFCR, HTIF)
    assert flags(dma, 1) == 0


def test_enabled_channel_keeps_its_count_and_addresses(dma: Dma) -> None:
    configure(dma, 5, 4, MINC | EN)
    configure(dma, 5, 9, MINC | EN, peripheral=0, memory=0)
    assert [dma.read(0x58 + at) for at in (4, 8, 12)] == [4, REGISTER, BUFFER]
