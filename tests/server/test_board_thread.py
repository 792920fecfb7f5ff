"""A board's thread: what it is handed is done, and without waiting where there is more of it."""

import asyncio

from server.board_thread import BoardThread


def test_work_that_is_there_is_done_before_the_board_is_listened_to() -> None:
    done: list[str] = []

    def listen() -> float:
        done.append("listened")
        return 60

    thread = BoardThread("b1", listen, lambda: None, lambda: done.append("closed"))
    thread.put(lambda: done.append("first"))
    thread.put(lambda: done.append("second"))
    thread.stop()
    thread.start()
    assert asyncio.run(thread.stopped(60))
    assert done == ["first", "second", "closed"]
