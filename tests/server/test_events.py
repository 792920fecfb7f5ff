import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.burst import MAX_SEND, Burst
from server.events import EventLog, WakeUp


def numbers(log: EventLog, cursor: int) -> list[int]:
    return [event.number for event in log.after(cursor).events]


def filled(count: int, max_events: int = 100, max_bytes: int = 1 << 20) -> EventLog:
    log = EventLog(max_events, max_bytes)
    for n in range(count):
        log.append("log", {"text": str(n)}, "log")
    return log


def test_wire_form_has_id_name_and_one_line_of_json_that_repeats_the_name() -> None:
    log = EventLog()
    event = log.append("log", {"text": "a\nb"}, "log")
    expected = f'id: {log.boot}:1\nevent: log\ndata: {{"type":"log","text":"a\\nb"}}\n\n'
    assert event.wire == expected.encode()


def test_cursor_is_followed_by_exactly_the_later_events() -> None:
    assert numbers(filled(5), 2) == [3, 4, 5]
    assert numbers(filled(5), 5) == []


def test_page_is_limited_and_its_cursor_leads_to_the_rest() -> None:
    log = filled(5)
    page = log.after(0, limit=3)
    assert ([e.number for e in page.events], page.cursor, page.gap) == ([1, 2, 3], 3, False)
    assert numbers(log, page.cursor) == [4, 5]


def test_eviction_by_count_keeps_the_newest_and_shows_the_gap() -> None:
    log = filled(10, max_events=4)
    page = log.after(2)
    assert page.gap
    assert [event.number for event in page.events] == [7, 8, 9, 10]
    assert not log.after(6).gap


def test_eviction_by_bytes_keeps_the_newest_event_even_if_it_is_too_large() -> None:
    log = filled(10, max_bytes=1)
    assert numbers(log, 0) == [10]


def test_tail_is_followed_by_the_last_events_of_the_topic() -> None:
    log = EventLog()
    for topic in ["log", "job", "log", "job", "log", "job"]:
        log.append("x", {}, topic)
    assert log.tail("log", 2) == 2
    assert log.tail("log", 9) == 0
    assert log.tail("nothing", 1) == 0


def test_tail_of_an_evicted_start_leaves_no_gap() -> None:
    log = filled(10, max_events=4)
    assert not log.after(log.tail("log", 100)).gap


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("otherboot:1", id="another boot"),
        pytest.param("{boot}:6", id="in the future"),
        pytest.param("{boot}:-1", id="negative"),
        pytest.param("{boot}:²", id="not ASCII"),
        pytest.param("{boot}:" + "9" * 5000, id="very long"),
        pytest.param("{boot}", id="no number"),
        pytest.param("garbage", id="garbage"),
        pytest.param("", id="empty"),
    ],
)
def test_foreign_cursor_is_not_one_of_the_log(text: str) -> None:
    log = filled(5)
    assert log.cursor(text.format(boot=log.boot)) is None


def test_own_cursor_survives_the_way_to_the_client_and_back() -> None:
    log = filled(5)
    assert log.cursor(log.event_id(3)) == 3


def test_appends_of_many_threads_are_numbered_without_gap_or_double() -> None:
    log = EventLog(max_events=10_000)

    def append_many() -> None:
        for _ in range(500):
            log.append("log", {}, "log")

    threads = [threading.Thread(target=append_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.number for event in log.after(0, 10_000).events] == list(range(1, 2001))


def test_two_followers_of_one_wake_up_both_get_every_event() -> None:
    """failures 35: one of two listeners lagged, and entries in between were lost."""
    total = 300
    wake_up = WakeUp()
    log = EventLog(on_append=wake_up.fire)

    async def scenario() -> list[list[int]]:
        wake_up.bind(asyncio.get_running_loop())
        seen: list[list[int]] = [[], []]
        done = asyncio.Event()

        def follow(mine: list[int], limit: int) -> None:
            while (page := log.after(mine[-1] if mine else 0, limit)).events:
                mine += [event.number for event in page.events]
            if all(len(one) == total for one in seen):
                done.set()

        wake_up.listen(lambda: follow(seen[0], 256))
        wake_up.listen(lambda: follow(seen[1], 3))
        await asyncio.to_thread(lambda: [log.append("log", {"n": n}, "log") for n in range(total)])
        async with asyncio.timeout(5):
            await done.wait()
        return seen

    assert asyncio.run(scenario()) == [list(range(1, total + 1))] * 2


def test_append_without_a_running_server_wakes_nobody_and_fails_nothing() -> None:
    wake_up = WakeUp()
    EventLog(on_append=wake_up.fire).append("log", {}, "log")
    wake_up.bind(None)
    EventLog(on_append=wake_up.fire).append("log", {}, "log")


# --- What followers are sent at a wake-up -------------------------------------------------------


@given(
    topics=st.lists(st.sampled_from(["one", "two"]), max_size=12),
    size=st.sampled_from([1, MAX_SEND // 4]),
    ends=st.booleans(),
    kept=st.integers(4, 12),
    cursor=st.integers(0, 12),
)
def test_burst_has_all_that_follows_a_cursor_or_leaves_it_to_the_stream(
    topics: list[str], size: int, ends: bool, kept: int, cursor: int
) -> None:
    log = EventLog(max_events=kept, max_bytes=1 << 20)
    events = [log.append("end" if ends else "log", {"text": "x" * size}, of) for of in topics]
    cursor = min(cursor, len(events))
    dropped = cursor < len(events) - kept
    burst = Burst(log)
    for topic in (None, "one", "two"):
        mine = [event for event in events[cursor:] if topic in {None, event.topic}]
        body = b"".join(event.wire for event in mine)
        is_over = ends and topic is not None and bool(mine)
        news = burst.after(cursor, topic)
        if dropped or is_over or len(body) > MAX_SEND:
            assert news is None  # a reset, an end, a pause: not alike for all
        else:
            assert news is not None
            assert (news.body, news.cursor) == (body, len(events))
            assert news.chunk == b"%x\r\n" % len(body) + body + b"\r\n"
            assert burst.after(cursor, topic) is news
