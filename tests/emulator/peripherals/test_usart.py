"""USART of the STM32F103: flags, interrupts, exact frame times. Bits are ST's stm32f103xb.h's."""

import pytest

from emulator.clock import Clock
from emulator.peripherals.usart import Usart

SR, DR, BRR, CR1 = 0x00, 0x04, 0x08, 0x0C
TXE, TC, RXNE, ORE, FE = 1 << 7, 1 << 6, 1 << 5, 1 << 3, 1 << 1
UE, TXEIE, TCIE, RXNEIE, TE, RE = 1 << 13, 1 << 7, 1 << 6, 1 << 5, 1 << 3, 1 << 2
FRAME = 10 * 70  # cycles: ten bits at BRR = 70


class Line:
    """What is behind the TX pin."""

    def __init__(self) -> None:
        self.bytes: list[tuple[int, int]] = []  # cycle, byte

    def transmitted(self, byte: int, baudrate: int, cycle: int) -> None:
        assert baudrate == 8_000_000 // 70
        self.bytes.append((cycle, byte))


@pytest.fixture
def clock() -> Clock:
    return Clock(8_000_000)


@pytest.fixture
def irq() -> list[bool]:
    return [False]


@pytest.fixture
def usart(clock: Clock, irq: list[bool]) -> Usart:
    made = Usart(clock, lambda: 8_000_000, lambda level: irq.__setitem__(0, level))
    made.line = Line()
    made.write(BRR, 70)
    made.write(CR1, UE | TE | RE)
    return made


def advance(clock: Clock, cycles: int) -> None:
    for _ in range(cycles):
        clock.skip_to(clock.cycles + 1)
        clock.expire_due()


def test_reset_value_of_sr() -> None:
    assert Usart(Clock(1), lambda: 1, lambda _: None).read(SR) == 0x0000_00C0


def test_two_bytes_leave_back_to_back(clock: Clock, usart: Usart) -> None:
    usart.write(DR, 0x41)
    assert usart.read(SR) & (TXE | TC) == TXE  # the first went on to the shift register
    usart.write(DR, 0x42)
    assert usart.read(SR) & (TXE | TC) == 0
    advance(clock, FRAME)
    assert usart.read(SR) & (TXE | TC) == TXE
    advance(clock, FRAME)
    assert usart.read(SR) & (TXE | TC) == TXE | TC
    assert isinstance(usart.line, Line)
    assert usart.line.bytes == [(FRAME, 0x41), (2 * FRAME, 0x42)]


def test_byte_written_over_a_waiting_one_replaces_it(clock: Clock, usart: Usart) -> None:
    for byte in b"abc":
        usart.write(DR, byte)
    advance(clock, 3 * FRAME)
    assert isinstance(usart.line, Line)
    assert [byte for _, byte in usart.line.bytes] == list(b"ac")


@pytest.mark.parametrize("cr1", [TE, UE, UE | RE])
def test_nothing_is_sent_while_not_enabled(clock: Clock, usart: Usart, cr1: int) -> None:
    usart.write(CR1, cr1)
    usart.write(DR, 0x41)
    advance(clock, FRAME)
    assert isinstance(usart.line, Line)
    assert usart.line.bytes == []


def test_received_byte_is_read_once(usart: Usart) -> None:
    usart.receive(0x55, is_framed=True)
    assert usart.read(SR) & RXNE
    assert usart.read(DR) == 0x55
    assert not usart.read(SR) & RXNE


def test_nothing_is_received_while_not_enabled(usart: Usart) -> None:
    usart.write(CR1, UE | TE)
    usart.receive(0x55, is_framed=True)
    assert not usart.read(SR) & RXNE


def test_overrun_keeps_the_older_byte(usart: Usart) -> None:
    usart.receive(0x55, is_framed=True)
    usart.receive(0x66, is_framed=True)
    assert usart.read(SR) & (RXNE | ORE) == RXNE | ORE
    assert usart.read(DR) == 0x55
    assert usart.read(SR) & (RXNE | ORE) == 0  # read SR, then DR


def test_overrun_stays_until_sr_is_read_before_dr(usart: Usart) -> None:
    usart.receive(0x55, is_framed=True)
    usart.receive(0x66, is_framed=True)
    usart.read(DR)
    assert usart.read(SR) & ORE
    usart.read(DR)
    assert not usart.read(SR) & ORE


def test_framing_error_comes_with_its_byte(usart: Usart) -> None:
    usart.receive(0x00, is_framed=False)
    assert usart.read(SR) & (RXNE | FE) == RXNE | FE
    usart.read(DR)
    assert not usart.read(SR) & FE


@pytest.mark.parametrize(
    ("enable", "flag"),
    [
        pytest.param(RXNEIE, RXNE, id="RXNE"),
        pytest.param(TXEIE, TXE, id="TXE"),
        pytest.param(TCIE, TC, id="TC"),
    ],
)
def test_interrupt_line_follows_flag_and_enable(
    usart: Usart, irq: list[bool], enable: int, flag: int
) -> None:
    if flag == RXNE:
        usart.receive(0x55, is_framed=True)
    assert irq == [False]
    usart.write(CR1, UE | TE | RE | enable)
    assert irq == [True]
    usart.write(CR1, UE | TE | RE)
    assert irq == [False]


def test_reading_dr_lowers_the_interrupt_line(usart: Usart, irq: list[bool]) -> None:
    usart.write(CR1, UE | RE | RXNEIE)
    usart.receive(0x55, is_framed=True)
    assert irq == [True]
    usart.read(DR)
    assert irq == [False]


def test_tc_and_rxne_are_cleared_by_writing_zero(usart: Usart) -> None:
    usart.receive(0x55, is_framed=True)
    usart.write(SR, ~(TC | RXNE) & 0xFFFF_FFFF)
    assert usart.read(SR) == TXE


def test_baud_rate_is_the_bus_clock_over_brr(usart: Usart) -> None:
    assert usart.baudrate == 114_285
    usart.write(BRR, 0)
    assert usart.baudrate == 0
