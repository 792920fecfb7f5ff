"""What a server is started with: every limit and deadline, so that a test can make them small."""

from dataclasses import dataclass
from pathlib import Path

from server.store import IN_MEMORY

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000
STATIC = Path(__file__).resolve().parent / "static"


@dataclass(frozen=True, slots=True)
class Settings:
    """One server's settings; they never change while it runs."""

    host: str = DEFAULT_HOST  # as given: a name or an address
    port: int = DEFAULT_PORT  # 0: any free one; `serve` puts the real one here before it starts
    token: str | None = None  # asked of everybody when set; needed to listen beyond loopback

    board: str | None = None  # port URL to connect at the start
    connect_first_s: float = 2.0  # for that, before the server answers anybody
    baudrate: int = 115200
    elf: Path | None = None  # None: what the port itself knows, which is nothing for a real board
    fragment: int | None = None  # bytes written to the port at once; None: whole lines
    reconnect: bool = False  # connect it again by itself when its port vanished and came back
    toolchain: str = "zig"

    data: Path = IN_MEMORY  # folder of the jobs' journal
    keep_jobs: int = 1000  # in the journal
    max_boards: int = 16

    static: Path = STATIC
    max_body: int = 1 << 20  # bytes of a request
    request_timeout_s: float = 10.0  # for a request's head to arrive, and for its body
    max_streams: int = 32
    log_events: int = 4096  # kept in memory for clients that come back
    log_bytes: int = 4 << 20
    replay_lines: int = 200  # of the board's output, to a client that comes for the first time

    heartbeat_s: float = 10.0  # silence after which a stream says that it is alive
    send_timeout_s: float = 10.0  # a client that takes nothing for so long is cut off
    idle_poll_s: float = 0.005  # how long the board's thread listens before it looks for requests
    idle_look_s: float = 5.0  # and when it looks whether an idle board still has its patches
    grace_s: int = 1  # for requests in flight when the server stops
