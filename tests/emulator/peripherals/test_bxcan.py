"""CAN controllers of the STM32F103 and the F405. Offsets and bits are ST's stm32f405xx.h's."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.clock import Clock
from emulator.peripherals.bxcan import BxCan, CanIrqs
from emulator.peripherals.bxcan_filters import CanFilters

MCR, MSR, TSR, RF0R, RF1R, IER, ESR, BTR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18, 0x1C
INRQ, SLEEP, TXFP, RFLM, NART, RESET = 1, 2, 4, 8, 16, 1 << 15
INAK, SLAK = 1, 2
SILM, LBKM = 1 << 31, 1 << 30
TX_0, RX_0, RX_1 = 0x180, 0x1B0, 0x1C0
FMR, FM1R, FS1R, FFA1R, FA1R, F0R1 = 0x200, 0x204, 0x20C, 0x214, 0x21C, 0x240
TXRQ, RTR, IDE = 1, 2, 4
FMP, FULL, FOVR, RFOM = 3, 8, 16, 32
RQCP, TXOK, TERR, ABRQ = 1, 2, 8, 1 << 7
TME_0 = 1 << 26
BIT = 2 * 16  # cycles: half the core's clock, 16 quanta


class Bench:
    """A controller on a clock of its own."""

    def __init__(self, filters: CanFilters | None = None, *, is_second: bool = False) -> None:
        self.clock = Clock(72_000_000)
        self.irqs = [False] * 4
        irqs = [self._irq(n) for n in range(4)]
        filters = filters or CanFilters(14, has_second=False)
        self.can = BxCan(
            self.clock,
            lambda: 36_000_000,
            CanIrqs(irqs[0], (irqs[1], irqs[2]), irqs[3]),
            filters,
            is_second=is_second,
        )
        self.can.reset()

    def _irq(self, n: int) -> Callable[[bool], None]:
        def set_irq(on: bool) -> None:
            self.irqs[n] = on

        return set_irq

    def advance(self, cycles: int) -> None:
        end = self.clock.cycles + cycles
        while self.clock.next_due <= end:
            self.clock.skip_to(self.clock.next_due)
            self.clock.expire_due()
        self.clock.skip_to(end)

    def write(self, *pairs: tuple[int, int]) -> None:
        for offset, word in pairs:
            self.can.write(offset, word)

    def start(self, btr: int = LBKM, mcr: int = 0) -> None:
        self.write((MCR, INRQ), (BTR, btr | 2 << 20 | 11 << 16), (MCR, mcr))
        self.advance(11 * BIT)

    def take_everything(self, fifo: int = 0) -> None:
        self.write((FS1R, 1), (FFA1R, fifo), (F0R1, 0), (F0R1 + 4, 0), (FA1R, 1), (FMR, 0))

    def send(self, box: int, stid: int, *data: int, flags: int = 0) -> None:
        at = TX_0 + 16 * box
        payload = int.from_bytes(bytes(data), "little")
        self.write((at + 4, len(data)), (at + 8, payload & 0xFFFF_FFFF), (at + 12, payload >> 32))
        self.write((at, stid << 21 | flags | TXRQ))

    def received(self) -> list[int]:
        """Take what is in FIFO 0: the identifiers."""
        seen: list[int] = []
        while self.can.read(RF0R) & FMP:
            seen.append(self.can.read(RX_0) >> 21)
            self.can.write(RF0R, RFOM)
        return seen


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.take_everything()
    made.start()
    return made


def test_reset_values() -> None:
    can = Bench().can
    words = [can.read(offset) for offset in (MCR, MSR, TSR, RF0R, ESR, BTR, FMR)]
    assert words == [0x1_0002, 0xC02, 0x1C00_0000, 0, 0, 0x123_0000, 0x2A1C_0E01]


def test_modes_are_asked_for_and_acknowledged() -> None:
    bench = Bench()
    seen: list[int] = []
    for mcr in (0, INRQ, 0, SLEEP, INRQ, SLEEP):
        bench.can.write(MCR, mcr)
        seen.append(bench.can.read(MSR) & (INAK | SLAK))
        bench.advance(11 * 6 * 2 * 64)
        seen.append(bench.can.read(MSR) & (INAK | SLAK))
    assert seen == [SLAK, 0, INAK, INAK, INAK, 0, SLAK, SLAK, INAK, INAK, SLAK, SLAK]


def test_normal_mode_comes_after_eleven_bits() -> None:
    bench = Bench()
    bench.write((MCR, INRQ), (BTR, 2 << 20 | 11 << 16 | 4), (MCR, 0))
    bench.advance(11 * 5 * BIT - 1)
    assert bench.can.read(MSR) & INAK
    bench.advance(1)
    assert not bench.can.read(MSR) & INAK


def test_timing_is_written_in_initialization_only(bench: Bench) -> None:
    before = bench.can.read(BTR)
    bench.can.write(BTR, 0)
    assert bench.can.read(BTR) == before


@pytest.mark.parametrize(
    ("flags", "data", "bits"),
    [(0, b"", 47), (0, b"12345678", 47 + 64), (IDE, b"123", 67 + 24), (RTR, b"123", 47)],
)
def test_frame_comes_back_in_its_time(bench: Bench, flags: int, data: bytes, bits: int) -> None:
    bench.send(0, 0x123, *data, flags=flags)
    assert not bench.can.read(TSR) & TME_0
    bench.advance(bits * BIT - 1)
    assert (bench.can.read(TSR) & RQCP, bench.can.read(RF0R)) == (0, 0)
    bench.advance(1)
    assert bench.can.read(TSR) & (TME_0 | TXOK | RQCP) == TME_0 | TXOK | RQCP
    assert bench.can.read(RF0R) == 1
    low, high = bench.can.read(RX_0 + 8), bench.can.read(RX_0 + 12)
    assert (low | high << 32).to_bytes(8, "little")[: len(data)] == data
    assert bench.can.read(RX_0) == 0x123 << 21 | flags
    assert bench.can.read(RX_0 + 4) == len(data)
    bench.write((TSR, RQCP), (RF0R, RFOM))
    assert (bench.can.read(TSR) & 0xFF, bench.can.read(RF0R), bench.can.read(RX_0)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("mcr", "order"),
    [(0, [0x300, 0x100, 0x200]), (TXFP, [0x300, 0x200, 0x100])],
)
def test_mailboxes_take_turns(mcr: int, order: list[int]) -> None:
    bench = Bench()
    bench.take_everything()
    bench.start(mcr=mcr)
    for box, stid in enumerate((0x300, 0x200, 0x100)):
        bench.send(box, stid)
    assert bench.can.read(TSR) >> 26 & 0b111 == 0
    bench.advance(200 * BIT)
    assert bench.received() == order  # the first was on its way already


def test_tsr_shows_the_next_free_mailbox_and_the_last_in_turn(bench: Bench) -> None:
    code_and_low: list[tuple[int, int]] = []
    for box, stid in enumerate((0x100, 0x300, 0x200)):
        code_and_low.append((bench.can.read(TSR) >> 24 & 0b11, bench.can.read(TSR) >> 29))
        bench.send(box, stid)
    tsr = bench.can.read(TSR)
    assert [*code_and_low, (tsr >> 24 & 0b11, tsr >> 29)] == [(0, 0), (1, 0), (2, 2), (1, 2)]


@pytest.mark.parametrize(
    ("mcr", "kept"), [(0, [0, 1, 4]), (RFLM, [0, 1, 2])], ids=["last one goes", "keeps"]
)
def test_full_fifo_overruns(mcr: int, kept: list[int]) -> None:
    bench = Bench()
    bench.take_everything()
    bench.start(mcr=mcr)
    flags: list[int] = []
    for stid in range(5):
        bench.send(0, stid)
        bench.advance(50 * BIT)
        flags.append(bench.can.read(RF0R))
    assert flags == [1, 2, 3 | FULL, 3 | FULL | FOVR, 3 | FULL | FOVR]
    assert bench.received() == kept
    assert bench.can.read(RF0R) == FOVR
    bench.can.write(RF0R, FOVR)
    assert bench.can.read(RF0R) == 0


def test_interrupts() -> None:
    bench = Bench()
    bench.take_everything(fifo=1)
    bench.start()
    bench.can.write(IER, 1 | 1 << 4 | 1 << 1)
    bench.send(0, 1)
    bench.advance(50 * BIT)
    assert bench.irqs == [True, False, True, False]
    bench.write((TSR, RQCP), (RF1R, RFOM))
    assert bench.irqs == [False] * 4


def test_nobody_acknowledges() -> None:
    bench = Bench()
    bench.start(btr=0, mcr=NART)
    bench.send(0, 1)
    bench.advance(50 * BIT)
    assert bench.can.read(TSR) & 0xFF == RQCP | TERR
    assert bench.can.read(ESR) == 8 << 16 | 3 << 4
    bench.can.write(MCR, 0)
    bench.can.write(IER, 1 << 15 | 1 << 9)
    bench.send(0, 1)
    bench.advance(14 * 50 * BIT)
    assert (bench.can.read(ESR) & 0b11, bench.irqs[3]) == (0b01, False)
    bench.advance(200 * 50 * BIT)
    assert bench.can.read(ESR) == 128 << 16 | 3 << 4 | 0b11
    assert (bench.can.read(TSR) & (TME_0 | RQCP), bench.irqs[3]) == (0, True)
    bench.can.write(TSR, ABRQ)
    assert bench.can.read(TSR) & (TME_0 | 0xFF) == TME_0 | RQCP


def test_waiting_frame_is_taken_back(bench: Bench) -> None:
    bench.send(0, 1)
    bench.send(1, 2)
    bench.write((TSR, ABRQ << 8), (TSR, ABRQ))  # the first one is on its way
    assert bench.can.read(TSR) & 0xFFFF == RQCP << 8
    bench.advance(200 * BIT)
    assert bench.received() == [1]
    assert bench.can.read(TSR) & 0xFFFF == RQCP << 8 | TXOK | RQCP


def test_master_reset(bench: Bench) -> None:
    bench.send(0, 1)
    bench.can.write(MCR, RESET)
    bench.advance(200 * BIT)
    assert (bench.can.read(MCR), bench.can.read(MSR) & SLAK) == (0x1_0002, SLAK)
    assert bench.can.read(RF0R) == 0


def test_filters_are_changed_while_they_are_off(bench: Bench) -> None:
    bench.write((FS1R, 0), (F0R1, 7))
    assert (bench.can.read(FS1R), bench.can.read(F0R1)) == (1, 0)
    bench.write((FA1R, 0), (F0R1, 7))
    assert bench.can.read(F0R1) == 7
    bench.write((FMR, 1), (FS1R, 0))
    assert bench.can.read(FS1R) == 0


def word_of(identifier: int, *, is_extended: bool, is_remote: bool) -> int:
    place = identifier << 3 if is_extended else identifier >> 18 << 21
    return place | is_extended << 2 | is_remote << 1


@given(
    wanted=st.integers(0, 2**29 - 1),
    sent=st.integers(0, 2**29 - 1),
    differing=st.sampled_from([0, 1, 1 << 14, 1 << 15, 1 << 18, 1 << 28]),
    is_extended=st.booleans(),
    is_remote=st.booleans(),
    is_list=st.booleans(),
    is_wide=st.booleans(),
)
def test_filter_takes_what_it_names(
    wanted: int,
    sent: int,
    differing: int,
    *,
    is_extended: bool,
    is_remote: bool,
    is_list: bool,
    is_wide: bool,
) -> None:
    """A list, or a mask of everything but one bit, takes an identifier of its own kind."""
    sent = sent if differing == 1 << 28 else wanted ^ differing
    bench = Bench()
    rule = word_of(wanted, is_extended=is_extended, is_remote=is_remote)
    frame = word_of(sent, is_extended=is_extended, is_remote=is_remote)
    mask = 0xFFFF_FFFF
    seen = 0xFFFF_FFFE  # of the identifier
    if not is_wide:
        half = rule >> 21 << 5 | is_remote << 4 | is_extended << 3 | rule >> 18 & 0b111
        rule, mask, seen = half | 0xFFFF_0000, 0, 0xFFFC_0006
        if is_list:
            rule = half | half << 16
            mask = rule
    elif is_list:
        mask = rule
    bench.write((FM1R, is_list), (FS1R, is_wide), (F0R1, rule), (F0R1 + 4, mask or rule))
    bench.write((FA1R, 1), (FMR, 0))
    bench.start()
    bench.can.write(TX_0, frame | TXRQ)
    bench.advance(150 * BIT)
    is_taken = not (frame ^ word_of(wanted, is_extended=is_extended, is_remote=is_remote)) & seen
    assert bench.can.read(RF0R) & FMP == is_taken


def test_most_exact_filter_decides_and_is_counted() -> None:
    """Banks: 0, wide mask; 1, narrow list; 2, wide list; in FIFO 0, 0 and 1."""
    bench = Bench()
    stid = 0x321
    bench.write(
        *((FM1R, 0b110), (FS1R, 0b101), (FFA1R, 0b110), (FA1R, 0b111)),
        *((F0R1, 0), (F0R1 + 4, 0)),
        *((F0R1 + 8, stid << 5), (F0R1 + 12, stid << 5)),
        *((F0R1 + 16, 1 << 21), (F0R1 + 20, stid << 21)),
        (FMR, 0),
    )
    bench.start()
    bench.send(0, stid)
    bench.advance(50 * BIT)
    assert (bench.can.read(RF0R) & FMP, bench.can.read(RF1R) & FMP) == (0, 1)
    assert bench.can.read(RX_1 + 4) >> 8 == 5  # behind four narrow ones
    bench.send(0, 0x7)
    bench.advance(50 * BIT)
    assert (bench.can.read(RF0R) & FMP, bench.can.read(RX_0 + 4) >> 8) == (1, 0)


def test_second_controller_has_a_part_of_the_first_ones_banks() -> None:
    filters = CanFilters(28, has_second=True)
    first, second = Bench(filters), Bench(filters, is_second=True)
    first.write((FMR, 0x2A1C_0001 | 14 << 8), (FS1R, 1 << 14), (FA1R, 1 << 14), (FMR, 14 << 8))
    for bench, taken in ((first, 0), (second, 1)):
        bench.start()
        bench.send(0, 5)
        bench.advance(50 * BIT)
        assert bench.can.read(RF0R) & FMP == taken
