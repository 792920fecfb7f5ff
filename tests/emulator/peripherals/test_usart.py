"""USART of the STM32F103: flags, interrupts, exact frame times. Bits are ST's stm32f103xb.h's."""

import pytest

from emulator.clock import Clock
from emulator.peripherals.usart_v1 import UsartV1

SR, DR, BRR, CR1, CR2, CR3 = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14
TXE, TC, RXNE, IDLE = 1 << 7, 1 << 6, 1 << 5, 1 << 4
ORE, NE, FE, PE = 1 << 3, 1 << 2, 1 << 1, 1 << 0
UE, M, WAKE, PCE, PS, PEIE = 1 << 13, 1 << 12, 1 << 11, 1 << 10, 1 << 9, 1 << 8
TXEIE, TCIE, RXNEIE, IDLEIE, TE, RE = 1 << 7, 1 << 6, 1 << 5, 1 << 4, 1 << 3, 1 << 2
RWU, SBK = 1 << 1, 1 << 0
DMAT, DMAR, EIE = 1 << 7, 1 << 6, 1 << 0
FRAME = 10 * 70  # cycles: ten bits at BRR = 70


class Line:
    """What is behind the TX pin."""

    def __init__(self) -> None:
        self.bytes: list[tuple[int, int]] = []  # cycle, byte
        self.unsent = 0

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
def usart(clock: Clock, irq: list[bool]) -> UsartV1:
    made = UsartV1(clock, lambda: 8_000_000, lambda level: irq.__setitem__(0, level))
    made.line = Line()
    made.write(BRR, 70)
    made.write(CR1, UE | TE | RE)
    return made


def advance(clock: Clock, cycles: int) -> None:
    for _ in range(cycles):
        clock.skip_to(clock.cycles + 1)
        clock.expire_due()


def test_reset_value_of_sr() -> None:
    assert UsartV1(Clock(1), lambda: 1, lambda _: None).read(SR) == 0x0000_00C0


def test_two_bytes_leave_back_to_back(clock: Clock, usart: UsartV1) -> None:
    usart.read(SR)
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


def test_byte_written_over_a_waiting_one_replaces_it(clock: Clock, usart: UsartV1) -> None:
    for byte in b"abc":
        usart.write(DR, byte)
    advance(clock, 3 * FRAME)
    assert isinstance(usart.line, Line)
    assert [byte for _, byte in usart.line.bytes] == list(b"ac")


@pytest.mark.parametrize("cr1", [TE, UE, UE | RE])
def test_nothing_is_sent_while_not_enabled(clock: Clock, usart: UsartV1, cr1: int) -> None:
    usart.write(CR1, cr1)
    usart.write(DR, 0x41)
    advance(clock, FRAME)
    assert isinstance(usart.line, Line)
    assert usart.line.bytes == []


def test_received_byte_is_read_once(usart: UsartV1) -> None:
    usart.receive(0x55, is_framed=True)
    assert usart.read(SR) & RXNE
    assert usart.read(DR) == 0x55
    assert not usart.read(SR) & RXNE


def test_nothing_is_received_while_not_enabled(usart: UsartV1) -> None:
    usart.write(CR1, UE | TE)
    usart.receive(0x55, is_framed=True)
    assert not usart.read(SR) & RXNE


def test_overrun_keeps_the_older_byte(usart: UsartV1) -> None:
    usart.receive(0x55, is_framed=True)
    usart.receive(0x66, is_framed=True)
    assert usart.read(SR) & (RXNE | ORE) == RXNE | ORE
    assert usart.read(DR) == 0x55
    assert usart.read(SR) & (RXNE | ORE) == 0  # read SR, then DR


def test_overrun_stays_until_sr_is_read_before_dr(usart: UsartV1) -> None:
    usart.receive(0x55, is_framed=True)
    usart.receive(0x66, is_framed=True)
    usart.read(DR)
    assert usart.read(SR) & ORE
    usart.read(DR)
    assert not usart.read(SR) & ORE


def test_framing_error_comes_with_its_byte(usart: UsartV1) -> None:
    usart.receive(0x00, is_framed=False)
    assert usart.read(SR) & (RXNE | FE) == RXNE | FE
    usart.read(DR)
    assert not usart.read(SR) & FE


def test_error_that_sr_has_not_shown_outlives_a_read_of_dr(usart: UsartV1) -> None:
    usart.read(SR)
    usart.receive(0x00, is_framed=False, is_noisy=True)
    usart.read(DR)
    assert usart.read(SR) & (RXNE | NE | FE) == NE | FE
    usart.read(DR)
    assert usart.read(SR) & (NE | FE) == 0


def test_tc_is_cleared_by_reading_sr_and_writing_dr_only(clock: Clock, usart: UsartV1) -> None:
    usart.write(DR, 0x41)
    assert usart.read(SR) & TC  # SR had not been read before
    advance(clock, FRAME)
    usart.read(SR)
    usart.write(DR, 0x42)
    assert not usart.read(SR) & TC


