"""Reading text fields out of an answer, however it is cut into pieces."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import dspy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspool_worker.chunks import ChatReader, Reader, XmlReader
from dspool_worker.jsonchunks import JsonReader

FIELDS = frozenset({"a", "b"})


def read(reader: Reader, pieces: list[str]) -> dict[str, str]:
    """Put together what a reader gives; check that each field ends exactly once."""
    texts: dict[str, str] = {}
    ended: list[str] = []
    found = [piece for text in pieces for piece in reader.feed(text)] + list(reader.close())
    for name, text, last in found:
        assert name not in ended
        texts[name] = texts.get(name, "") + text
        if last:
            ended.append(name)
    assert sorted(ended) == sorted(texts)
    return texts


def cuts(text: str) -> list[list[str]]:
    """Cut a text in every way that matters: whole, in single characters, in two at each place."""
    return [[text], list(text), *([text[:i], text[i:]] for i in range(1, len(text)))]


ANSWERS = {"a": "one\ntwo  three\n\n  [[ four ]] [[ ## five\n- six", "b": "ü🙂 <x> & [[ ##"}


def chat(answers: dict[str, str]) -> str:
    parts = [f"[[ ## {name} ## ]]\n{text}" for name, text in answers.items()]
    return "\n\n".join(["Sure, here it is:", *parts, "[[ ## completed ## ]]\n"])


def in_json(answers: dict[str, Any]) -> str:
    return "```json\n" + json.dumps({"n": [1, {"a": "not this"}], **answers, "z": {"b": "nor this"}}) + "\n```"


def xml(answers: dict[str, str]) -> str:
    parts = [f"<{k}>\n{v.replace('&', '&amp;').replace('<', '&lt;')}\n</{k}>" for k, v in answers.items()]
    return "\n\n".join(parts)


FORMATS: list[tuple[Callable[[frozenset[str]], Reader], Callable[[dict[str, Any]], str], type[Any]]] = [
    (ChatReader, chat, dspy.ChatAdapter),
    (JsonReader, in_json, dspy.JSONAdapter),
    (XmlReader, xml, dspy.XMLAdapter),
]


@pytest.mark.parametrize(("make", "write", "adapter"), FORMATS)
def test_pieces_put_together_are_the_fields_however_the_answer_is_cut(make: Any, write: Any, adapter: Any) -> None:
    for pieces in cuts(write(ANSWERS)):
        assert read(make(FIELDS), pieces) == ANSWERS, pieces


@pytest.mark.parametrize(("make", "write", "adapter"), FORMATS)
def test_readers_agree_with_dspys_adapters(make: Any, write: Any, adapter: Any) -> None:
    signature = dspy.make_signature({"q": (str, dspy.InputField()), **{k: (str, dspy.OutputField()) for k in "ab"}})
    whole = write(ANSWERS)
    assert adapter().parse(signature, whole) == read(make(FIELDS), [whole])


LINES = st.text(alphabet=st.sampled_from('ab[]# \n\r\t\u2028\\"{}:,ü🙂'), max_size=60)


@settings(max_examples=300, deadline=None)
@given(LINES, LINES, st.integers(1, 7))
def test_any_chat_answer_reads_as_chat_adapter_reads_it(a: str, b: str, size: int) -> None:
    signature = dspy.make_signature({"q": (str, dspy.InputField()), **{k: (str, dspy.OutputField()) for k in "ab"}})
    whole = f"[[ ## a ## ]]\n{a}\n\n[[ ## b ## ]]\n{b}\n\n[[ ## completed ## ]]"
    pieces = [whole[i : i + size] for i in range(0, len(whole), size)]
    assert read(ChatReader(FIELDS), pieces) == dspy.ChatAdapter().parse(signature, whole)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40), st.integers(1, 7), st.booleans())
def test_any_json_answer_reads_as_json(a: str, b: str, size: int, ascii_only: bool) -> None:
    whole = json.dumps({"a": a, "n": 1, "b": b}, ensure_ascii=ascii_only)
    pieces = [whole[i : i + size] for i in range(0, len(whole), size)]
    assert read(JsonReader(FIELDS), pieces) == {"a": a, "b": b}


def test_only_the_first_of_a_field_counts_as_in_chat_adapter() -> None:
    assert read(ChatReader(FIELDS), [chat({"a": "1"}) + "\n[[ ## a ## ]]\n2"]) == {"a": "1"}


def test_text_on_the_headers_own_line_counts() -> None:
    assert read(ChatReader(FIELDS), ["[[ ## a ## ]] 1\n2"]) == {"a": "1\n2"}


def test_text_is_passed_on_as_soon_as_it_cannot_be_a_header() -> None:
    reader = ChatReader(FIELDS)
    assert list(reader.feed("[[ ## a ## ]]\nhel")) == [("a", "hel", False)]
    assert list(reader.feed("lo ")) == [("a", "lo", False)]
    assert list(reader.feed("you")) == [("a", " you", False)]


def test_json_that_is_cut_off_ends_the_field() -> None:
    assert read(JsonReader(FIELDS), ['{"a": "half \\ud8']) == {"a": "half "}


def test_fields_that_are_not_text_are_passed_over_in_json() -> None:
    assert read(JsonReader(FIELDS), ['{"a": ["x"], "b": "y"}']) == {"b": "y"}


def test_broken_surrogates_become_replacement_characters() -> None:
    assert read(JsonReader(FIELDS), ['{"a": "\\ud800x\\udc00"}']) == {"a": "\ufffdx\ufffd"}
