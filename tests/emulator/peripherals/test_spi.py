"""SPI of the STM32F1 and F4. Offsets and bits are ST's device headers'."""

import pytest

from emulator.clock import Clock
from emulator.peripherals.spi_v1 import SpiV1

CR1, CR2, SR, DR = 0x00, 0x04, 0x08, 0x0C
MSTR, SPE, SSI, SSM, DFF = 1 << 2, 1 << 6, 1 << 8, 1 << 9, 1 << 11
MASTER = MSTR | SPE | SSI | SSM
RXNE, TXE, MODF, OVR, BSY = 1, 1 << 1, 1 << 5, 1 << 6, 1 << 7
RXDMAEN, TXDMAEN, ERRIE, RXNEIE, TXEIE = 1, 1 << 1, 1 << 5, 1 << 6, 1 << 7


class Bench:
    """A unit on a clock of its own, with what it drives."""

    def __init__(self) -> None:
        self.clock = Clock(8_000_000)
        self.irq = self.tx = self.rx = False
        self.sent: list[tuple[int, int]] = []
        self.spi = SpiV1(
            self.clock,
            lambda: 4_000_000,
            lambda on: setattr(self, "irq", on),
            (lambda on: setattr(self, "tx", on), lambda on: setattr(self, "rx", on)),
        )
        self.spi.reset()

    def advance(self, cycles: int) -> None:
        end = self.clock.cycles + cycles
        while (due := min(self.clock.next_due, end)) < end:
            self.clock.skip_to(due)
            self.clock.expire_due()
        self.clock.skip_to(end)
        self.clock.expire_due()

    def echo(self, word: int, bits: int) -> int:
        self.sent.append((word, bits))
        return word


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_reset_values(bench: Bench) -> None:
    assert [bench.spi.read(offset) for offset in (CR1, CR2, SR, DR, 0x10)] == [0, 0, TXE, 0, 7]


@pytest.mark.parametrize(("br", "dff", "cycles"), [(0, 0, 32), (1, 0, 64), (7, DFF, 8192)])
def test_frame_takes_its_time_and_nobody_answers(
    bench: Bench, br: int, dff: int, cycles: int
) -> None:
    bench.spi.write(CR1, MASTER | br << 3 | dff)
    bench.spi.write(DR, 0x5A)
    assert bench.spi.read(SR) == TXE | BSY
    bench.advance(cycles - 1)
    assert bench.spi.read(SR) == TXE | BSY
    bench.advance(1)
    assert bench.spi.read(SR) == TXE | RXNE
    assert bench.spi.read(DR) == (0xFFFF if dff else 0xFF)
    assert bench.spi.read(SR) == TXE


def test_second_word_waits_in_the_buffer(bench: Bench) -> None:
    bench.spi.exchange = bench.echo
    bench.spi.write(CR1, MASTER)
    bench.spi.write(DR, 0x11)
    bench.spi.write(DR, 0x22)
    assert bench.spi.read(SR) == BSY
    bench.advance(32)
    assert bench.spi.read(SR) == TXE | RXNE | BSY
    assert bench.spi.read(DR) == 0x11
    bench.advance(32)
    assert bench.spi.read(DR) == 0x22
    assert bench.sent == [(0x11, 8), (0x22, 8)]


def test_word_that_was_not_read_is_kept_and_overrun_told(bench: Bench) -> None:
    bench.spi.exchange = bench.echo
    bench.spi.write(CR1, MASTER)
    bench.spi.write(CR2, ERRIE)
    for word in (0x11, 0x22):
        bench.spi.write(DR, word)
        bench.advance(32)
    assert bench.irq
    assert bench.spi.read(SR) == TXE | RXNE | OVR
    assert bench.spi.read(DR) == 0x11
    assert bench.spi.read(SR) == TXE | OVR  # and this read clears it
    assert bench.spi.read(SR) == TXE
    assert not bench.irq


def test_word_written_before_spe_is_sent_then(bench: Bench) -> None:
    bench.spi.write(DR, 0x11)
    bench.advance(100)
    assert bench.spi.read(SR) == 0
    bench.spi.write(CR1, MASTER)
    assert bench.spi.read(SR) == TXE | BSY


def test_slave_is_never_clocked(bench: Bench) -> None:
    bench.spi.write(CR1, SPE | SSM)
    bench.spi.write(DR, 0x11)
    bench.advance(10_000)
    assert bench.spi.read(SR) == 0


def test_master_that_another_selects_is_none(bench: Bench) -> None:
    bench.spi.write(CR1, MSTR | SPE | SSM)
    assert bench.spi.read(CR1) == SSM
    bench.spi.write(CR1, SSM)  # SR was not read before
    assert bench.spi.read(SR) == TXE | MODF
    bench.spi.write(CR1, MASTER)
    assert bench.spi.read(SR) == TXE
    assert bench.spi.read(CR1) == MASTER


@pytest.mark.parametrize(
    ("enable", "before", "after"), [(TXEIE, True, True), (RXNEIE, False, True)]
)
def test_interrupts(bench: Bench, enable: int, *, before: bool, after: bool) -> None:
    bench.spi.write(CR1, MASTER)
    bench.spi.write(CR2, enable)
    bench.spi.write(DR, 0)
    assert bench.irq is before
    bench.advance(32)
    assert bench.irq is after


def test_dma_is_asked_for(bench: Bench) -> None:
    bench.spi.write(CR1, MASTER)
    bench.spi.write(CR2, TXDMAEN | RXDMAEN)
    assert (bench.tx, bench.rx) == (True, False)
    bench.spi.write(DR, 0)
    bench.spi.write(DR, 0)
    assert (bench.tx, bench.rx) == (False, False)
    bench.advance(32)
    assert (bench.tx, bench.rx) == (True, True)
    bench.spi.read(DR)
    assert not bench.rx


def test_reset_ends_a_frame(bench: Bench) -> None:
    bench.spi.write(CR1, MASTER)
    bench.spi.write(DR, 0)
    bench.spi.reset()
    bench.advance(100)
    assert bench.spi.read(SR) == TXE
