import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import NotPatchableError, RequestError, UnknownSymbolError
from server.patch.image import FirmwareImage
from server.patch.source import chosen_function, marked_functions

DEFINED = ["twice", "blink_period_ms", "own"]


def test_requested_function_is_chosen_whatever_is_marked(image: FirmwareImage) -> None:
    source = "/* FPB_INJECT */ int twice(int a) { return a; }"
    assert chosen_function(source, DEFINED, image, "blink_period_ms").name == "blink_period_ms"


def test_requested_function_must_be_defined(image: FirmwareImage) -> None:
    with pytest.raises(RequestError, match="does not define main; it defines twice"):
        chosen_function("", DEFINED, image, "main")


def test_requested_function_must_be_in_the_firmware(image: FirmwareImage) -> None:
    with pytest.raises(UnknownSymbolError, match="own: the firmware has no such function"):
        chosen_function("", DEFINED, image, "own")


def test_only_function_that_the_firmware_has_too_is_chosen(image: FirmwareImage) -> None:
    assert chosen_function("", ["own", "twice"], image, None).name == "twice"


def test_two_functions_of_the_firmware_need_a_choice(image: FirmwareImage) -> None:
    with pytest.raises(RequestError, match="twice and blink_period_ms: say which"):
        chosen_function("", DEFINED, image, None)


def test_no_function_of_the_firmware_is_an_error_with_close_names(image: FirmwareImage) -> None:
    with pytest.raises(UnknownSymbolError, match="it defines blink_period") as caught:
        chosen_function("", ["blink_period"], image, None)
    assert caught.value.close == ["blink_period_ms"]


def test_source_without_functions_is_an_error(image: FirmwareImage) -> None:
    with pytest.raises(RequestError, match="the source defines no function"):
        chosen_function("", [], image, None)


def test_ambiguous_function_cannot_be_chosen(image: FirmwareImage) -> None:
    with pytest.raises(UnknownSymbolError, match="several of that name"):
        chosen_function("", ["helper"], image, None)


def test_function_in_ram_cannot_be_chosen(image: FirmwareImage) -> None:
    with pytest.raises(NotPatchableError):
        chosen_function("", ["in_ram"], image, None)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("/* FPB_INJECT */\nint twice(int a) { }", id="block comment"),
        pytest.param("// FPB_INJECT\nint twice(int a) { }", id="line comment"),
        pytest.param("/*FPB_INJECT: slower*/int twice(int a){}", id="with a remark"),
        pytest.param("/**\n * FPB_INJECT\n */\nint twice(int a) { }", id="documentation"),
        pytest.param("int own(int a) { }\n// FPB_INJECT\nint twice(int a) { }", id="second"),
        pytest.param("// FPB_INJECT\nint twice(int a);\nint twice(int a) { }", id="prototype"),
        pytest.param(
            "// FPB_INJECT\nint own() __attribute__((weak));\nint twice(int a) { }\nint own() {}",
            id="prototype of another with attributes",
        ),
        pytest.param(
            '// FPB_INJECT\n__attribute__((noinline, section("x{")))\nint twice(int a) { }',
            id="attribute before",
        ),
        pytest.param("// FPB_INJECT\nint twice(int a) __attribute__((hot)) { }", id="and after"),
        pytest.param("// FPB_INJECT\nint (*twice(int a))(int) { }", id="returns a pointer"),
        pytest.param("// FPB_INJECT\nint (twice)(int a) { }", id="in parentheses"),
        pytest.param("// FPB_INJECT\nint twice(int (*f)(int), int b)\n{ }", id="takes a pointer"),
        pytest.param("// FPB_INJECT\n#define own(x) {\nint twice(int a) { }", id="macro"),
        pytest.param("// FPB_INJECT\nint x = sizeof(own(1)); int twice(int a) { }", id="call"),
        pytest.param("// FPB_INJECT\nint twice(int a)\n{ if (own(a)) { } }", id="calls another"),
        pytest.param("// FPB_INJECT\nint gone(int a) { }\nint twice(int a) { }", id="not compiled"),
        pytest.param("// FPB_INJECT\n/* int own(int a) { } */ int twice(int a) { }", id="comment"),
        pytest.param('// FPB_INJECT\nchar *s = "own(1) {"; int twice(int a) { }', id="string"),
        pytest.param("// FPB_INJECT\nchar c = '\"'; int twice(int a) { } // \"", id="quote"),
        pytest.param("// FPB_INJECT\nint twice(int a /* ) { */) { }", id="comment between"),
    ],
)
def test_marked_function_is_found(source: str) -> None:
    assert marked_functions(source, DEFINED) == ["twice"]


@pytest.mark.parametrize(
    "source",
    [
        pytest.param('char *s = "/* FPB_INJECT */"; int twice(int a) { }', id="string"),
        pytest.param("/* put FPB_INJECT before it */ int twice(int a) { }", id="mention"),
        pytest.param("/* FPB_INJECTED */ int twice(int a) { }", id="longer word"),
        pytest.param("int FPB_INJECT; int twice(int a) { }", id="identifier"),
        pytest.param('char *s = "\\"// FPB_INJECT"; int twice(int a) { }', id="escaped quote"),
    ],
)
def test_what_is_no_marker_marks_nothing(source: str) -> None:
    assert marked_functions(source, DEFINED) == []


def test_marker_with_nothing_after_it_is_an_error_with_its_line() -> None:
    with pytest.raises(RequestError, match="after the FPB_INJECT in line 2; it defines twice"):
        marked_functions("int twice(int a) { }\n// FPB_INJECT\n", ["twice"])


def test_two_marked_functions_need_a_choice(image: FirmwareImage) -> None:
    source = "// FPB_INJECT\nint own() {}\n// FPB_INJECT\nint twice(int a) {}"
    with pytest.raises(RequestError, match="own and twice are marked"):
        chosen_function(source, DEFINED, image, None)


def test_marked_function_must_be_in_the_firmware(image: FirmwareImage) -> None:
    with pytest.raises(UnknownSymbolError, match="own: "):
        chosen_function("// FPB_INJECT\nint own(void) { }\nint twice() { }", DEFINED, image, None)


NOISE = st.lists(
    st.sampled_from(
        [
            '"/* FPB_INJECT */ {"',
            "'{'",
            "'\\''",
            "/* own(1) { */",
            "// twice(2) {\n",
            "#define F(x) { own(x) {\n",
            "int x = own(1);",
            "{ }",
            "int own(int);",
            "\n",
            "/* two\nlines */#define G own(y) {\n",
            "#define H /* two\nlines */ own(y) {\n",
            "#define I \\\n own(y) {\n",
            "#error don't\n",
        ]
    ),
    max_size=8,
).map(" \n".join)


@given(before=NOISE, between=NOISE, after=NOISE)
def test_marker_is_found_whatever_strings_and_comments_hold(
    before: str, between: str, after: str
) -> None:
    source = f"{before}\n/* FPB_INJECT */{between}\nint twice(int a) {{ return a; }}\n{after}"
    assert marked_functions(source, DEFINED) == ["twice"]


@given(st.text(alphabet="ab(){}/*\"'\\\n# FPB_INJECT;", max_size=200))
def test_any_text_is_scanned_to_its_end(source: str) -> None:
    with contextlib.suppress(RequestError):
        assert set(marked_functions(source, ["a", "b"])) <= {"a", "b"}
