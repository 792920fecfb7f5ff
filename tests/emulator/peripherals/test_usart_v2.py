"""USART of the STM32L5: flags, requests, clocks. Offsets and bits are ST's stm32l552xx.h's."""

import pytest

from emulator.clock import Clock
from emulator.peripherals.usart_v2 import UsartV2, lpuart

CR1, CR2, CR3, BRR, RQR, ISR, ICR, RDR, TDR, PRESC = (
    *(0x00, 0x04, 0x08, 0x0C, 0x18, 0x1C, 0x20, 0x24, 0x28, 0x2C),
)
TXE, TC, RXNE, IDLE = 1 << 7, 1 << 6, 1 << 5, 1 << 4
ORE, NE, FE, PE = 1 << 3, 1 << 2, 1 << 1, 1 << 0
CMF, RWU, TEACK, REACK = 1 << 17, 1 << 19, 1 << 21, 1 << 22
UE, RE, TE, PS, PCE, WAKE, M0 = 1 << 0, 1 << 2, 1 << 3, 1 << 9, 1 << 10, 1 << 11, 1 << 12
MME, CMIE, OVER8, M1 = 1 << 13, 1 << 14, 1 << 15, 1 << 28
EIE, OVRDIS, ADDM7, TXFRQ, MMRQ = 1 << 0, 1 << 12, 1 << 4, 1 << 4, 1 << 2
ON = UE | TE | RE
RTOR, RTOEN, RTOIE, RTOF = 0x14, 1 << 23, 1 << 26, 1 << 11
FIFOEN, TXFE, RXFF, RXFRQ = 1 << 29, 1 << 23, 1 << 24, 1 << 3
HALF_RECEIVED, ALL_SENT, RXFTIE, TXFTIE = 2 << 25, 5 << 29, 1 << 28, 1 << 23
AT_RESET = TXE | TC
HZ = 8_000_000


class Line:
    """What is behind the TX pin."""

    unsent = 0

    def __init__(self) -> None:
        self.sent: list[tuple[int, int]] = []  # byte, baud rate

    def transmitted(self, byte: int, baudrate: int, cycle: int) -> None:
        del cycle
        self.sent.append((byte, baudrate))


@pytest.fixture
def clock() -> Clock:
    return Clock(HZ)


@pytest.fixture
def irq() -> list[bool]:
    return [False]


@pytest.fixture
def usart(clock: Clock, irq: list[bool]) -> UsartV2:
    made = UsartV2(clock, lambda: HZ, lambda level: irq.__setitem__(0, level))
    made.line = Line()
    made.write(BRR, 70)
    return made


def advance(clock: Clock, cycles: int) -> None:
    end = clock.cycles + cycles
    while clock.cycles < end:
        clock.skip_to(clock.cycles + 1)
        clock.expire_due()


def cycles_of_a_frame(clock: Clock, usart: UsartV2) -> int:
    begin = clock.cycles
    usart.write(TDR, 0x55)
    while not usart.read(ISR) & TC:
        clock.skip_to(clock.cycles + 1)
        clock.expire_due()
    return clock.cycles - begin


def test_it_acknowledges_and_forgets_with_ue(usart: UsartV2) -> None:
    assert usart.read(ISR) == AT_RESET
    usart.write(CR1, ON)
    assert usart.read(ISR) == AT_RESET | TEACK | REACK
    usart.receive(1, True)
    usart.write(TDR, 1)
    usart.write(TDR, 2)
    usart.write(CR1, ON & ~UE)
    assert usart.read(ISR) == AT_RESET


@pytest.mark.parametrize(
    ("cr1", "cr2", "brr", "presc", "cycles"),
    [
        pytest.param(0, 0, 70, 0, 700, id="eight bits"),
        pytest.param(M0, 0, 70, 0, 770, id="nine"),
        pytest.param(M1, 0, 70, 0, 630, id="seven"),
        pytest.param(0, 2 << 12, 70, 0, 770, id="two stop bits"),
        pytest.param(0, 0, 70, 2, 2800, id="the clock by four"),
        pytest.param(OVER8, 0, 0x85, 0, 690, id="eight samples: 0x8A halves of a cycle a bit"),
    ],
)
def test_length_of_a_frame(
    clock: Clock, usart: UsartV2, cr1: int, cr2: int, brr: int, presc: int, cycles: int
) -> None:
    for register, word in ((CR2, cr2), (BRR, brr), (PRESC, presc), (CR1, ON | cr1)):
        usart.write(register, word)
    assert cycles_of_a_frame(clock, usart) == cycles


def test_the_low_power_one_divides_by_256ths(clock: Clock) -> None:
    usart = lpuart(clock, lambda: 32_768, lambda _: None, (lambda _: None, lambda _: None))
    usart.line = Line()
    usart.write(BRR, 874)  # 9600 baud of LSE
    usart.write(CR1, ON)
    assert cycles_of_a_frame(clock, usart) == 10 * 874 * HZ // (256 * 32_768)
    assert usart.line.sent == [(0x55, 9597)]


def test_flags_go_by_icr_and_data_by_rdr(usart: UsartV2) -> None:
    usart.write(CR1, ON | PCE | M0)
    usart.receive(0x01, False, ninth=0, is_noisy=True)
    usart.receive(0x02, True)
    flags = RXNE | ORE | NE | FE | PE
    assert usart.read(ISR) & 0x3F == flags
    assert usart.read(RDR) == 0x01
    assert usart.read(ISR) & 0x3F == flags & ~RXNE
    for flag in (ORE, NE, FE, PE):
        usart.write(ICR, flag)
        flags &= ~flag
        assert usart.read(ISR) & 0x3F == flags & ~RXNE


