"""Messages of a compiler, as text in, data out."""

import re

from server.errors import Diagnostic

# `patch.c:3:5: error: …` of clang and gcc; gcc leaves the column out where it knows none.
MESSAGE = re.compile(
    r"^(?P<file>[^\n]+?):(?P<line>[0-9]{1,9}):(?:(?P<column>[0-9]{1,9}):)? "
    r"(?P<severity>fatal error|error|warning|note): (?P<text>[^\n]*)$",
    re.MULTILINE,
)


def parse_diagnostics(stderr: str) -> list[Diagnostic]:
    """Return the messages that point at a place, in their order; notes follow what they explain."""
    return [
        Diagnostic(
            file=match["file"],
            line=int(match["line"]),
            column=int(match["column"] or 0),
            severity=match["severity"].removeprefix("fatal "),
            text=match["text"],
        )
        for match in MESSAGE.finditer(stderr)
    ]
