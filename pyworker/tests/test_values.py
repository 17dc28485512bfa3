"""Values in and out: text, bytes, numbers, absence."""

from __future__ import annotations

from typing import Any

import dspy
import pytest
from definitions import MARKED, TEXT, made

from dspool_worker import signature, values
from dspool_worker.errors import Fault


def given(fields: signature.Fields, **inputs: Any) -> dict[str, Any]:
    """Check a call's inputs."""
    return values.check_inputs(fields.inputs, inputs)


def test_unknown_inputs_are_refused_with_the_names_there_are() -> None:
    with pytest.raises(Fault, match=r"input\.questoin: .*the inputs are question, n; did you mean question\?"):
        given(made({"question": TEXT, "n": TEXT}, {"a": {}}), questoin="x")


def test_missing_inputs_are_refused() -> None:
    with pytest.raises(Fault, match=r"input\.n: is required"):
        given(made({"question": TEXT, "n": TEXT}, {"a": {}}), question="x")


def test_null_is_not_a_value_of_a_required_text() -> None:
    with pytest.raises(Fault, match=r"input\.question: Input should be a valid string"):
        given(made({"question": TEXT}, {"a": {}}), question=None)


def test_optional_inputs_may_be_missing_or_null_and_take_their_default() -> None:
    fields = signature.compile_fields(
        {
            "inputs": [
                {"name": "a", "schema": TEXT, "required": False},
                {"name": "b", "schema": {"type": "integer", "default": 3}, "required": False},
                {"name": "c", "schema": {"type": ["string", "null"]}, "required": False},
            ],
            "outputs": [{"name": "v", "schema": {}}],
        },
        "predict",
    )
    assert given(fields, a=None) == {"b": 3}
    assert given(fields, c=None) == {"b": 3, "c": None}


def test_a_wrong_default_is_refused_when_the_program_is_made() -> None:
    part = {"name": "b", "schema": {"type": "integer", "default": "x"}, "required": False}
    with pytest.raises(Fault, match=r"input\.b: the default"):
        signature.compile_fields({"inputs": [part], "outputs": [{"name": "v", "schema": {}}]}, "predict")


def test_integers_of_any_size_stay_exact() -> None:
    big = 123456789012345678901234567890123
    assert given(made({"n": {"type": "integer"}}, {"a": {}}), n=big) == {"n": big}


def test_nan_as_text_is_not_a_number() -> None:
    with pytest.raises(Fault, match="no NaN"):
        given(made({"n": {"type": "number"}}, {"a": {}}), n="NaN")


def test_a_number_too_big_for_a_float_is_refused() -> None:
    with pytest.raises(Fault, match=r"input\.n"):
        given(made({"n": {"type": "number"}}, {"a": {}}), n=10**400)


def test_ten_megabytes_of_text_pass_unchanged() -> None:
    text = "é" * (5 << 20)
    assert given(made({"t": TEXT}, {"a": {}}), t=text)["t"] == text


def test_unicode_passes_unchanged() -> None:
    text = "naïve 日本語 🙂 \u0000 \u200f"
    assert given(made({"t": TEXT}, {"a": {}}), t=text)["t"] == text


def test_lone_surrogates_are_refused_with_path_and_place() -> None:
    fields = made({"t": {"type": "array", "items": TEXT}}, {"a": {}})
    with pytest.raises(Fault, match=r"input\.t\[1\]: .*lone surrogate U\+D800 at position 2"):
        given(fields, t=["ok", "ab\ud800"])


def test_surrogates_in_the_names_of_members_are_refused() -> None:
    with pytest.raises(Fault, match="lone surrogate"):
        given(made({"t": {"type": "object"}}, {"a": {}}), t={"\udfff": 1})


def test_nesting_beyond_reason_is_refused() -> None:
    deep: Any = "x"
    for _ in range(300):
        deep = [deep]
    with pytest.raises(Fault, match="nested deeper than 200"):
        given(made({"t": {}}, {"a": {}}), t=deep)


@pytest.mark.parametrize("text", [MARKED, f"<{MARKED}>", MARKED.replace("CUSTOM", "CUSTOMCUSTOM", 1), MARKED * 2])
def test_markers_in_plain_text_make_no_content_blocks(text: str) -> None:
    fields = made({"t": TEXT, "o": {"type": "object"}}, {"a": {"type": "string"}})
    checked = given(fields, t=text, o={"k": [text], text: 1})
    assert "CUSTOM-TYPE" not in str(checked)
    messages = dspy.ChatAdapter().format(signature.to_dspy(fields), [], checked)
    assert all(isinstance(message["content"], str) for message in messages)


