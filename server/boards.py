"""The connected board: one thread does all its I/O, everybody else hands that thread their work.

While nobody asks for anything the thread listens, so what the board's program prints gets into the
event log. A port that vanishes is noticed there, or by the request that finds it gone.

States: disconnected -> connected -> lost (the port vanished by itself) -> connected again.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

from server.device.commands import Device
from server.device.port import default_elf, open_port
from server.device.session import Session
from server.errors import BoardBusyError, NoElfError, NotConnectedError, PortError, ServerError
from server.events import LOG_TOPIC, EventLog
from server.jobs import Job, Report
from server.patch.compile import Toolchain
from server.patch.image import FirmwareImage, load_image

T = TypeVar("T")

UNEXPECTED = "an unexpected error; the server's log has the details"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Status:
    """What a client is told about the board at any time, without asking the board."""

    state: Literal["disconnected", "connected", "lost"]
    port: str | None = None
    baudrate: int | None = None
    elf: str | None = None
    firmware: str | None = None  # name and version, as the loader prints them
    toolchain: str = ""
    job: str | None = None  # the one that has the board
    error: str | None = None  # why the board is not connected


@dataclass(frozen=True, slots=True)
class Link:
    """An open board, as the thread that owns it sees it."""

    port: str
    baudrate: int
    elf: Path | None
    session: Session
    device: Device
    firmware: str
    maybe_image: FirmwareImage | None
    toolchain: Toolchain

    @property
    def image(self) -> FirmwareImage:
        """The firmware's ELF, for what cannot be done without."""
        if self.maybe_image is None:
            raise NoElfError(self.port)
        return self.maybe_image


def open_link(
    port: str,
    baudrate: int,
    elf: Path | None,
    toolchain: Toolchain,
    on_log: Callable[[str], None],
) -> Link:
    """Open a port and make sure that a loader answers on it."""
    elf = default_elf(port) if elf is None else elf.expanduser()
    image = None if elf is None else load_image(elf)  # before the board is disturbed
    session = Session(open_port(port, baudrate), on_log)
    try:
        device = Device(session)
        firmware = device.info().version
    except BaseException:
        session.close()
        raise
    return Link(port, baudrate, elf, session, device, firmware, image, toolchain)


class Board:
    """One board of the server. Its methods are called in the event loop and none of them blocks."""

    def __init__(
        self, log: EventLog, toolchain: Toolchain, toolchain_name: str, idle_poll_s: float = 0.005
    ) -> None:
        self._log = log
        self._toolchain = toolchain
        self._idle_poll_s = idle_poll_s
        self._link: Link | None = None  # changed by the thread only
        self._job: Job | None = None  # set in the loop, cleared by the thread
        self._stopping = False
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._status = self._none = Status("disconnected", toolchain=toolchain_name)
        self._thread = threading.Thread(target=self._serve, name="board", daemon=True)
        self._thread.start()

    def status(self) -> Status:
        job = self._job
        return replace(self._status, job=None if job is None else job.id)

    @property
    def image(self) -> FirmwareImage:
        """The firmware's ELF; immutable, so any thread may read it."""
        return self._connected().image

    async def connect(self, port: str, baudrate: int, elf: Path | None) -> Status:
        """Connect a board, in place of the one that is connected."""
        await self._post(lambda: self._connect(port, baudrate, elf))
        return self.status()

    async def disconnect(self) -> Status:
        await self._post(lambda: self._close(self._none))
        return self.status()

    async def use(self, work: Callable[[Link], T]) -> T:
        """Have the board's thread do something short with the board."""
        self._connected()
        return await self._post(lambda: self._attempt(work))

    def start(self, kind: str, work: Callable[[Link, Report], object]) -> Job:
        """Have the board's thread do a job; nobody else gets the board before its end."""
        self._refuse_when_busy()
        self._connected()
        job = self._job = Job(kind, self._log)

        def run() -> None:
            job.run(lambda report: self._attempt(lambda link: work(link, report)), self._release)

        self._work.put(run)
        return job

    def stop(self) -> None:
        """Stop the job at its next step, then the thread, and close the port."""
        self._stopping = True
        if (job := self._job) is not None:
            job.cancel()
        self._work.put(None)

    async def stopped(self, timeout_s: float) -> bool:
        """Wait until the port is closed; tell whether it is."""
        await asyncio.to_thread(self._thread.join, timeout_s)
        return not self._thread.is_alive()

    def _connected(self) -> Link:
        """Return the link, or say why there is none."""
        link = self._link
        if link is None:
            raise NotConnectedError(self._status.port, self._status.error)
        return link

    def _refuse_when_busy(self) -> None:
        if self._stopping:
            raise NotConnectedError(reason="the server is stopping")
        if (job := self._job) is not None:
            raise BoardBusyError(job.id)

    async def _post(self, work: Callable[[], T]) -> T:
        self._refuse_when_busy()
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return  # whoever asked has gone
            try:
                result = work()
            except ServerError as error:
                future.set_exception(error)
            except Exception:  # the thread's edge: it must go on
                logger.exception("a request to the board failed unexpectedly")
                future.set_exception(ServerError(UNEXPECTED))
            else:
                future.set_result(result)

        self._work.put(run)
        return await asyncio.wrap_future(future)

    # What follows runs in the board's thread.

    def _serve(self) -> None:
        while (work := self._next()) is not None:
            work()
        self._close(self._none)

    def _next(self) -> Callable[[], None] | None:
        """Wait for the next piece of work, listening to the board meanwhile."""
        while (link := self._link) is not None:
            started = time.monotonic()
            try:
                link.session.poll(self._idle_poll_s)
            except PortError as error:
                self._lose(str(error))
                break
            except Exception:  # the thread's edge: it must go on
                logger.exception("listening to the board failed unexpectedly")
                self._lose(UNEXPECTED)
                break
            # A poll that came back early leaves the rest of its time to wait for work in. An
            # emulated board in lockstep, which takes no time to listen to, thus runs at a human
            # pace, and a board that prints without pause does not keep requests waiting.
            rest_s = self._idle_poll_s - (time.monotonic() - started)
            try:
                return self._work.get(timeout=max(0.0, rest_s))
            except queue.Empty:
                continue
        return self._work.get()

    def _connect(self, port: str, baudrate: int, elf: Path | None) -> None:
        self._close(self._none)
        try:
            link = open_link(port, baudrate, elf, self._toolchain, self._heard)
        except ServerError as error:
            self._status = replace(self._none, error=str(error))
            raise
        self._link = link
        self._status = replace(
            self._none,
            state="connected",
            port=port,
            baudrate=baudrate,
            elf=None if link.elf is None else str(link.elf),
            firmware=link.firmware,
        )

    def _attempt(self, work: Callable[[Link], T]) -> T:
        link = self._connected()
        try:
            return work(link)
        finally:
            if (lost := link.session.lost) is not None:
                self._lose(str(lost))

    def _lose(self, reason: str) -> None:
        """Remember that the port vanished, and why."""
        self._close(replace(self._status, state="lost", error=reason))
        logger.warning("connection lost: %s", reason)
        self._log.append("warning", {"message": f"connection lost: {reason}"}, LOG_TOPIC)

    def _close(self, status: Status) -> None:
        link, self._link, self._status = self._link, None, status
        if link is not None:
            link.session.close()

    def _heard(self, text: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._log.append("log", {"text": text, "time": now}, LOG_TOPIC)

    def _release(self) -> None:
        self._job = None
