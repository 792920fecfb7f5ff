"""A board: one thread does all its I/O, everybody else hands that thread their work.

While nobody asks for anything the thread listens, so what the board's program prints gets into the
event log. A port that vanishes is noticed there, or by the request that finds it gone.

States: disconnected -> connected -> lost (the port vanished by itself) -> connected again, which
the thread tries by itself if that was asked for.

A board that was reset has lost its patches. It is asked for them when it prints what boards print
at their start, when it was idle for a while, and by whatever else asks for its slots.
"""

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

from server.applied import BANNER, AppliedPatches, LostPatch
from server.errors import (
    BoardBusyError,
    DeviceError,
    InDoubtError,
    NotConnectedError,
    PortError,
    ServerError,
)
from server.events import BOARDS_TOPIC, EventLog, log_topic
from server.jobs import Job
from server.link import Link, Target, open_link
from server.logs import board_id
from server.patch.compile import Toolchain
from server.patch.image import FirmwareImage
from server.store import Spot, Store
from server.work import Report

T = TypeVar("T")

RECONNECT_S = 0.25  # between two looks for a port that vanished
STOPPING = "the server is stopping"
UNEXPECTED = "an unexpected error; the server's log has the details"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Status:
    """What a client is told about the board at any time, without asking the board."""

    board: str  # its id
    state: Literal["disconnected", "connected", "lost"]
    port: str | None = None
    baudrate: int | None = None
    elf: str | None = None
    firmware: str | None = None  # name and version, as the loader prints them
    toolchain: str = ""
    job: str | None = None  # the one that has the board
    doubt: str | None = None  # the job that may have left anything on the board
    error: str | None = None  # why the board is not connected
    reconnect: bool = False  # when the port comes back
    lost_patches: list[LostPatch] = field(default_factory=list[LostPatch])


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
        self._looked = 0.0  # when the board was asked last
        self._may_have_reset = False
        self._link: Link | None = None  # changed by the thread only
        self._job: Job | None = None  # set in the loop, cleared by the thread
        self._stopping = False
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._connecting = 0  # requests to connect that are under way
        self._status = self._none = Status(name, "disconnected", toolchain=toolchain_name)
        self._thread = threading.Thread(target=self._serve, name=f"board {name}", daemon=True)
        self._thread.start()

    def status(self) -> Status:
        job, status = self._job, self._status
        doubt = None if status.port is None else self._store.doubt(Spot(status.port, self.id))
        if job is not None and doubt == job.id:
            doubt = None  # it will say itself
        return replace(status, job=None if job is None else job.id, doubt=doubt)

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
            await self._post(lambda: self._connect(target))
        finally:
            self._connecting -= 1
        return self.status()

    async def disconnect(self) -> Status:
        self.refuse_when_busy()
        await self._post(self._disconnect)
        return self.status()

    async def use(self, work: Callable[[Link], T]) -> T:
        """Have the board's thread do something short with the board."""
        self.refuse_when_busy()
        self.connected()
        return await self._post(lambda: self._attempt(work))

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

        self._work.put(run)

    async def connect_for_job(self, target: Target) -> None:
        await self._post(lambda: self._connect(target))

    async def disconnect_for_job(self) -> None:
        await self._post(self._disconnect)

    async def use_for_job(self, work: Callable[[Link], T]) -> T:
        return await self._post(lambda: self._attempt(work))

    def release(self, job: Job) -> None:
        """Let others have the board; from any thread."""
        if self._job is job:
            self._job = None
            self.tell()

    def stop(self) -> None:
        """Stop the thread after what it has to do, and close the port."""
        self._stopping = True
        self._work.put(None)

    async def stopped(self, timeout_s: float) -> bool:
        """Wait until the port is closed; tell whether it is."""
        await asyncio.to_thread(self._thread.join, timeout_s)
        return not self._thread.is_alive()

    def connected(self) -> Link:
        """Return the link, or say why there is none."""
        link = self._link
        if link is None:
            raise NotConnectedError(self._status.port, self._status.error)
        return link

    def refuse_when_busy(self) -> None:
        """Refuse whoever comes while a job has the board."""
        if self._stopping:
            raise NotConnectedError(reason=STOPPING)
        if (job := self._job) is not None:
            raise BoardBusyError(job.id)

    async def _post(self, work: Callable[[], T]) -> T:
        if self._stopping:
            raise NotConnectedError(reason=STOPPING)
        future: Future[T] = Future()
        context = copy_context()  # whose job it is, for the log

        def run() -> None:
            board_id.set(self.id)
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

        self._work.put(lambda: context.run(run))
        return await asyncio.wrap_future(future)

    # What follows runs in the board's thread.

    def _serve(self) -> None:
        board_id.set(self.id)
        while (work := self._next()) is not None:
            work()
        self._close(self._none)

    def _next(self) -> Callable[[], None] | None:
        """Wait for the next piece of work, listening to the board meanwhile."""
        while True:
            if (link := self._link) is not None:
                wait_s = self._listen(link)
            elif self._status.state == "lost" and self._status.reconnect:
                wait_s = RECONNECT_S
                self._connect_again()
            else:
                return self._work.get()
            try:
                return self._work.get(timeout=wait_s)
            except queue.Empty:
                continue

    def _listen(self, link: Link) -> float:
        """Hear what the board prints; return how long to wait for work before listening again."""
        started = time.monotonic()
        try:
            link.session.poll(self._idle_poll_s)
            is_idle = bool(link.applied) and started - self._looked > self._idle_look_s
            if self._may_have_reset or is_idle:
                self._look(link)
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
        try:
            self._open(target, AppliedPatches())
        except ServerError as error:
            self._status = replace(self._none, error=str(error))
            self.tell()
            raise

    def _disconnect(self) -> None:
        self._forget()
        self.tell()

    def _forget(self) -> None:
        self._target = None
        self._close(self._none)
        self._store.disconnected(self.id)

    def _open(self, target: Target, applied: AppliedPatches) -> None:
        link = open_link(target, self._toolchain, self._heard, applied)
        self._link, self._target, self._applied = link, target, applied
        self._may_have_reset = False  # what it printed at its start was heard before it was asked
        self._status = replace(
            self._none,
            state="connected",
            port=link.port,
            baudrate=link.baudrate,
            elf=None if link.elf is None else str(link.elf),
            firmware=link.firmware,
            reconnect=target.reconnect,
            lost_patches=self._lost_of(link),
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
        link = self.connected()
        try:
            if self._may_have_reset:
                self._look(link)
            return work(link)
        finally:
            if (lost := link.session.lost) is not None:
                self._lose(str(lost))
            else:
                self._note_lost(link)

    def _look(self, link: Link) -> None:
        """Ask the board for its patches; one that does not answer says so when it is needed."""
        self._looked = time.monotonic()
        self._may_have_reset = False
        if link.applied:
            with contextlib.suppress(DeviceError):
                link.device.info()
        if link.session.lost is not None:
            raise link.session.lost
        self._note_lost(link)

    def _note_lost(self, link: Link) -> None:
        lost = self._lost_of(link)
        if lost != self._status.lost_patches:
            self._status = replace(self._status, lost_patches=lost)
            self.tell()

    def _lost_of(self, link: Link) -> list[LostPatch]:
        """Compare what was injected with what the board said of its slots last."""
        seen, known = link.device.seen, self._status.lost_patches
        lost = [] if seen is None else link.applied.lost(seen)
        if lost and lost != known:
            with contextlib.suppress(DeviceError):  # nothing guards the reply: it is asked twice
                lost = link.applied.lost(link.device.info())
        if lost and lost != known:
            names = ", ".join(patch.function for patch in lost)
            self._warn(f"the board was reset: the patches of {names} are gone; reapply them")
        return lost

    def _lose(self, reason: str) -> None:
        """Remember that the port vanished, and why."""
        self._close(replace(self._status, state="lost", error=reason))
        logger.warning("connection lost: %s", reason)
        self._warn(f"connection lost: {reason}")
        self.tell()

    def _close(self, status: Status) -> None:
        link, self._link, self._status = self._link, None, status
        self._may_have_reset = False
        if link is not None:
            link.session.close()

    def _warn(self, message: str) -> None:
        self._log.append("warning", {"board": self.id, "message": message}, log_topic(self.id))

    def _heard(self, text: str) -> None:
        self._may_have_reset = self._may_have_reset or BANNER.search(text) is not None
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"board": self.id, "text": text, "time": now}
        self._log.append("log", line, log_topic(self.id))
