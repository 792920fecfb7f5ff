"""What all tests have in common."""

import os

from hypothesis import settings

settings.register_profile("fpbay", deadline=None)  # a host may be busy
settings.load_profile("fpbay")


def pytest_xdist_auto_num_workers() -> int:
    """Return how many tests run side by side: a third of a test's time is waiting."""
    return max(1, (os.cpu_count() or 1) * 3 // 2)
