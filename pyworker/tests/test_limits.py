"""Limits, and the verdicts on values that host and worker share."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest
from definitions import made
from pydantic import TypeAdapter

from dspool_worker import schema, values
from dspool_worker.encoding import encode
from dspool_worker.errors import InvalidArgument, OutputInvalid

VERDICTS = pathlib.Path(__file__).parents[2] / "internal" / "validate" / "testdata" / "verdicts.json"
CASES = json.loads(VERDICTS.read_text("utf-8"))


def after(given: Any, side: str, kind: Any) -> Any:
    """Give what a value becomes on its way in or out."""
    if side == "input":
        return values.check_inputs(made({"v": kind}, {"a": {}}).inputs, {"v": given})["v"]
    return values.check_outputs(made({}, {"v": kind}).outputs, {"v": given})["v"]


# CHK-111, CHK-112
@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_worker_judges_as_the_host_does(case: dict[str, Any], side: str) -> None:
    if "paths" in case and "coerced" not in case:
        with pytest.raises((InvalidArgument, OutputInvalid)) as found:
            after(case["value"], side, case["schema"])
        first, *others = (f"{side}.v{path}" for path in case["paths"])
        assert found.value.message.startswith(f"{first}: ")
        assert all(f"{other}: " in found.value.message for other in others)
        assert found.value.code == ("invalid_argument" if side == "input" else "output_invalid")
        return
    got = after(case["value"], side, case["schema"])
    want = case.get("coerced", case.get("result", case["value"]))
    assert json.loads(encode(values.plain(got))) == want


def test_there_are_verdicts_of_every_kind() -> None:
    assert {"paths", "result", "coerced"} <= {key for case in CASES for key in case}
    assert len({case["name"] for case in CASES}) == len(CASES)


SHOWN = [
    {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
    {"type": "string", "format": "email"},
    {"type": "object", "additionalProperties": True, "minProperties": 1, "maxProperties": 2},
]


@pytest.mark.parametrize("given", SHOWN)
def test_limits_stay_in_the_schema_that_the_lm_is_shown(given: dict[str, Any]) -> None:
    kind = schema.Types({}, output=True).type(given, "output.v")
    assert TypeAdapter(kind).json_schema() == given


def test_limits_that_dspy_does_not_look_for_stand_in_the_description() -> None:
    tags = {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "description": "what it is about"}
    fields = made({"mail": {"type": "string", "format": "email"}, "name": {"type": "string"}}, {"tags": tags})
    assert fields.outputs["tags"].description == "what it is about (uniqueItems: True)"
    assert fields.inputs["mail"].description == "(format: email)"
    assert fields.inputs["name"].description is None


def test_a_step_of_zero_is_refused_with_the_program() -> None:
    with pytest.raises(InvalidArgument, match=r"output\.v: .*multipleOf"):
        made({}, {"v": {"type": "number", "multipleOf": 0}})
