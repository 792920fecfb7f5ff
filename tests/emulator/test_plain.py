"""Plain values to bytes and back."""

import contextlib
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.plain import MAX_DEPTH, decode, encode

keys = st.integers() | st.text() | st.binary()
leaves = (
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.binary(max_size=300)
    | st.text()
    | keys
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner).map(tuple) | st.dictionaries(keys, inner) | st.frozensets(st.integers())
    ),
    max_leaves=20,
)


def typed(value: object) -> object:
    """Tell 1 from True and 1.0, which are equal."""
    match value:
        case tuple():
            return [typed(item) for item in cast(tuple[object, ...], value)]
        case dict():
            pairs = cast(dict[object, object], value).items()
            return {key: typed(item) for key, item in pairs}
        case _:
            return (type(value).__name__, value)


@given(value=values)
def test_value_comes_back_as_it_was(value: object) -> None:
    assert typed(decode(encode(value))) == typed(value)


@given(value=st.dictionaries(st.integers(), st.integers()))
def test_equal_values_have_equal_bytes(value: dict[int, int]) -> None:
    assert encode(dict(reversed(value.items()))) == encode(value)


@given(data=st.binary() | values.map(encode).flatmap(lambda d: st.just(d[:-1]) | st.just(d + b"N")))
def test_bytes_are_a_value_or_a_value_error(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert typed(decode(encode(decode(data)))) == typed(decode(data))


@given(value=values, n=st.integers(0), byte=st.integers(0, 255))
def test_damaged_bytes_are_a_value_or_a_value_error(value: object, n: int, byte: int) -> None:
    data = bytearray(encode(value))
    data[n % len(data)] = byte
    with contextlib.suppress(ValueError):
        decode(bytes(data))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"", "1 bytes expected at 0", id="nothing"),
        pytest.param(b"b\x05abc", "5 bytes expected at 2, 3 there", id="cut short"),
        pytest.param(b"NN", "1 bytes behind", id="something behind it"),
        pytest.param(b"c\x01a", "no value begins with b'c'", id="a tag of no value"),
        pytest.param(b"t\xff\xff\xff\x7f", "values at 5 in 5 bytes", id="more than there can be"),
        pytest.param(b"t" + b"\xff" * 6, "more than 32 bits", id="an endless length"),
        pytest.param(b"d\x01NN", "NoneType is no key", id="a key that is none"),
        pytest.param(b"S\x01d\x00", "dict is no key and no member", id="a member that cannot be"),
        pytest.param(b"t\x01" * (MAX_DEPTH + 1) + b"N", "depth 16", id="too deep"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        decode(data)


@pytest.mark.parametrize("value", [object(), [1], {1}, ({"a": print},)])
def test_what_is_not_plain_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is no plain value"):
        encode(value)
