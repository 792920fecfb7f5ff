from collections.abc import Iterator

import pytest
import serial

from server.device.commands import Device
from server.device.session import Session
from tests.server.device.far_end import BAUDRATE, FarEnd


@pytest.fixture
def far_end() -> Iterator[FarEnd]:
    far_end = FarEnd()
    yield far_end
    far_end.close()


@pytest.fixture
def log() -> list[str]:
    """Lines that the session handed on."""
    return []


@pytest.fixture
def session(far_end: FarEnd, log: list[str]) -> Iterator[Session]:
    with Session(serial.serial_for_url(far_end.port, BAUDRATE), log.append) as session:
        yield session


@pytest.fixture
def impatient(far_end: FarEnd, log: list[str]) -> Iterator[Session]:
    """A session for boards that are silent for good."""
    port = serial.serial_for_url(far_end.port, BAUDRATE)
    with Session(port, log.append, timeout_s=0.05) as session:
        yield session


@pytest.fixture
def device(session: Session) -> Device:
    return Device(session)
