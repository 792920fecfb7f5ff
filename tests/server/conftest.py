"""What the server's tests share."""

from collections.abc import Iterator

import pytest

from server.settings import Settings
from tests.server.serving import Running, serve_in_thread


@pytest.fixture(scope="session")
def idle_server() -> Iterator[Running]:
    """A server without a board, for tests that change nothing in it."""
    with serve_in_thread(Settings()) as running:
        yield running