def test_idle_is_set_a_frame_after_the_last_byte_and_once(clock: Clock, usart: UsartV1) -> None:
    usart.receive(0x55, is_framed=True)
    advance(clock, FRAME - 1)
    assert not usart.read(SR) & IDLE
    advance(clock, 1)
    assert usart.read(SR) & IDLE
    usart.read(DR)
    advance(clock, 3 * FRAME)
    assert not usart.read(SR) & IDLE


def test_idle_is_not_set_while_the_next_byte_is_on_the_line(clock: Clock, usart: UsartV1) -> None:
    assert isinstance(usart.line, Line)
    usart.receive(0x55, is_framed=True)
    usart.line.unsent = 1
    advance(clock, FRAME)
    assert not usart.read(SR) & IDLE
    usart.line.unsent = 0
    usart.receive(0x66, is_framed=True)
    advance(clock, FRAME)
    assert usart.read(SR) & IDLE


@pytest.mark.parametrize(
    ("cr1", "cr2", "half_bits"),
    [
        pytest.param(0, 0, 20, id="8 data bits, 1 stop bit"),
        pytest.param(M, 0, 22, id="9 data bits"),
        pytest.param(0, 0b10 << 12, 22, id="2 stop bits"),
        pytest.param(0, 0b01 << 12, 19, id="half a stop bit"),
        pytest.param(M, 0b11 << 12, 23, id="9 data bits, 1.5 stop bits"),
    ],
)
def test_length_of_a_frame(
    clock: Clock, usart: UsartV1, cr1: int, cr2: int, half_bits: int
) -> None:
    usart.write(CR1, UE | TE | cr1)
    usart.write(CR2, cr2)
    usart.write(DR, 0x41)
    advance(clock, half_bits * 35)
    assert isinstance(usart.line, Line)
    assert usart.line.bytes == [(half_bits * 35, 0x41)]


@pytest.mark.parametrize(
    ("cr1", "written", "sent"),
    [
        pytest.param(PCE, 0x41, 0x41, id="two ones, even"),
        pytest.param(PCE | PS, 0x41, 0xC1, id="two ones, odd"),
        pytest.param(PCE, 0xC3, 0xC3, id="the written top bit does not count"),
        pytest.param(PCE | M, 0xC3, 0xC3, id="eight bits and parity"),
    ],
)
def test_parity_takes_the_place_of_the_last_data_bit(
    clock: Clock, usart: UsartV1, cr1: int, written: int, sent: int
) -> None:
    usart.write(CR1, UE | TE | cr1)
    usart.write(DR, written)
    advance(clock, 2 * FRAME)
    assert isinstance(usart.line, Line)
    assert [byte for _, byte in usart.line.bytes] == [sent]


@pytest.mark.parametrize(
    ("cr1", "byte", "ninth", "error"),
    [
        pytest.param(PCE, 0x41, 1, 0, id="7 bits, even"),
        pytest.param(PCE, 0xC1, 1, PE, id="7 bits, wrong"),
        pytest.param(PCE | PS, 0xC1, 1, 0, id="7 bits, odd"),
        pytest.param(PCE | M, 0x41, 0, 0, id="8 bits, even"),
        pytest.param(PCE | M, 0x41, 1, PE, id="8 bits, wrong"),
        pytest.param(M, 0x41, 1, 0, id="no parity"),
    ],
)
def test_parity_of_what_is_received(
    usart: UsartV1, irq: list[bool], cr1: int, byte: int, ninth: int, error: int
) -> None:
    usart.write(CR1, UE | RE | PEIE | cr1)
    usart.receive(byte, is_framed=True, ninth=ninth)
    assert usart.read(SR) & (RXNE | PE) == RXNE | error
    assert irq == [bool(error)]
    assert usart.read(DR) == (byte | ninth << 8 if cr1 & M else byte)
    assert not usart.read(SR) & PE


def test_break_is_a_frame_of_zeros_between_words(clock: Clock, usart: UsartV1) -> None:
    usart.write(DR, 0x41)
    usart.write(CR1, UE | TE | SBK)
    usart.write(DR, 0x42)
    advance(clock, FRAME)
    assert usart.read(CR1) & SBK
    advance(clock, FRAME)
    assert not usart.read(CR1) & SBK
    advance(clock, FRAME)
    assert isinstance(usart.line, Line)
    assert [byte for _, byte in usart.line.bytes] == [0x41, 0x00, 0x42]


def test_break_alone_begins_at_once(clock: Clock, usart: UsartV1) -> None:
    usart.write(CR1, UE | TE | SBK)
    advance(clock, FRAME)
    assert isinstance(usart.line, Line)
    assert usart.line.bytes == [(FRAME, 0)]
    assert not usart.read(CR1) & SBK


