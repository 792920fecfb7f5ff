"""The URL of an emulated board: `emu://PART[/path/to.elf][?OPTION=VALUE&...]`; see OPTIONS."""

import enum
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from emulator.errors import BoardError
from emulator.faults import NO_FAULTS, FaultPlan
from emulator.link import RESET_LINES
from emulator.part import Part
from emulator.parts import part_named

SCHEME = "emu"
OPTIONS = ("pace", "rate", "dtr", "rts", "faults", "seed")
MAX_DIGITS = 20  # of a seed
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
    reset_line: str | None = None  # the modem line that resets the board: dtr, rts or none
    faults: FaultPlan = NO_FAULTS
    seed: int = 0  # of the faults


def parse_url(url: str) -> EmuUrl:
    """Read an emu:// URL; BoardError names what is wrong with it and what would be right."""
    pieces = _split(url)
    if pieces.fragment:
        raise BoardError(f"{url!r}: write %23 for a # in the path")
    options = _options(url, pieces.query)
    pace = _pace(options.get("pace", PaceKind.REALTIME.value))
    if "rate" in options and pace is PaceKind.LOCKSTEP:
        raise BoardError(f"rate goes with pace=realtime only, not with {url!r}")
    if "seed" in options and "faults" not in options:
        raise BoardError(f"seed goes with faults only, as in faults=flip:0.001&seed=7, not {url!r}")
    path = unquote(pieces.path)
    if path.startswith(RELATIVE):
        path = path.removeprefix("/")
    return EmuUrl(
        part=part_named(pieces.netloc),
        firmware=Path(path) if path.strip("/") else None,
        pace=pace,
        rate=_rate(options.get("rate", "1")),
        reset_line=_reset_line(options),
        faults=FaultPlan.parse(options.get("faults", "")),
        seed=_seed(options.get("seed", "0")),
    )


def _options(url: str, query: str) -> dict[str, str]:
    given = parse_qsl(query, keep_blank_values=True)
    options = dict(given)
    if len(options) < len(given):
        names = ", ".join(options)
        raise BoardError(f"an option is there twice in {url!r}; give {names} once")
    unknown = ", ".join(sorted(set(options) - set(OPTIONS)))
    if unknown:
        raise BoardError(f"unknown option {unknown} in {url!r}; there are: {', '.join(OPTIONS)}")
    return options


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


def _reset_line(options: dict[str, str]) -> str | None:
    """Return the line that `dtr=reset` or `rts=reset` wires to reset."""
    wired = [name for name in RESET_LINES if name in options]
    for name in wired:
        if options[name] != "reset":
            raise BoardError(f"{name}={options[name]} is nothing to wire it to; there is: reset")
    if len(wired) > 1:
        raise BoardError("dtr and rts both wired to reset; give one of them")
    return next(iter(wired), None)


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < MAX_DIGITS):
        raise BoardError(f"seed={text} is not a whole number of less than {MAX_DIGITS} digits")
    return int(text)
