"""From JSON Schema to signatures: types, constraints, names."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest
from definitions import made

from dspool_worker import signature, values
from dspool_worker.errors import Fault


def out(schema: Any, value: Any, **more: Any) -> Any:
    """Check one output value against a schema."""
    return values.check_outputs(made({}, {"v": schema}, **more).outputs, {"v": value})["v"]


def refused(schema: Any, value: Any, **more: Any) -> str:
    """Return the message with which an output value is refused."""
    with pytest.raises(Fault) as found:
        out(schema, value, **more)
    assert found.value.code == "output_invalid"
    return str(found.value)


TYPED = [
    ({"type": "string"}, "a", "a"),
    ({"type": "integer"}, 2**80, 2**80),
    ({"type": "integer"}, "17", 17),
    ({"type": "number"}, 1, 1.0),
    ({"type": "boolean"}, "true", True),
    ({"type": "null"}, None, None),
    ({}, {"any": [1, None]}, {"any": [1, None]}),
    (True, "anything", "anything"),
    ({"enum": ["a", 1, None, 2.5, True]}, 2.5, 2.5),
    ({"enum": ["a", None]}, None, None),
    ({"const": "x"}, "x", "x"),
    ({"type": ["null", "integer"]}, None, None),
    ({"type": ["null", "array"], "items": {"type": "integer"}, "minItems": 1}, [1], [1]),
    ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "a", "a"),
    ({"oneOf": [{"type": "integer"}, {"type": "null"}]}, None, None),
    ({"type": "array", "items": {"type": "integer"}}, ["1", 2], [1, 2]),
    ({"type": "array"}, [1, "a"], [1, "a"]),
    ({"prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False}, [1, "a"], [1, "a"]),
    ({"type": "object"}, {"a": 1}, {"a": 1}),
    ({"type": "object", "additionalProperties": {"type": "integer"}}, {"a": "1"}, {"a": 1}),
    (
        {"type": "object", "additionalProperties": True, "propertyNames": {"pattern": "^-?(0|[1-9][0-9]*)$"}},
        {"-7": "a", "0": "b"},
        {-7: "a", 0: "b"},
    ),
    ({"type": "string", "contentEncoding": "base64"}, "aGk=", "aGk="),
    ({"type": "string", "contentEncoding": "base64"}, b"hi", "aGk="),
    ({"type": "string", "format": "poem"}, "no poem", "no poem"),
    ({"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}, [1, 2], [1, 2]),
    ({"type": "number", "minimum": 0, "maximum": 1}, 0.5, 0.5),
    ({"allOf": [{"type": "object", "properties": {"a": {"type": "integer"}}}]}, {"a": "1"}, {"a": 1}),
    ({"$ref": "#/$defs/N"}, "5", 5),
]


@pytest.mark.parametrize(("schema", "given", "want"), TYPED)
def test_a_value_takes_the_type_of_its_schema(schema: Any, given: Any, want: Any) -> None:
    got = out(schema, given, defs={"N": {"type": "integer", "maximum": 9}})
    assert got == want
    assert type(got) is type(want)


REFUSED = [
    ({"type": "string"}, 5, "valid string"),
    ({"type": "integer"}, 1.5, "fractional"),
    ({"type": "integer"}, "x", "it is 'x'"),
    ({"type": "boolean"}, "maybe", "boolean"),
    ({"enum": ["a", "b"]}, "c", "'a' or 'b'"),
    ({"type": "integer", "maximum": 10, "multipleOf": 2}, 99, "multiple of 2"),
    ({"type": "integer", "maximum": 10}, 99, "less than or equal to 10"),
    ({"type": "number", "exclusiveMinimum": 0}, 0, "greater than 0"),
    ({"type": "number"}, float("nan"), "no NaN"),
    ({"type": "string", "maxLength": 3}, "long", "at most 3"),
    ({"type": "string", "pattern": "^a+$"}, "b", "match pattern"),
    ({"type": "array", "minItems": 1}, [], "at least 1"),
    ({"$ref": "#/$defs/N"}, 10, "less than or equal to 9"),
    ({"type": ["null", "array"], "items": {"type": "integer"}, "minItems": 1}, [], "at least 1"),
    ({"type": "string", "contentEncoding": "base64"}, "*", "not base64"),
    ({"type": "string", "contentEncoding": "base64"}, 3, "base64"),
    ({"type": "string", "format": "uuid"}, "x", "UUID"),
    ({"type": "string", "format": "date"}, "yesterday", "date"),
    ({"prefixItems": [{"type": "integer"}], "items": False}, [1, 2], "at most 1"),
]


@pytest.mark.parametrize(("schema", "given", "why"), REFUSED)
def test_a_value_that_breaks_its_schema_is_refused_with_its_path(schema: Any, given: Any, why: str) -> None:
    message = refused(schema, given, defs={"N": {"type": "integer", "maximum": 9}})
    assert message.startswith("output.v: ")
    assert why in message


ITEMS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "price": {"type": "number", "minimum": 0},
            "first-name": {"type": "string"},
            "note": {"type": "string"},
            "maybe": {"type": ["string", "null"]},
            "model_config": {"type": "integer"},
            "class": {"type": "string"},
            "copy": {"type": "string"},
        },
        "required": ["price"],
        "additionalProperties": False,
    },
}


def test_objects_keep_their_member_names_whatever_they_are() -> None:
    given = {"price": 1, "first-name": "A", "model_config": 3, "class": "c", "copy": "d"}
    got = out(ITEMS, [given])
    assert got == [{**given, "maybe": None}]


def test_an_optional_member_without_a_value_is_left_out_unless_null_is_a_value_of_it() -> None:
    assert out(ITEMS, [{"price": 1, "note": None, "maybe": None}]) == [{"price": 1.0, "maybe": None}]


def test_a_surplus_member_of_an_answer_is_dropped_where_the_schema_is_closed() -> None:
    assert "x" not in out(ITEMS, [{"price": 1, "x": 2}])[0]


def test_a_surplus_member_of_an_input_is_refused_where_the_schema_is_closed() -> None:
    fields = made({"items": ITEMS}, {"v": {}})
    with pytest.raises(Fault, match=r"input\.items\[0\]\.x: Extra inputs are not permitted"):
        values.check_inputs(fields.inputs, {"items": [{"price": 1, "x": 2}]})


def test_a_nested_problem_is_named_by_its_path() -> None:
    fields = made({"items": ITEMS}, {"v": {}})
    with pytest.raises(Fault, match=r"^input\.items\[2\]\.price: .*greater than or equal to 0 \(it is -1\)"):
        values.check_inputs(fields.inputs, {"items": [{"price": 1}, {"price": 2}, {"price": -1}]})


def test_a_missing_nested_member_is_named_by_its_path() -> None:
    fields = made({"items": ITEMS}, {"v": {}})
    with pytest.raises(Fault, match=r"^input\.items\[0\]\.price: Field required"):
        values.check_inputs(fields.inputs, {"items": [{}]})


def test_dates_times_and_uuids_become_python_values_for_programs() -> None:
    def text(form: str) -> dict[str, str]:
        return {"type": "string", "format": form}

    fields = made({"d": text("date"), "t": text("time"), "dt": text("date-time"), "u": text("uuid")}, {"v": {}})
    identity = uuid.uuid4()
    got = values.check_inputs(
        fields.inputs, {"d": "2024-02-29", "t": "10:00:01", "dt": "2024-02-29T10:00:00", "u": str(identity)}
    )
    assert got["d"] == datetime.date(2024, 2, 29)
    assert got["t"] == datetime.time(10, 0, 1)
    # RFC 3339 has no times without an offset.
    assert got["dt"] == datetime.datetime(2024, 2, 29, 10, tzinfo=datetime.timezone.utc)
    assert got["u"] == identity


def test_a_type_that_contains_itself_is_served() -> None:
    node = {
        "type": "object",
        "properties": {"value": {"type": "integer"}, "next": {"$ref": "#/$defs/Node"}},
        "required": ["value"],
    }
    given = {"value": 1, "next": {"value": 2}}
    assert out({"$ref": "#/$defs/Node"}, given, defs={"Node": node}) == given


def test_references_inside_a_fields_own_schema_win() -> None:
    schema = {"$ref": "#/$defs/T", "$defs": {"T": {"type": "integer"}}}
    assert out(schema, "7", defs={"T": {"type": "string"}}) == 7


BAD_SCHEMAS = [
    ({"type": "strin"}, "unknown type 'strin'"),
    ({"$ref": "#/$defs/None"}, "not defined"),
    ({"enum": []}, "not empty"),
    ({"enum": [[1]]}, "must be strings"),
    ({"anyOf": []}, "not empty"),
    (False, "must be an object"),
    ({"type": "string", "pattern": "(?=a)"}, "cannot be served"),
    ({"type": "string", "pattern": "("}, "cannot be served"),
    ({"x-dspy": "os.system"}, "is not one of"),
    ({"x-dspy": "dspy.LM"}, "is not one of"),
    ({"type": "integer", "minimum": "x"}, "cannot be served"),
]


@pytest.mark.parametrize(("schema", "why"), BAD_SCHEMAS)
def test_a_schema_that_cannot_be_served_is_refused_with_its_path(schema: Any, why: str) -> None:
    with pytest.raises(Fault) as found:
        made({"good": {}, "bad": schema}, {"v": {}})
    assert found.value.code == "invalid_argument"
    assert "input.bad" in str(found.value)
    assert why in str(found.value)


def test_a_schema_nested_too_deeply_is_refused() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(40):
        schema = {"type": "array", "items": schema}
    with pytest.raises(Fault, match="deeper than 32"):
        made({"a": schema}, {"v": {}})


def test_prompts_name_types_the_same_in_every_worker() -> None:
    import dspy

    numbers = {"type": "array", "items": {"type": "number"}}
    times = {"type": "array", "items": {"type": "string", "format": "date-time"}}
    fields = made({"n": numbers}, {"t": times})
    prompt = dspy.ChatAdapter().format_system_message(signature.to_dspy(fields))
    assert " at 0x" not in prompt
    assert "list[Annotated[float, finite]]" in prompt
