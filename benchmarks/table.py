"""One line of a benchmark's output."""

from typing import NamedTuple


class Row(NamedTuple):
    """A figure with its unit, and what it is compared with."""

    name: str
    figure: str
    ratio: str = ""


def render(title: str, rows: list[Row]) -> str:
    lines = [f"{row.name:<44} {row.figure:>14}   {row.ratio}".rstrip() for row in rows]
    return "\n".join([title, *lines, ""])
