"""JSON in and out, the general way and the shortcut for long texts."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspool_worker import longtext
from dspool_worker.encoding import Malformed, decode, encode
from dspool_worker.errors import OutputInvalid

LONG = "é" * longtext.LONG

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


@given(VALUES)
@settings(max_examples=300, deadline=None)
def test_every_json_value_survives(value: Any) -> None:
    try:
        data = encode(value)
    except OutputInvalid as exc:  # a surrogate in a key
        assert "surrogate" in exc.why  # noqa: PT017
        return
    assert decode(data) == value
    assert json.loads(data) == value


@given(st.binary(max_size=60))
@settings(max_examples=500, deadline=None)
def test_no_bytes_make_the_decoder_raise_anything_else(data: bytes) -> None:
    try:
        decode(data)
    except Malformed as exc:
        assert exc.code == "invalid_argument"  # noqa: PT017


@pytest.mark.parametrize("size", [1, longtext.LONG])
def test_long_texts_take_the_same_way_out_and_in(size: int) -> None:
    text = '"\\\x00\x1f\u2028😀é' * size
    for value in (text, {"a": text, "n": 2**70, "none": None}, {"a": text, "x": 1.5}, {"a": text, "l": [1]}):
        data = encode(value)
        assert json.loads(data) == value
        assert decode(data) == value
        assert decode(memoryview(bytearray(data))) == value


@pytest.mark.parametrize(
    "body",
    ['{"a":"%s","b":1e999}', '{"a":"%s","b":NaN}', '{"a":"%s\\ud800"}', '{"a":"%s",}', '{"a":"%s\x01"}', '{"a":"%s"'],
)
@pytest.mark.parametrize("size", [1, longtext.LONG])
def test_what_is_no_json_is_refused_at_any_length(body: str, size: int) -> None:
    with pytest.raises(Malformed):
        decode((body % ("x" * size)).encode())


def cycle() -> list[Any]:
    loop: list[Any] = []
    loop.append({"again": loop})
    return loop


def deep() -> Any:
    value: Any = 1
    for _ in range(5000):
        value = [value]
    return value


class Rude:
    """Raises when it is looked at."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (math.nan, "output"),
        ([1.0, [math.inf]], "output[1][0]"),
        ({"null": None, "x": -math.inf}, "output.x"),
        ({"a": {"b": object()}}, "output.a.b"),
        ({(1, 2): 1}, "output.(key (1, 2))"),
        ("\ud800", "output"),
        ({"a": ["x", "\udfff"]}, "output.a[1]"),
        ({"\ud800": 1}, "output.(key)"),
        ({"a": LONG + "\ud800"}, "output.a"),
        ({"a": LONG, "b": math.nan, "c": None}, "output.b"),
        (cycle(), "output[0].again"),
        (Rude(), "output"),
    ],
)
def test_what_json_cannot_hold_is_named_by_its_path(value: Any, path: str) -> None:
    with pytest.raises(OutputInvalid) as caught:
        encode(value)
    assert caught.value.path == path


def test_too_much_nesting_is_refused() -> None:
    with pytest.raises(OutputInvalid, match="nested too deeply"):
        encode(deep())


def test_none_and_nan_are_told_apart() -> None:
    assert encode([None, "null"]) == b'[null,"null"]'
    with pytest.raises(OutputInvalid):
        encode([None, math.nan])