def test_a_byte_may_replace_an_unread_one(usart: UsartV2) -> None:
    usart.write(CR3, OVRDIS)
    usart.write(CR1, ON)
    for byte in b"ab":
        usart.receive(byte, True)
    assert usart.read(ISR) & (RXNE | ORE) == RXNE
    assert usart.read(RDR) == ord("b")


def test_errors_interrupt_with_eie_alone(usart: UsartV2, irq: list[bool]) -> None:
    usart.write(CR3, EIE)
    usart.write(CR1, ON)
    usart.receive(0, False)
    assert irq == [True]
    usart.write(ICR, FE)
    assert irq == [False]


def test_a_matching_character_interrupts(usart: UsartV2, irq: list[bool]) -> None:
    usart.write(CR2, ord("\n") << 24)
    usart.write(CR1, ON | CMIE)
    usart.receive(ord("a"), True)
    usart.read(RDR)
    assert irq == [False]
    usart.receive(ord("\n"), True)
    assert usart.read(ISR) & CMF
    assert irq == [True]
    usart.write(ICR, CMF)
    assert irq == [False]


def test_silence_after_a_byte_interrupts(clock: Clock, usart: UsartV2, irq: list[bool]) -> None:
    usart.write(RTOR, 20)
    usart.write(CR2, RTOEN)
    usart.write(CR1, ON | RTOIE)
    advance(clock, 3000)
    usart.receive(1, True)
    advance(clock, 1399)
    assert irq == [False]
    advance(clock, 1)
    assert irq == [True]
    assert usart.read(ISR) & RTOF
    usart.write(ICR, RTOF)
    assert irq == [False]


@pytest.mark.parametrize(("addm7", "other"), [(0, 0x82), (ADDM7, 0x83)])
def test_an_address_of_four_bits_or_seven_wakes_it(usart: UsartV2, addm7: int, other: int) -> None:
    usart.write(CR2, 0x13 << 24 | addm7)
    usart.write(CR1, ON | MME | WAKE)
    usart.write(RQR, MMRQ)
    assert usart.read(ISR) & RWU
    for word in (0x13, other, 0x93):
        usart.receive(word, True)
        assert bool(usart.read(ISR) & RWU) == (word != 0x93)
    assert usart.read(RDR) == 0x93


def test_what_waits_can_be_dropped(clock: Clock, usart: UsartV2) -> None:
    usart.write(CR1, ON)
    for byte in b"ab":
        usart.write(TDR, byte)
    assert not usart.read(ISR) & TXE
    usart.write(RQR, TXFRQ)
    assert usart.read(ISR) & TXE
    advance(clock, 3000)
    assert isinstance(usart.line, Line)
    assert [byte for byte, _ in usart.line.sent] == [ord("a")]


def test_the_fifo_sends_nine_bytes_in_order(clock: Clock, usart: UsartV2) -> None:
    usart.write(CR1, ON | FIFOEN)
    assert usart.read(ISR) & (TXFE | TXE | TC) == TXFE | TXE | TC
    for byte in range(9):  # the first goes on at once
        assert usart.read(ISR) & TXE
        usart.write(TDR, byte)
    assert not usart.read(ISR) & (TXE | TXFE)
    usart.write(TDR, 0xEE)  # which has no room
    advance(clock, 700)
    assert usart.read(ISR) & TXE
    usart.write(TDR, 9)
    advance(clock, 700 * 9)
    assert usart.read(ISR) & (TXFE | TC) == TXFE | TC
    assert isinstance(usart.line, Line)
    assert [byte for byte, _ in usart.line.sent] == list(range(10))


def test_the_fifo_receives_eight_bytes_and_then_overruns(usart: UsartV2) -> None:
    usart.write(CR1, ON | FIFOEN)
    for byte in range(8):
        assert not usart.read(ISR) & (RXFF | ORE)
        usart.receive(byte, True)
    assert usart.read(ISR) & (RXFF | ORE) == RXFF
    usart.receive(8, True)
    assert usart.read(ISR) & (RXFF | ORE) == RXFF | ORE
    for byte in range(8):
        assert usart.read(ISR) & RXNE
        assert usart.read(RDR) == byte
    assert not usart.read(ISR) & (RXNE | RXFF)
    usart.receive(1, True)
    usart.receive(2, True)
    usart.write(RQR, RXFRQ)
    assert not usart.read(ISR) & RXNE


def test_thresholds_of_the_fifos_interrupt(clock: Clock, usart: UsartV2, irq: list[bool]) -> None:
    usart.write(CR3, HALF_RECEIVED | RXFTIE)
    usart.write(CR1, ON | FIFOEN)
    seen: list[bool] = []
    for byte in range(5):
        usart.receive(byte, True)
        seen += irq
    assert seen == [False, False, False, True, True]
    usart.write(RQR, RXFRQ)
    usart.write(CR3, ALL_SENT | TXFTIE)
    assert irq == [True]
    for byte in b"ab":
        usart.write(TDR, byte)
    assert irq == [False]
    advance(clock, 700)
    assert irq == [True]


def test_a_fifo_is_forgotten_with_ue(usart: UsartV2) -> None:
    usart.write(CR1, ON | FIFOEN)
    for byte in range(4):
        usart.receive(byte, True)
        usart.write(TDR, byte)
    usart.write(CR1, ON & ~UE)
    usart.write(CR1, ON)
    assert usart.read(ISR) == AT_RESET | TEACK | REACK


def test_seven_bits_with_parity(usart: UsartV2) -> None:
    usart.write(CR1, ON | M1 | PCE | PS)
    usart.receive(0b010_0011, True)  # odd: the parity bit is one of the seven
    assert usart.read(ISR) & (RXNE | PE) == RXNE
    assert usart.read(RDR) == 0b010_0011
    usart.receive(0b110_0011, True)
    assert usart.read(ISR) & PE
