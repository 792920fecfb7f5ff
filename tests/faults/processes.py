"""Runs of a campaign in several processes; each has boards of its own."""

import functools
import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.faults.campaign import Campaign, Run

AT_ONCE = 2  # processes: with more of them, the machine is nobody else's any more
CHUNK = 10  # runs that a process takes at once

campaign = functools.cache(Campaign)  # of a process


def run(level: int, part: str, seed: int) -> Run:
    return campaign(level, part).run(seed)


def runs(level: int, part: str, seeds: range) -> Iterator[Run]:
    """Yield a run for each seed, in their order."""
    count = min(AT_ONCE, os.cpu_count() or 1)
    context = multiprocessing.get_context("spawn")  # an engine does not survive a fork
    deaf = (signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that shows the table
    with ProcessPoolExecutor(count, context, signal.signal, deaf) as pool:
        try:
            yield from pool.map(functools.partial(run, level, part), seeds, chunksize=CHUNK)
        finally:
            pool.shutdown(cancel_futures=True)