def test_muted_receiver_wakes_on_an_idle_line(clock: Clock, usart: UsartV1) -> None:
    usart.write(CR1, UE | RE | RWU)
    usart.receive(0x55, is_framed=True)
    assert not usart.read(SR) & RXNE
    advance(clock, FRAME)
    assert usart.read(SR) & IDLE == 0
    assert usart.read(CR1) & RWU == 0
    usart.receive(0x66, is_framed=True)
    assert usart.read(SR) & RXNE


def test_muted_receiver_wakes_on_its_address(usart: UsartV1) -> None:
    usart.write(CR2, 0x5)
    usart.write(CR1, UE | RE | RWU | WAKE)
    for byte in (0x05, 0x84):  # no mark, another's address
        usart.receive(byte, is_framed=True)
    assert not usart.read(SR) & RXNE
    usart.receive(0x85, is_framed=True)
    assert usart.read(DR) == 0x85
    assert usart.read(CR1) & RWU == 0


def test_dma_requests_follow_txe_and_rxne(clock: Clock) -> None:
    requests = {"tx": False, "rx": False}
    usart = UsartV1(
        clock,
        lambda: 8_000_000,
        lambda _: None,
        (lambda on: requests.update(tx=on), lambda on: requests.update(rx=on)),
    )
    usart.write(BRR, 70)
    usart.write(CR1, UE | TE | RE)
    usart.receive(0x55, is_framed=True)
    assert requests == {"tx": False, "rx": False}
    usart.write(CR3, DMAT | DMAR)
    assert requests == {"tx": True, "rx": True}
    usart.write(DR, 0x41)
    usart.write(DR, 0x42)
    usart.read(DR)
    assert requests == {"tx": False, "rx": False}
    advance(clock, FRAME)
    assert requests["tx"]


@pytest.mark.parametrize(
    ("enable", "flag"),
    [
        pytest.param(RXNEIE, RXNE, id="RXNE"),
        pytest.param(TXEIE, TXE, id="TXE"),
        pytest.param(TCIE, TC, id="TC"),
        pytest.param(IDLEIE, IDLE, id="IDLE"),
        pytest.param(RXNEIE, ORE, id="ORE"),
    ],
)
def test_interrupt_line_follows_flag_and_enable(
    clock: Clock, usart: UsartV1, irq: list[bool], enable: int, flag: int
) -> None:
    for _ in range({RXNE: 1, IDLE: 1, ORE: 2}.get(flag, 0)):
        usart.receive(0x55, is_framed=True)
    if flag == IDLE:
        advance(clock, FRAME)
    assert irq == [False]
    usart.write(CR1, UE | TE | RE | enable)
    assert irq == [True]
    usart.write(CR1, UE | TE | RE)
    assert irq == [False]


@pytest.mark.parametrize("cr3", [DMAR | EIE, DMAR, EIE])
def test_errors_interrupt_where_dma_receives(usart: UsartV1, irq: list[bool], cr3: int) -> None:
    usart.write(CR3, cr3)
    usart.receive(0x55, is_framed=False)
    assert irq == [cr3 == DMAR | EIE]


def test_reading_dr_lowers_the_interrupt_line(usart: UsartV1, irq: list[bool]) -> None:
    usart.write(CR1, UE | RE | RXNEIE)
    usart.receive(0x55, is_framed=True)
    assert irq == [True]
    usart.read(DR)
    assert irq == [False]


def test_tc_and_rxne_are_cleared_by_writing_zero(usart: UsartV1) -> None:
    usart.receive(0x55, is_framed=True)
    usart.write(SR, ~(TC | RXNE) & 0xFFFF_FFFF)
    assert usart.read(SR) == TXE


def test_baud_rate_is_the_bus_clock_over_brr(usart: UsartV1) -> None:
    assert usart.timing.baudrate == 114_285
    usart.write(BRR, 0)
    assert usart.timing.baudrate == 0


@pytest.mark.parametrize(
    ("over8", "brr", "ticks"),
    [(0, 0x8B, 139), (1, 0x8B, 67), (1, 0x113, 139)],
)
def test_eight_samples_a_bit_halve_the_divisor(
    clock: Clock, over8: int, brr: int, ticks: int
) -> None:
    usart = UsartV1(clock, lambda: 16_000_000, lambda _: None, has_over8=True)
    usart.write(BRR, brr)
    usart.write(CR1, over8 << 15)
    assert usart.timing.baudrate == 16_000_000 // ticks
    older = UsartV1(clock, lambda: 16_000_000, lambda _: None)
    older.write(CR1, 1 << 15)
    assert older.read(CR1) == 0


@pytest.mark.parametrize(("onebit", "noise"), [(0, NE), (1 << 11, 0)])
def test_one_sample_a_bit_notices_no_noise(clock: Clock, onebit: int, noise: int) -> None:
    usart = UsartV1(clock, lambda: 16_000_000, lambda _: None, has_over8=True)
    usart.write(CR3, onebit)
    usart.write(CR1, UE | RE)
    usart.receive(0x55, is_framed=True, is_noisy=True)
    assert usart.read(SR) & NE == noise
