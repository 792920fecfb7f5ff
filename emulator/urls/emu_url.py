"""The URL of an emulated board: `emu://PART[/path/to.elf][?pace=lockstep|realtime&rate=R]`."""

import enum
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from emulator.errors import BoardError
from emulator.part import Part
from emulator.parts import part_named

SCHEME = "emu"
RELATIVE = "/./"  # a path that starts so is relative to the working directory


class PaceKind(enum.Enum):
    """How virtual time and the host's time are related."""

    LOCKSTEP = "lockstep"  # the board runs only while somebody reads the port
    REALTIME = "realtime"  # a thread keeps the board at its clock


@dataclass(frozen=True, slots=True)
class EmuUrl:
    """What an emu:// URL asks for."""

    part: Part
    firmware: Path | None  # None: the loader that comes with this project
    pace: PaceKind = PaceKind.REALTIME
    rate: float = 1.0  # virtual seconds in a host's second; 0: as fast as it goes


def parse_url(url: str) -> EmuUrl:
    """Read an emu:// URL; BoardError names what is wrong with it and what would be right."""
    pieces = _split(url)
    if pieces.fragment:
        raise BoardError(f"{url!r}: write %23 for a # in the path")
    given = parse_qsl(pieces.query, keep_blank_values=True)
    options = dict(given)
    if len(options) < len(given):
        names = ", ".join(options)
        raise BoardError(f"an option is there twice in {url!r}; give {names} once")
    pace = _pace(options.pop("pace", PaceKind.REALTIME.value))
    rate = options.pop("rate", None)
    if options:
        unknown = ", ".join(sorted(options))
        raise BoardError(f"unknown option {unknown} in {url!r}; there are: pace, rate")
    if rate is not None and pace is PaceKind.LOCKSTEP:
        raise BoardError(f"rate goes with pace=realtime only, not with {url!r}")
    path = unquote(pieces.path)
    if path.startswith(RELATIVE):
        path = path.removeprefix("/")
    firmware = Path(path) if path.strip("/") else None
    return EmuUrl(part_named(pieces.netloc), firmware, pace, 1.0 if rate is None else _rate(rate))


def _split(url: str) -> SplitResult:
    try:
        pieces = urlsplit(url)
    except ValueError:  # brackets that hold no address
        pieces = None
    if pieces is None or pieces.scheme != SCHEME or not pieces.netloc:
        raise BoardError(f"{url!r} is not an emulated board's URL, such as emu://stm32f103c8")
    return pieces


def _pace(text: str) -> PaceKind:
    try:
        return PaceKind(text)
    except ValueError:
        known = ", ".join(kind.value for kind in PaceKind)
        raise BoardError(f"no pace {text!r}; there are: {known}") from None


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1000:
        raise BoardError(f"rate={text} is not a number from 0 (as fast as it goes) to 1000")
    return rate
