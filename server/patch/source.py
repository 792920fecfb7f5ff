"""Which function of the firmware a patch replaces, as far as the source's text says so.

    /* FPB_INJECT */
    uint32_t blink_period_ms(void) { return 100; }

The text is scanned, not parsed: the compiler has said already which functions there are, so what
looks like a definition counts only if the object file has a function of that name.
"""

import re
from collections.abc import Iterator, Sequence

from server.errors import RequestError, UnknownSymbolError
from server.patch.image import FirmwareImage, Symbol, close_names

TOKEN = re.compile(  # comments, strings and characters
    r"//(?:\\\r?\n|[^\n])*|/\*.*?(?:\*/|\Z)"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'(?:\\.|[^'\\\n])*'",
    re.DOTALL,
)
DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\r?\n|[^\n])*", re.MULTILINE)
MARKER = re.compile(r"/[*/][\s*!/]*FPB_INJECT\b")
NAME = re.compile(r"\b[A-Za-z_]\w*")
# What may stand between parameters and body: attributes, and macros, which are in capitals.
SUFFIX = re.compile(r"\b(?:__attribute__|__asm__|__asm|asm|[A-Z_][A-Z0-9_]*)\b")
KEYWORDS = frozenset({"if", "for", "while", "switch", "sizeof", "__attribute__"})


def chosen_function(
    source: str, defined: Sequence[str], image: FirmwareImage, requested: str | None
) -> Symbol:
    """Return the function to replace.

    It is the requested one; else the one after the marker; else the only one that the source and
    the firmware both define. `defined` are the functions of the object file.
    """
    if requested is not None:
        symbol = image.function(requested)
        if requested not in defined:
            raise RequestError(f"the source does not define {requested}; {_defines(defined)}")
        return symbol
    if marked := marked_functions(source, defined):
        if len(marked) > 1:
            raise RequestError(
                f"{' and '.join(marked)} are marked with FPB_INJECT: say which one to replace"
            )
        return image.function(marked[0])
    shared = [n for n in defined if n in image.functions or n in image.ambiguous]
    if len(shared) > 1:
        raise RequestError(
            f"the firmware has {' and '.join(shared)}: say which one to replace,"
            " or put /* FPB_INJECT */ before it"
        )
    if not defined:
        raise RequestError("the source defines no function: write the one that shall be executed")
    if not shared:
        close = [name for own in defined for name in close_names(own, image.functions)]
        raise UnknownSymbolError(
            defined[0],
            close[:3],
            reason=f"the firmware has no such function; {_defines(defined)}",
        )
    return image.function(shared[0])


def marked_functions(source: str, defined: Sequence[str]) -> list[str]:
    """Return the functions defined next after each marker, each once."""
    markers = [match.end() for match in TOKEN.finditer(source) if MARKER.match(match[0])]
    definitions = [item for item in function_definitions(source) if item[1] in defined]
    marked: dict[str, None] = {}
    for marker in markers:
        after = [name for place, name in definitions if place >= marker]
        if not after:
            line = source.count("\n", 0, marker) + 1
            raise RequestError(
                f"no function is defined after the FPB_INJECT in line {line}; {_defines(defined)}"
            )
        marked[after[0]] = None
    return [*marked]


def function_definitions(source: str) -> Iterator[tuple[int, str]]:
    """Yield place and name of what looks like the definition of a function."""
    code = DIRECTIVE.sub(_blank, TOKEN.sub(_blank, source))
    for match in NAME.finditer(code):
        if match[0] not in KEYWORDS and _is_definition(code, match.end()):
            yield match.start(), match[0]


def _blank(token: re.Match[str]) -> str:
    return " " * len(token[0])  # a comment of several lines does not end a directive


def _is_definition(code: str, place: int) -> bool:
    """Say whether a name that ends here is followed by parameters and a body.

    A call is never followed by a brace.
    """
    place = _skip_blanks(code, place)
    if code[place : place + 1] == ")":  # int (name)(void)
        place = _skip_blanks(code, place + 1)
    place = _after_parentheses(code, place)
    if code[place : place + 1] == ")":  # int (*name(void))(int): it returns a pointer
        place = _after_parentheses(code, _skip_blanks(code, place + 1))
    while place > 0 and (word := SUFFIX.match(code, place)):
        place = _skip_blanks(code, word.end())
        if code[place : place + 1] == "(":
            place = _after_parentheses(code, place)
    return place > 0 and code[place : place + 1] == "{"


def _after_parentheses(code: str, place: int) -> int:
    """Return the place after the balanced parentheses that begin here; -1 if none do."""
    depth = 0
    if code[place : place + 1] != "(":
        return -1
    for match in re.compile(r"[()]").finditer(code, place):
        depth += 1 if match[0] == "(" else -1
        if depth == 0:
            return _skip_blanks(code, match.end())
    return -1


def _skip_blanks(code: str, place: int) -> int:
    while place < len(code) and code[place].isspace():
        place += 1
    return place


def _defines(defined: Sequence[str]) -> str:
    return f"it defines {', '.join(defined)}" if defined else "it defines no function"
