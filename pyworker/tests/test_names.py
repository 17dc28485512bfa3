"""Names of fields, and the DSPy signature that is made of them."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from definitions import made

from dspool_worker import signature
from dspool_worker.errors import Fault

# Each of these is accepted by dspy.make_signature or fails in it with an
# error that says nothing, and breaks only when the program is called.
BAD_NAMES = [
    ("inputs", name)
    for name in ("lm", "config", "demos", "self", "new_signature", "prediction", "signature", "model_x", "dspy_x")
] + [
    ("outputs", name)
    for name in ("", "a b", "a-b", "1a", "_a", "a" * 65, "fields", "instructions", "input_fields", "copy", "json")
]


@pytest.mark.parametrize(("side", "name"), BAD_NAMES)
def test_reserved_and_unusable_field_names_are_refused_by_name(side: str, name: str) -> None:
    sides: dict[str, Any] = {"inputs": {"q": {}}, "outputs": {"v": {}}}
    sides[side] = {**sides[side], name: {}}
    with pytest.raises(Fault) as found:
        made(**sides)
    assert found.value.code == "invalid_argument"
    assert repr(name)[:60] in str(found.value)


@pytest.mark.parametrize("name", ["items", "keys", "get", "class", "from", "completed", "größe", "a" * 64])
def test_names_that_work_are_accepted(name: str) -> None:
    fields = made({"q": {}}, {name: {"type": "string"}})
    assert name in signature.to_dspy(fields).output_fields


@pytest.mark.parametrize(("kind", "name"), [("chain_of_thought", "reasoning"), ("react", "trajectory")])
def test_inputs_that_a_module_adds_itself_are_refused(kind: str, name: str) -> None:
    with pytest.raises(Fault, match=f"is reserved by {kind}"):
        made({name: {}}, {"v": {}}, kind=kind)


def test_one_name_cannot_be_input_and_output() -> None:
    with pytest.raises(Fault, match="used twice"):
        made({"a": {}}, {"a": {}})


def test_a_signature_without_outputs_is_refused() -> None:
    with pytest.raises(Fault, match="at least one output"):
        made({"a": {}}, {})


def test_the_dspy_signature_has_types_descriptions_instructions_and_constraints() -> None:
    fields = signature.compile_fields(
        {
            "name": "Rate",
            "instructions": "Rate it.",
            "inputs": [{"name": "text", "desc": "what to rate", "schema": {"type": "string"}}],
            "outputs": [
                {"name": "stars", "schema": {"type": "integer", "minimum": 1, "maximum": 5, "description": "how many"}},
                {"name": "why", "schema": {"type": "string"}, "required": False},
            ],
        },
        "predict",
    )
    made_by_dspy = signature.to_dspy(fields)
    assert made_by_dspy.__name__ == "Rate"
    assert made_by_dspy.instructions == "Rate it."
    stars = made_by_dspy.output_fields["stars"]
    assert stars.annotation is int
    assert stars.json_schema_extra["constraints"] == "greater than or equal to: 1, less than or equal to: 5"
    assert stars.json_schema_extra["desc"] == "how many"
    assert made_by_dspy.input_fields["text"].json_schema_extra["desc"] == "what to rate"


def test_signatures_never_come_from_strings_so_nothing_is_imported() -> None:
    sys.modules.pop("this", None)
    with pytest.raises(Fault):
        made({"a: this": {}}, {"v": {}})
    assert "this" not in sys.modules
