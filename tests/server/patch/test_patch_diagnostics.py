import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import Diagnostic
from server.patch.diagnostics import parse_diagnostics

CLANG = """\
patch.c:1:34: error: use of undeclared identifier 'y'
    1 | int f(void){ int x = "a"; return y; }
      |                                  ^
patch.c:2:2: warning: hi [-W#warnings]
patch.c:3:20: note: to match this '{'
1 warning and 1 error generated.
"""
GCC = """\
patch.c: In function 'f':
patch.c:1:10: fatal error: x.h: No such file or directory
    1 | #include "x.h"
      |          ^~~~~
compilation terminated.
patch.c:5: error: expected '{' at end of input
cc1: warning: something about itself
"""


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        pytest.param(
            CLANG,
            [
                Diagnostic("patch.c", 1, 34, "error", "use of undeclared identifier 'y'"),
                Diagnostic("patch.c", 2, 2, "warning", "hi [-W#warnings]"),
                Diagnostic("patch.c", 3, 20, "note", "to match this '{'"),
            ],
            id="clang",
        ),
        pytest.param(
            GCC,
            [
                Diagnostic("patch.c", 1, 10, "error", "x.h: No such file or directory"),
                Diagnostic("patch.c", 5, 0, "error", "expected '{' at end of input"),
            ],
            id="gcc",
        ),
        pytest.param("", [], id="nothing"),
    ],
)
def test_messages_become_data(stderr: str, expected: list[Diagnostic]) -> None:
    assert parse_diagnostics(stderr) == expected


LINE = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=30)
DIAGNOSTIC = st.builds(
    Diagnostic,
    file=st.from_regex(r"[A-Za-z][\w .-]{0,10}\.c", fullmatch=True),
    line=st.integers(1, 99_999),
    column=st.integers(0, 999),
    severity=st.sampled_from(["error", "warning", "note"]),
    text=LINE,
)


@given(st.lists(st.tuples(DIAGNOSTIC, LINE)))
def test_messages_between_excerpts_are_all_found(messages: list[tuple[Diagnostic, str]]) -> None:
    stderr = ""
    for message, excerpt in messages:
        column = f"{message.column}:" if message.column else ""
        stderr += f"{message.file}:{message.line}:{column} {message.severity}: {message.text}\n"
        stderr += f"    1 | {excerpt.replace(':', ' ')}\n"
    assert parse_diagnostics(stderr) == [message for message, _ in messages]
