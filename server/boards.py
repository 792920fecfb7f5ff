"""A board: one thread does all its I/O, everybody else hands that thread their work.

While nobody asks for anything the thread listens, so what the board's program prints gets into the
event log. A port that vanishes is noticed there, or by the request that finds it gone.

States: disconnected -> connecting -> connected -> lost (the port vanished by itself) -> connected
again, which the thread tries by itself if that was asked for.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from server.applied import AppliedPatches
from server.board_thread import UNEXPECTED, BoardThread
from server.errors import (
    BoardBusyError,
    ConnectingError,
    InDoubtError,
    NotConnectedError,
    PortError,
    ServerError,
)
from server.events import BOARDS_TOPIC, EventLog, log_topic
from server.jobs import Job
from server.link import Link, Target, open_link
from server.patch.compile import Toolchain
from server.patch.image import FirmwareImage
from server.reset_watch import ResetWatch
from server.status import Status
from server.store import Spot, Store
from server.work import Report

T = TypeVar("T")

RECONNECT_S = 0.25  # between two looks for a port that vanished

logger = logging.getLogger(__name__)


class Board:
    """One board of the server. Its methods are called in the event loop and none of them blocks."""

    def __init__(
        self,
        name: str,
        log: EventLog,
        store: Store,
        toolchain: Toolchain,
        toolchain_name: str,
        idle_poll_s: float = 0.005,
        idle_look_s: float = 5.0,
    ) -> None:
        self.id = name
        self._log = log
        self._store = store
        self._toolchain = toolchain
        self._idle_poll_s = idle_poll_s  # how long to listen before looking for work
        self._idle_look_s = idle_look_s  # and before looking whether the patches are there
        self._target: Target | None = None  # changed by the thread only, like all that follow
        self._applied = AppliedPatches()
        self._watch: ResetWatch | None = None  # of the connection, or of the one that was lost
        self._link: Link | None = None
        self._job: Job | None = None  # set in the loop, cleared by the thread
        self._connecting = 0  # requests to connect that are under way
        self._status = self._none = Status(name, "disconnected", toolchain=toolchain_name)
        self._thread = BoardThread(name, self._idle, self._wake, lambda: self._close(self._none))
        self._thread.start()

    def status(self) -> Status:
        job, watch, status = self._job, self._watch, self._status
        lost = [] if watch is None else watch.lost
        doubt = None if status.port is None else self._store.doubt(Spot(status.port, self.id))
        if job is not None and doubt == job.id:
            doubt = None  # it will say itself
        owner = None if job is None else job.id
        return replace(status, job=owner, doubt=doubt, lost_patches=lost)

    def tell(self) -> None:
        """Show the followers of everything how the board stands; from any thread."""
        self._log.append("board", {"board": self.status()}, BOARDS_TOPIC)

    @property
    def is_vacant(self) -> bool:
        """Whether another board may be connected in its place without anybody losing one."""
        return self._link is None and self._job is None and not self._connecting

    @property
    def is_unconnected(self) -> bool:
        return self._link is None

    @property
    def image(self) -> FirmwareImage:
        """The firmware's ELF; immutable, so any thread may read it."""
        return self.connected().image

    async def connect(self, target: Target) -> Status:
        """Connect a board, in place of the one that is connected."""
        self.refuse_when_busy()
        self._connecting += 1
        try:
            await self._thread.do(lambda: self._connect(target))
        finally:
            self._connecting -= 1
        return self.status()

    async def disconnect(self) -> Status:
        self.refuse_when_busy()
        await self._thread.do(self._disconnect)
        return self.status()

    async def use(self, work: Callable[[Link], T]) -> T:
        """Have the board's thread do something short with the board."""
        self.refuse_when_busy()
        self.connected()
        return await self._thread.do(lambda: self._attempt(work))

    def refuse_in_doubt(self, *, force: bool) -> None:
        """Refuse to write to a board that a job may have left in any state."""
        port = self._status.port
        if port is not None and not force:
            job = self._store.doubt(Spot(port, self.id))
            if job is not None:
                raise InDoubtError(port, job)

    # A job has the board to itself: who claims it does all the following, and releases it.

    def claim(self, job: Job) -> None:
        """Reserve the board for a job; nobody else gets it before its end."""
        self.refuse_when_busy()
        self._job = job

    def run(self, job: Job, work: Callable[[Link, Report], object]) -> None:
        """Have the board's thread do the whole of a job."""

        def run() -> None:
            job.run(
                lambda report: self._attempt(lambda link: work(link, report)),
                lambda: self.release(job),
            )

        self._thread.put(run)

    async def connect_for_job(self, target: Target) -> None:
        await self._thread.do(lambda: self._connect(target))

    async def disconnect_for_job(self) -> None:
        await self._thread.do(self._disconnect)

    async def use_for_job(self, work: Callable[[Link], T]) -> T:
        return await self._thread.do(lambda: self._attempt(work))

    def release(self, job: Job) -> None:
        """Let others have the board; from any thread."""
        if self._job is job:
            self._job = None
            self.tell()

    def stop(self) -> None:
        """Stop the thread after what it has to do, and close the port."""
        self._thread.stop()

    async def stopped(self, timeout_s: float) -> bool:
        """Wait until the port is closed; tell whether it is."""
        return await self._thread.stopped(timeout_s)

    def connected(self) -> Link:
        """Return the link, or say why there is none."""
        link = self._link
        if link is None and self._status.state == "connecting":
            raise ConnectingError(self._status.port)
        if link is None:
            raise NotConnectedError(self._status.port, self._status.error)
        return link

    def refuse_when_busy(self) -> None:
        """Refuse whoever comes while a job has the board."""
        self._thread.refuse_when_stopping()
        if (job := self._job) is not None:
            raise BoardBusyError(job.id)

    def _wake(self) -> None:
        """Have the thread look for work; it may be listening to the board."""
        if (link := self._link) is not None:
            link.session.wake()

    # What follows runs in the board's thread.

    def _idle(self) -> float | None:
        """Listen to the board while nobody wants anything of it; see server.board_thread."""
        if (link := self._link) is not None and (watch := self._watch) is not None:
            return self._listen(link, watch)
        if self._status.state == "lost" and self._status.reconnect:
            self._connect_again()
            return RECONNECT_S
        return None

    def _listen(self, link: Link, watch: ResetWatch) -> float:
        """Hear what the board prints; return how long to wait for work before listening again."""
        started = time.monotonic()
        try:
            link.session.poll(self._idle_poll_s)
            if watch.is_due or watch.is_idle(self._idle_look_s):
                watch.look()
        except PortError as error:
            self._lose(str(error))
        except Exception:  # the thread's edge: it must go on
            logger.exception("listening to the board failed unexpectedly")
            self._lose(UNEXPECTED)
        # A poll that came back early leaves the rest of its time to wait for work in. An
        # emulated board in lockstep, which takes no time to listen to, thus runs at a human
        # pace, and a board that prints without pause does not keep requests waiting.
        return max(0.0, self._idle_poll_s - (time.monotonic() - started))

    def _connect(self, target: Target) -> None:
        self._forget()
        self._status = replace(self._none, state="connecting", port=target.port)
        self.tell()
        try:
            self._open(target, AppliedPatches())
        except Exception as error:
            known = isinstance(error, ServerError)
            self._status = replace(self._none, error=str(error) if known else UNEXPECTED)
            self.tell()
            raise

    def _disconnect(self) -> None:
        self._forget()
        self.tell()

    def _forget(self) -> None:
        self._store.disconnected(self.id)  # which may fail: then it stays connected
        self._target = self._watch = None
        self._close(self._none)

    def _open(self, target: Target, applied: AppliedPatches) -> None:
        link = open_link(target, self._toolchain, self._heard, applied)
        known = [] if self._watch is None else self._watch.lost
        self._watch = ResetWatch(link, known, self._warn, self.tell)
        self._link, self._target, self._applied = link, target, applied
        self._status = replace(
            self._none,
            state="connected",
            port=link.port,
            baudrate=link.baudrate,
            elf=None if link.elf is None else str(link.elf),
            firmware=link.firmware,
            reconnect=target.reconnect,
        )
        logger.info("connected to %s: %s", link.port, link.firmware)
        self.tell()

    def _connect_again(self) -> None:
        """Try whether the port that vanished is back."""
        target = self._target
        if target is None or (target.port.startswith("/") and not Path(target.port).exists()):
            return
        try:
            self._open(target, self._applied)
        except ServerError as error:
            self._status = replace(self._status, error=str(error))
        else:
            self._warn(f"connected to {target.port} again")

    def _attempt(self, work: Callable[[Link], T]) -> T:
        link, watch = self.connected(), self._watch
        try:
            if watch is not None and watch.is_due:
                watch.look()
            return work(link)
        finally:
            if (lost := link.session.lost) is not None:
                self._lose(str(lost))
            elif watch is not None:
                watch.note()

    def _lose(self, reason: str) -> None:
        """Remember that the port vanished, and why."""
        self._close(replace(self._status, state="lost", error=reason))
        logger.warning("connection lost: %s", reason)
        self._warn(f"connection lost: {reason}")
        self.tell()

    def _close(self, status: Status) -> None:
        link, self._link, self._status = self._link, None, status
        if link is not None:
            link.session.close()

    def _warn(self, message: str) -> None:
        self._log.append("warning", {"board": self.id, "message": message}, log_topic(self.id))

    def _heard(self, text: str) -> None:
        if self._watch is not None:
            self._watch.hear(text)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"board": self.id, "text": text, "time": now}
        self._log.append("log", line, log_topic(self.id))
