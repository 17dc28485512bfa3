"""DSPy patched and as it is: the same prompts, byte for byte, and the same answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from definitions import TEXT, part, qa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lmserver import chat
from pair import Twins

from dspool_worker import patches


@pytest.fixture(scope="module")
def twins() -> Iterator[Twins]:
    made = Twins()
    yield made
    made.close()


def test_one_twin_is_patched_and_the_other_is_not(twins: Twins) -> None:
    assert twins.installed == [dict.fromkeys(patches.NAMES, "applied"), dict.fromkeys(patches.NAMES, "off")]


ITEM = {"type": "object", "properties": {"name": TEXT, "count": {"type": "integer"}}, "required": ["name"]}
OUTPUTS: dict[str, tuple[Any, Any]] = {
    "text": (TEXT, "fine"),
    "bounded": ({"type": "string", "minLength": 2, "maxLength": 9}, "fine"),
    "integer": ({"type": "integer", "minimum": 1, "maximum": 9}, 4),
    "number": ({"type": "number"}, 0.5),
    "boolean": ({"type": "boolean"}, True),
    "literal": ({"enum": ["a", "b"]}, "b"),
    "nullable": ({"type": ["null", "string"]}, "x"),
    "union": ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "7"),
    "union2": ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "7"),
    "list": ({"type": "array", "items": {"type": "integer"}}, [1, 2]),
    "any": ({}, {"a": [1]}),
    "object": (ITEM, {"name": "n", "count": 2}),
    "objects": ({"type": "array", "items": ITEM}, [{"name": "n"}]),
    "map": ({"type": "object", "additionalProperties": {"type": "number"}}, {"a": 1.5}),
    "code": ({"x-dspy": "dspy.Code"}, "print(1)"),
}


def written(adapter: str, values: dict[str, Any]) -> str:
    """Write an answer as an adapter's prompt asks for it."""
    if adapter == "json":
        return json.dumps(values)
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
    if adapter == "xml":
        return "".join(f"<{name}>{text}</{name}>" for name, text in texts.items())
    return chat(**texts)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("adapter", ["chat", "json", "xml"])
@pytest.mark.parametrize("kind", ["predict", "chain_of_thought"])
def test_every_type_gives_the_same_prompt_and_result(twins: Twins, adapter: str, kind: str, stream: bool) -> None:
    cases = [{name: OUTPUTS[name]} for name in OUTPUTS if name != "code"] + [
        {name: OUTPUTS[name] for name in ("text", "integer", "objects")}
    ]
    for outputs in cases:
        definition = qa(kind, [part(name, schema, desc=f"the {name}") for name, (schema, _) in outputs.items()])
        definition["adapter"] = adapter
        definition["signature"]["instructions"] = "Do it well.\n  Indented: é."
        values = {name: value for name, (_, value) in outputs.items()}
        reply = written(adapter, {"reasoning": "because", **values} if kind != "predict" else values)
        case = {"definition": definition, "inputs": {"question": "what?"}, "replies": [reply], "stream": stream}
        for run in twins.same(case):
            assert run["asked"]


def test_inputs_of_every_kind_are_written_the_same(twins: Twins) -> None:
    inputs = {
        "text": (TEXT, "a\nb « » é 🙂"),
        "list": ({"type": "array", "items": TEXT}, ["a", "b\nc"]),
        "object": (ITEM, {"name": "x", "count": 1}),
        "number": ({"type": "number"}, 1e30),
        "flag": ({"type": "boolean"}, False),
        "image": ({"x-dspy": "dspy.Image"}, {"url": "https://example.com/a.png"}),
        "history": ({"x-dspy": "dspy.History"}, {"messages": [{"text": "hi", "answer": "ho"}]}),
        "blob": ({"type": "string", "contentEncoding": "base64"}, "aGk="),
    }
    for adapter in ("chat", "json", "xml"):
        definition = qa(adapter=adapter, demos=[{"text": "t", "answer": "a"}, {"list": ["z"], "answer": "b"}])
        definition["signature"]["inputs"] = [part(name, schema, required=False) for name, (schema, _) in inputs.items()]
        case = {
            "definition": definition,
            "inputs": {name: value for name, (_, value) in inputs.items()},
            "replies": [written(adapter, {"answer": "a"})],
        }
        for run in twins.same(case):
            assert run["outcome"][0] == "result", run


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("openai/practice", {"temperature": 0.3, "max_tokens": 9}),
        ("openai/practice", {"model_type": "responses"}),
        ("anthropic/claude-sonnet-4-5", {}),
        ("gemini/gemini-2.5-flash", {"extra": {"top_p": 0.5}}),
        ("groq/llama", {}),
        ("gpt-4o", {"extra": {"stop": ["x"], "seed": 4}}),
    ],
)
def test_every_provider_gets_the_same_request(twins: Twins, model: str, more: dict[str, Any]) -> None:
    case = {"definition": qa(adapter="json"), "inputs": {"question": "q"}, "lm": {"model": model, **more}}
    for run in twins.same({**case, "replies": ['{"answer": "x"}']}):
        assert run["asked"][0][0][2].startswith("https://")


