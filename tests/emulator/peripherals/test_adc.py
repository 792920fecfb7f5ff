"""ADC of the STM32F1 and F4. Offsets and bits are ST's device headers'."""

import pytest

from emulator.clock import Clock
from emulator.peripherals.adc import Adc
from emulator.peripherals.adc_f1 import AdcF1
from emulator.peripherals.adc_f4 import AdcCommon, AdcF4

SR, CR1, CR2, SMPR1, SMPR2, HTR, SQR1, SQR2, SQR3, DR = (
    *(0x00, 0x04, 0x08, 0x0C, 0x10, 0x24),
    *(0x2C, 0x30, 0x34, 0x4C),
)
ADON, CONT, CAL, RSTCAL, DMA, EOCS, ALIGN = 1, 2, 4, 8, 1 << 8, 1 << 10, 1 << 11
SCAN, EOCIE = 1 << 8, 1 << 5
EOC, STRT, OVR = 1 << 1, 1 << 4, 1 << 5
F1_SOFTWARE, F1_START, F4_START = 7 << 17 | 1 << 20, 1 << 22, 1 << 30
PINS = tuple(f"PA{n}" for n in range(16))


class Bench:
    """A converter on a clock of its own: of 8 MHz, the converter's is 1 MHz."""

    def __init__(self, *, is_f4: bool) -> None:
        self.clock = Clock(8_000_000)
        self.irq = False
        self.reads = 0
        make = AdcF4 if is_f4 else AdcF1
        self.adc: Adc = make(
            self.clock,
            lambda: 1_000_000,
            lambda on: setattr(self, "irq", on),
            self.take,
            PINS,
            is_first=True,
        )
        self.adc.reset()
        for n, pin in enumerate(PINS):
            self.adc.set_voltage(pin, 100 * n)
        self.on = ADON if is_f4 else ADON | F1_SOFTWARE
        self.go = F4_START if is_f4 else F1_START

    def take(self, level: bool) -> None:
        self.reads += level

    def advance_us(self, us: int) -> None:
        end = self.clock.cycles + 8 * us
        while (due := min(self.clock.next_due, end)) < end:
            self.clock.skip_to(due)
            self.clock.expire_due()
        self.clock.skip_to(end)
        self.clock.expire_due()

    def start(self, cr2: int = 0, cr1: int = 0) -> None:
        self.adc.write(CR1, cr1)
        self.adc.write(CR2, self.on | cr2)
        self.adc.write(CR2, self.on | cr2 | self.go)

    def is_done(self) -> bool:
        return bool(self.adc.read(SR) & EOC)


@pytest.fixture(params=[False, True], ids=["F1", "F4"])
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(is_f4=request.param)


@pytest.fixture
def f1() -> Bench:
    return Bench(is_f4=False)


@pytest.fixture
def f4() -> Bench:
    return Bench(is_f4=True)


def level(millivolts: int) -> int:
    return millivolts * 4096 // 3300


def test_reset_values(bench: Bench) -> None:
    assert [bench.adc.read(offset) for offset in (SR, CR1, CR2, HTR, SQR1)] == [0, 0, 0, 0xFFF, 0]


@pytest.mark.parametrize(
    ("is_f4", "sampling", "us"), [(False, 0, 14), (False, 7, 252), (True, 0, 15), (True, 7, 492)]
)
def test_conversion_takes_its_sampling_and_its_bits(*, is_f4: bool, sampling: int, us: int) -> None:
    bench = Bench(is_f4=is_f4)
    bench.adc.write(SQR3, 12)
    bench.adc.write(SMPR1, sampling << 6)
    bench.start()
    assert bench.adc.read(SR) == STRT
    bench.advance_us(us - 1)
    assert not bench.is_done()
    bench.advance_us(1)
    assert bench.is_done()
    assert bench.adc.read(DR) == level(1200)
    assert not bench.is_done()


def test_nothing_is_converted_while_it_is_off(bench: Bench) -> None:
    bench.adc.write(CR2, bench.go)
    bench.advance_us(1000)
    assert bench.adc.read(SR) == 0


