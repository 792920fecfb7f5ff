"""Virtual time: cycles, nanoseconds and timers."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from emulator.clock import Clock


def test_nanoseconds_follow_the_core_clock() -> None:
    clock = Clock(8_000_000)
    clock.skip_to(8)
    assert clock.ns == 1_000
    assert clock.cycle_at(1_000) == 8
    assert clock.cycle_at(1_001) == 9  # the first cycle that is not before it


def test_change_of_the_core_clock_counts_from_then_on() -> None:
    clock = Clock(8_000_000)
    clock.skip_to(8_000)
    clock.set_hz(72_000_000)
    assert clock.ns == 1_000_000
    clock.skip_to(8_000 + 72_000)
    assert clock.ns == 2_000_000
    assert clock.cycle_at(3_000_000) == 8_000 + 144_000


def test_a_third_of_a_megahertz_does_not_drift() -> None:
    clock = Clock(333_333)
    clock.skip_to(333_333_000)
    assert clock.ns == 1_000_000_000_000


def test_timers_expire_earliest_first_and_equals_in_order_of_making() -> None:
    clock, expired = Clock(1), list[tuple[str, int]]()

    def note(name: str) -> Callable[[int], None]:
        return lambda due: expired.append((name, due))

    timers = {name: clock.timer(note(name)) for name in ("first", "second", "third")}
    for name, cycle in {"third": 5, "second": 7, "first": 7}.items():
        timers[name].start_at(cycle)
    clock.skip_to(6)
    clock.expire_due()
    assert expired == [("third", 5)]
    clock.skip_to(100)
    clock.expire_due()
    assert expired == [("third", 5), ("first", 7), ("second", 7)]
    assert not any(timer.is_running for timer in timers.values())


def test_periods_are_exact_however_late_they_are_looked_at() -> None:
    clock, dues = Clock(1), list[int]()

    def again(due: int) -> None:
        dues.append(due)
        timer.start_at(due + 10)

    timer = clock.timer(again)
    timer.start(10)
    for cycle in (13, 14, 47, 50):
        clock.skip_to(cycle)
        clock.expire_due()
    assert dues == [10, 20, 30, 40, 50]


def test_stopped_timer_does_not_expire() -> None:
    clock, dues = Clock(1), list[int]()
    timer = clock.timer(dues.append)
    timer.start(10)
    timer.stop()
    clock.skip_to(20)
    clock.expire_due()
    assert dues == []


def test_new_timer_shortens_the_run() -> None:
    clock = Clock(1)
    clock.native.deadline = 1000
    clock.timer(lambda _: None).start(30)
    assert clock.native.deadline == 30
    clock.request_attention()
    assert clock.native.deadline == 0


def test_time_never_goes_back() -> None:
    clock = Clock(1)
    clock.skip_to(50)
    clock.skip_to(20)
    assert clock.cycles == 50


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(
                ["start_at", "start_at_ns", "stop", "set_hz", "skip", "keep", "restore"]
            ),
            st.integers(0, 3),
            st.integers(1, 1000),
        ),
        max_size=40,
    )
)
def test_next_due_is_the_earliest_timers_whatever_happened(
    steps: list[tuple[str, int, int]],
) -> None:
    clock = Clock(1_000_000)
    timers = [clock.timer(lambda _: None) for _ in range(4)]
    kept = clock.state()
    for action, n, number in steps:
        match action:
            case "start_at":
                timers[n].start_at(number)
            case "start_at_ns":
                timers[n].start_at_ns(number * 1000)
            case "stop":
                timers[n].stop()
            case "set_hz":
                clock.set_hz(number * 10_000)
            case "skip":
                clock.skip_to(number)
                clock.expire_due()
            case "keep":
                kept = clock.state()
            case _:
                clock.restore(kept)
        assert clock.next_due == min(timer.due for timer in timers)