def test_a_bad_reply_and_then_the_json_adapter(twins: Twins) -> None:
    definition = qa(outputs=[part("count", {"type": "integer"})])
    case = {"definition": definition, "inputs": {"question": "q"}}
    good = twins.same({**case, "replies": ["no format at all", '{"count": 3}']})
    assert [len(run["asked"]) for run in good] == [2, 2]
    assert good[0]["outcome"][1] == {"count": 3}
    bad = twins.same({**case, "replies": ["no format", "none either"]})
    assert bad[0]["outcome"][1]["code"] == "output_invalid"
    for replies in (["", '{"count": 1}'], [chat(count="many"), '{"count": "7"}']):
        twins.same({**case, "replies": replies})


def test_react_asks_the_same_step_by_step(twins: Twins) -> None:
    step = chat(next_thought="done", next_tool_name="finish", next_tool_args="{}")
    case = {"definition": qa("react"), "inputs": {"question": "q"}, "replies": [step, chat(reasoning="r", answer="a")]}
    assert [len(run["asked"]) for run in twins.same(case)] == [2, 2]


ORDER = chat(parts='[{"name": "x", "tags": ["t"]}]', colour="red", size="s")


@pytest.mark.parametrize(
    ("module", "replies", "asks"),
    [
        ("Ordering", [ORDER], 1),
        ("Ordering", [chat(parts="[]", colour="None", size="'l'")], 1),
        ("Changing", [*[chat(answer="a")] * 3, *[chat(note="n", answer='["a"]')] * 2], 5),
        (
            "Particular",
            [*[chat(answer="a")] * 2, *['{"answer": "b"}'] * 2, *["<answer>c</answer>"] * 2, *[chat(answer="d")] * 2,
             '{"v": {"value": "e"}}'],
            10,
        ),
        ("Candidates", [chat(answer="a"), chat(answer="b"), "free", chat(answer="c")], 4),
        ("Threaded", [chat(reasoning="r", answer="1.5", parts='{"a": 1}')], 1),
    ],
)  # fmt: skip
def test_a_users_own_modules_types_and_adapters(twins: Twins, module: str, replies: list[str], asks: int) -> None:
    definition = {"kind": "module", "ref": f"twins:{module}"}
    for run in twins.same({"definition": definition, "inputs": {"text": "t"}, "replies": replies}):
        assert run["outcome"][0] == "result", run
        assert len(run["asked"]) == asks


SCALARS = st.sampled_from([TEXT, {"type": "integer"}, {"type": "number", "minimum": 0}, {"type": "boolean"},
                           {"enum": ["x", "y"]}, {"type": ["null", "string"]}, {}])  # fmt: skip
SCHEMAS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(lambda member: {"type": "object", "properties": {"m": member}, "required": ["m"]}, inner),
        st.builds(lambda a, b: {"anyOf": [a, b]}, inner, inner),
    ),
    max_leaves=4,
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.sampled_from(["x", "1", "a\nb", "é", "[1]", ""])),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.just("m"), inner)),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.lists(st.tuples(SCHEMAS, SCHEMAS), min_size=1, max_size=3),
    given_values=st.lists(VALUES, min_size=3, max_size=3),
    found=st.lists(VALUES, min_size=3, max_size=3),
    adapter=st.sampled_from(["chat", "json", "xml"]),
    instructions=st.sampled_from(["", "Be brief.", "  Two\n    lines."]),
    stream=st.booleans(),
)
def test_any_signature_gives_the_same_prompt_and_result(
    twins: Twins,
    fields: list[tuple[Any, Any]],
    given_values: list[Any],
    found: list[Any],
    adapter: str,
    instructions: str,
    stream: bool,
) -> None:
    signature = {
        "inputs": [part(f"in{i}", schema, required=False) for i, (schema, _) in enumerate(fields)],
        "outputs": [part(f"out{i}", schema, desc=f"number {i}") for i, (_, schema) in enumerate(fields)],
        "instructions": instructions,
    }
    replies = written(adapter, {f"out{i}": found[i] for i in range(len(fields))})
    twins.same({
        "definition": {"kind": "predict", "adapter": adapter, "signature": signature},
        "inputs": {f"in{i}": given_values[i] for i in range(len(fields))},
        "replies": [replies],
        "stream": stream,
    })  # fmt: skip
