"""emu:// URLs: what they say, and what is said about those that are wrong."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.errors import BoardError
from emulator.faults import FaultPlan
from emulator.urls.emu_url import PaceKind, parse_url


def test_part_alone_is_enough() -> None:
    url = parse_url("emu://stm32f103c8")
    assert url.part.name == "stm32f103c8"
    assert (url.firmware, url.pace, url.rate) == (None, PaceKind.REALTIME, 1.0)


def test_part_in_any_case() -> None:
    assert parse_url("emu://STM32F103C8").part.name == "stm32f103c8"


@pytest.mark.parametrize(
    ("path", "firmware"),
    [
        pytest.param("", None, id="none"),
        pytest.param("/", None, id="only a slash"),
        pytest.param("/home/a.elf", Path("/home/a.elf"), id="absolute"),
        pytest.param("/./build/a.elf", Path("build/a.elf"), id="relative"),
        pytest.param("/a%20b/%23.elf", Path("/a b/#.elf"), id="quoted"),
    ],
)
def test_firmware(path: str, firmware: Path | None) -> None:
    assert parse_url(f"emu://stm32f103c8{path}").firmware == firmware


@pytest.mark.parametrize(
    ("query", "pace", "rate"),
    [
        ("pace=lockstep", PaceKind.LOCKSTEP, 1.0),
        ("pace=realtime&rate=0", PaceKind.REALTIME, 0.0),
        ("rate=2.5", PaceKind.REALTIME, 2.5),
    ],
)
def test_pace_and_rate(query: str, pace: PaceKind, rate: float) -> None:
    url = parse_url(f"emu://stm32f103c8?{query}")
    assert (url.pace, url.rate) == (pace, rate)


def test_wires_and_faults() -> None:
    url = parse_url("emu://stm32f103c8?dtr=reset&faults=flip:0.001,drop:0.0005&seed=7")
    assert url.reset_line == "dtr"
    assert (url.faults, url.seed) == (FaultPlan(flip=0.001, drop=0.0005), 7)
    assert parse_url("emu://stm32f103c8?rts=reset").reset_line == "rts"
    plain = parse_url("emu://stm32f103c8")
    assert (plain.reset_line, plain.faults, plain.seed) == (None, FaultPlan(), 0)


@pytest.mark.parametrize(
    ("url", "value", "remedy"),
    [
        ("emu://", "emu://", "such as emu://stm32f103c8"),
        ("stm32f103c8", "stm32f103c8", "such as emu://stm32f103c8"),
        ("emu://stm32f4", "stm32f4", "there are: stm32f103c8"),
        ("emu://stm32f103c8?pace=fast", "fast", "there are: lockstep, realtime"),
        ("emu://stm32f103c8?speed=1", "speed", "there are: pace, rate, dtr, rts, faults, seed"),
        ("emu://stm32f103c8?rate=-1", "-1", "a number from 0"),
        ("emu://stm32f103c8?rate=nan", "nan", "a number from 0"),
        ("emu://stm32f103c8?rate=", "rate=", "a number from 0"),
        ("emu://stm32f103c8?rate=1e9", "1e9", "a number from 0 (as fast as it goes) to 1000"),
        ("emu://stm32f103c8?pace=lockstep&rate=1", "rate", "with pace=realtime only"),
        ("emu://stm32f103c8?dtr=boot", "dtr=boot", "there is: reset"),
        ("emu://stm32f103c8?dtr=reset&rts=reset", "dtr and rts", "one of them"),
        ("emu://stm32f103c8?faults=flop:1", "flop", "there are: drop, flip"),
        ("emu://stm32f103c8?faults=flip:1&seed=-1", "seed=-1", "a whole number"),
        ("emu://stm32f103c8?seed=1", "seed", "faults=flip:0.001&seed=7"),
        ("emu://[", "emu://[", "such as emu://stm32f103c8"),
        ("emu://stm32f103c8?rate=1&rate=2", "rate", "once"),
        ("emu://stm32f103c8/a#b.elf", "#", "%23"),
    ],
)
def test_error_names_value_and_remedy(url: str, value: str, remedy: str) -> None:
    with pytest.raises(BoardError) as caught:
        parse_url(url)
    assert value in str(caught.value)
    assert remedy in str(caught.value)


@settings(max_examples=200)
@given(
    url=st.one_of(
        st.text(),
        st.text().map("emu://".__add__),
        st.text().map("emu://stm32f103c8".__add__),
        st.text().map("emu://stm32f103c8?".__add__),
        st.text(alphabet="raterpc=&10.enlockstep%?#/[]dfusi:", max_size=30).map(
            "emu://stm32f103c8?r".__add__
        ),
    )
)
def test_any_text_is_a_url_or_a_board_error(url: str) -> None:
    with contextlib.suppress(BoardError):
        parse_url(url)