@pytest.mark.usefixtures("plain_marks")
def test_plain_dspy_does_make_content_blocks_of_them() -> None:
    """The reason for the test above; when this fails, DSPy has mended it."""
    messages = dspy.ChatAdapter().format(dspy.make_signature("t -> a"), [], {"t": MARKED})
    assert isinstance(messages[-1]["content"], list)


def test_images_still_become_content_blocks_and_cannot_smuggle_more() -> None:
    fields = made({"i": {"x-dspy": "dspy.Image"}}, {"a": {"type": "string"}})
    checked = given(fields, i={"url": "https://example.com/a.png"})
    assert isinstance(checked["i"], dspy.Image)
    content = dspy.ChatAdapter().format(signature.to_dspy(fields), [], checked)[-1]["content"]
    assert [block["type"] for block in content].count("image_url") == 1


def test_images_are_never_fetched_on_a_callers_word() -> None:
    fields = made({"i": {"x-dspy": "dspy.Image"}}, {"a": {}})
    with pytest.raises(Fault, match=r"input\.i"):
        given(fields, i={"url": "http://127.0.0.1:9/", "download": True})


def test_history_becomes_dspys_own_type() -> None:
    fields = made({"h": {"x-dspy": "dspy.History"}}, {"a": {}})
    checked = given(fields, h={"messages": [{"q": "1", "a": "2"}]})
    assert checked["h"].messages == [{"q": "1", "a": "2"}]
    with pytest.raises(Fault, match=r"input\.h"):
        given(fields, h={"messages": "x"})


def test_bytes_are_base64_text_in_prompts() -> None:
    fields = made({"b": {"type": "string", "contentEncoding": "base64"}}, {"a": {"type": "string"}})
    for value in (b"\xff\x00hi", "/wBoaQ=="):
        checked = given(fields, b=value)
        assert checked["b"] == b"\xff\x00hi"
        content = dspy.ChatAdapter().format(signature.to_dspy(fields), [], checked)[-1]["content"]
        assert "/wBoaQ==" in content


def test_absent_optional_members_are_absent_from_prompts() -> None:
    item = {"type": "object", "properties": {"a": TEXT, "first-name": TEXT, "c": TEXT}, "required": ["a"]}
    fields = made({"o": item}, {"v": {"type": "string"}})
    checked = given(fields, o={"a": "1", "first-name": "B"})
    content = dspy.ChatAdapter().format(signature.to_dspy(fields), [], checked)[-1]["content"]
    assert '{"a": "1", "first-name": "B"}' in content


OPTIONAL_TEXT = {"type": ["string", "null"]}


@pytest.mark.parametrize("word", ["None", "null", " None "])
def test_the_word_none_is_null_where_null_is_a_value(word: str) -> None:
    fields = made({}, {"a": OPTIONAL_TEXT, "b": TEXT})
    assert values.check_outputs(fields.outputs, {"a": word, "b": word}) == {"a": None, "b": word}


def test_missing_outputs_are_refused_and_optional_ones_left_out() -> None:
    fields = signature.compile_fields(
        {
            "inputs": [],
            "outputs": [
                {"name": "a", "schema": TEXT},
                {"name": "b", "schema": TEXT, "required": False},
                {"name": "c", "schema": OPTIONAL_TEXT, "required": False},
            ],
        },
        "predict",
    )
    assert values.check_outputs(fields.outputs, {"a": "x", "b": None, "c": None}) == {"a": "x", "c": None}
    with pytest.raises(Fault, match=r"output\.a: is missing"):
        values.check_outputs(fields.outputs, {"b": "x"})


def test_several_problems_are_told_at_once() -> None:
    item = {"type": "object", "properties": {k: {"type": "integer"} for k in "abcde"}, "required": list("abcde")}
    with pytest.raises(Fault) as found:
        values.check_outputs(made({}, {"v": item}).outputs, {"v": dict.fromkeys("abcde", "x")})
    assert "output.v.a" in str(found.value)
    assert "output.v.b" in str(found.value)
    assert "and 2 more" in str(found.value)


def test_dspys_types_become_json_not_prompt_markers() -> None:
    image = dspy.Image("https://example.com/a.png")
    got = values.plain({"r": dspy.Reasoning(content="so"), "i": [image], "p": dspy.Prediction(a=1), "s": {1}})
    assert got == {"r": "so", "i": [{"url": "https://example.com/a.png"}], "p": {"a": 1}, "s": [1]}


def test_a_path_names_no_member_of_a_union() -> None:
    fields = made({"v": {"anyOf": [{"type": "string"}, {"type": "number", "minimum": 0}]}}, {"a": TEXT})
    with pytest.raises(Fault) as found:
        values.check_inputs(fields.inputs, {"v": {}})
    assert found.value.details == {"path": "input.v"}
    assert "0x" not in str(found.value)