def test_sequence(bench: Bench) -> None:
    """Eight conversions: six channels are in SQR3, the others in SQR2."""
    bench.adc.write(SQR1, 7 << 20)
    bench.adc.write(SQR3, sum(n << 5 * n for n in range(6)))
    bench.adc.write(SQR2, 6 | 7 << 5)
    bench.start(cr2=DMA, cr1=SCAN)
    bench.advance_us(1000)
    assert bench.reads == 8
    assert bench.is_done()
    assert bench.adc.read(DR) == level(700)


def test_without_scan_only_the_first_is_converted(bench: Bench) -> None:
    bench.adc.write(SQR1, 7 << 20)
    bench.adc.write(SQR3, 5)
    bench.start(cr2=DMA)
    bench.advance_us(1000)
    assert bench.reads == 1
    assert bench.adc.read(DR) == level(500)


def test_continuous_conversion_follows_the_voltage(bench: Bench) -> None:
    bench.adc.write(SQR3, 1)
    bench.start(cr2=CONT)
    for millivolts in (1000, 2000):
        bench.adc.set_voltage("PA1", millivolts)
        bench.advance_us(40)
        assert bench.adc.read(DR) == level(millivolts)
    bench.adc.write(CR2, 0)
    bench.adc.read(DR)
    bench.advance_us(1000)
    assert not bench.is_done()


def test_interrupt_until_the_result_is_read(bench: Bench) -> None:
    bench.start(cr1=EOCIE)
    bench.advance_us(14)
    bench.advance_us(1)
    assert bench.irq
    bench.adc.read(DR)
    assert not bench.irq


def test_f1_calibrates_for_83_cycles(f1: Bench) -> None:
    for bit in (RSTCAL, CAL):
        f1.adc.write(CR2, ADON | bit)
        f1.advance_us(82)
        assert f1.adc.read(CR2) == ADON | bit
        f1.advance_us(1)
        assert f1.adc.read(CR2) == ADON


def test_f1_starts_by_adon_written_again(f1: Bench) -> None:
    f1.adc.write(CR2, ADON)
    f1.advance_us(100)
    assert not f1.is_done()
    f1.adc.write(CR2, ADON | CONT)  # another bit changes: no start
    f1.adc.write(CR2, ADON)
    f1.advance_us(100)
    assert not f1.is_done()
    f1.adc.write(CR2, ADON)
    f1.advance_us(14)
    assert f1.is_done()


def test_f1_swstart_needs_its_trigger(f1: Bench) -> None:
    f1.adc.write(CR2, ADON)
    f1.adc.write(CR2, ADON | F1_START)
    f1.advance_us(100)
    assert not f1.is_done()


@pytest.mark.parametrize(
    ("res", "us", "right", "left"),
    [(0, 15, 4095, 0xFFF0), (1, 13, 1023, 0xFFC0), (2, 11, 255, 0xFF00), (3, 9, 63, 0xFC)],
)
def test_f4_resolution_and_alignment(f4: Bench, res: int, us: int, right: int, left: int) -> None:
    f4.adc.set_voltage("PA0", 3300)
    for cr2, result in ((0, right), (ALIGN, left)):
        f4.start(cr1=res << 24, cr2=cr2)
        f4.advance_us(us)
        assert f4.is_done()
        assert f4.adc.read(DR) == result


def test_f1_aligns_left(f1: Bench) -> None:
    f1.adc.set_voltage("PA0", 3300)
    f1.start(cr2=ALIGN)
    f1.advance_us(14)
    assert f1.adc.read(DR) == 0xFFF0


def test_f4_tells_of_each_conversion_and_of_overruns_with_eocs(f4: Bench) -> None:
    f4.adc.write(SQR1, 2 << 20)
    f4.adc.write(SQR3, 0 | 1 << 5 | 2 << 10)
    f4.start(cr2=EOCS, cr1=SCAN)
    f4.advance_us(15)
    assert f4.adc.read(DR) == 0
    f4.advance_us(30)
    assert f4.adc.read(SR) == STRT | EOC | OVR
    assert f4.adc.read(DR) == level(100)  # the older one


def test_common_part_shows_all_three_states_and_divides_their_clock() -> None:
    benches = [Bench(is_f4=True) for _ in range(3)]
    common = AdcCommon([bench.adc.sr for bench in benches])
    benches[1].start()
    assert common.read(0x00) == STRT << 8
    common.write(0x04, 3 << 16)
    assert common.divisor == 8
