"""The user's own modules and callables."""

from __future__ import annotations

import base64
from typing import Any

import dspy
import pytest
from definitions import TEXT, part
from fakecall import bounded, fault_of, new_call, program, run
from lmserver import chat, lm_server

from dspool_worker.errors import Fault


def module(name: str, **more: Any) -> dict[str, Any]:
    return {"kind": "module", "ref": f"programs.modules:{name}", **more}


def test_a_sync_module_runs_in_a_thread_with_the_lm_of_the_call() -> None:
    async def work() -> None:
        made = program(module("Where"))
        lm = {"model": "openai/test", "api_key": "x", "cache": False}
        assert await run(made, lm, name="Ann") == {"text": "hi Ann", "main": False, "lm": True}
        assert await run(made, None, name="Ann") == {"text": "hi Ann", "main": False, "lm": False}

    bounded(work())


@pytest.mark.parametrize("name", ["Chain", "SyncChain"])
def test_a_module_of_predictors_answers_and_counts_all_tokens(name: str) -> None:
    async def work() -> None:
        async with lm_server(lambda _: chat(draft="d", summary="s")) as lm:
            result = await program(module(name)).call({"topic": "t"}, new_call(lm.definition))
            assert result.value == {"summary": "s"}
            assert result.usage == {"openai/test": {"prompt_tokens": 14, "completion_tokens": 10, "total_tokens": 24}}

    bounded(work())


def test_modules_that_look_at_their_trace_work() -> None:
    async def work() -> None:
        async with lm_server(lambda _: chat(draft="d")) as lm:
            assert await run(program(module("Best")), lm.definition, topic="t") == {"draft": "d"}
            assert len(lm.requests) == 2

    bounded(work())


def test_a_module_is_constructed_once_with_its_init_arguments() -> None:
    async def work() -> None:
        made = program(module("Where", options={"init": {"greeting": "yo", "times": 2}}))
        assert (await run(made, None, name="B"))["text"] == "yoyo B"

    bounded(work())


BAD = [
    (module("Where", options={"init": {"nope": 1}}), "invalid_argument", "options.init: does not fit"),
    (module("Where", options={"temperature": 1}), "invalid_argument", "options.temperature"),
    (module("FailsToStart"), "program_error", "constructing programs.modules:FailsToStart failed: no model file"),
    (module("Wher"), "not_found", "did you mean 'Where'"),
    ({"kind": "module", "ref": "no.such:Thing"}, "not_found", "no Python module"),
    ({"kind": "module"}, "invalid_argument", "ref"),
    ({"kind": "module", "ref": "programs.modules:__doc__"}, "not_found", "neither"),
]


@pytest.mark.parametrize(("definition", "code", "why"), BAD)
def test_modules_that_cannot_be_made_say_why(definition: dict[str, Any], code: str, why: str) -> None:
    async def work() -> None:
        with pytest.raises(Fault) as found:
            program(definition)
        assert (found.value.code, why in found.value.message) == (code, True)

    bounded(work())


def test_inputs_are_coerced_by_the_annotations_of_forward() -> None:
    async def work() -> None:
        made = program(module("Typed"))
        items = [{"price": "1.5", "when": "2024-01-01"}, {"price": 2, "when": "2024-01-02"}]
        image = {"url": "https://example.com/a.png"}
        got = await run(made, None, items=items, image=image, note=[1], blob=base64.b64encode(b"hi").decode())
        assert got == {"kinds": ["Item", "Image", "list", "bytes"], "total": 3.5, "url": image["url"]}

    bounded(work())


def test_a_signature_and_annotations_work_together() -> None:
    item = {
        "type": "object",
        "properties": {"price": {"type": "number", "minimum": 0}, "when": {"type": "string", "format": "date"}},
        "required": ["price", "when"],
    }
    signature = {
        "inputs": [
            part("items", {"type": "array", "items": item}),
            part("image", {"x-dspy": "dspy.Image"}),
            part("note", item),
        ],
        "outputs": [part("total", {"type": "number", "maximum": 10}), part("kinds", {"type": "array"})],
    }

    async def work() -> None:
        made = program(module("Typed", signature=signature))
        good = {"price": 1, "when": "2024-01-01"}
        image = {"url": "https://example.com/a.png"}
        got = await run(made, None, items=[good], image=image, note=good)
        assert got == {"total": 1.0, "kinds": ["Item", "Image", "dict", "bytes"]}
        fault = await fault_of(run(made, None, items=[{**good, "price": -1}], image=image, note=good))
        assert fault.message.startswith("input.items[0].price: ")
        fault = await fault_of(run(made, None, items=[{**good, "price": 11}], image=image, note=good))
        assert (fault.code, fault.message[:13]) == ("output_invalid", "output.total:")

    bounded(work())


def test_missing_and_unknown_inputs_are_refused() -> None:
    async def work() -> None:
        made = program(module("Where"))
        for inputs in ({}, {"nam": "x"}, {"name": 5}):
            assert (await fault_of(run(made, None, **inputs))).code == "invalid_argument"

    bounded(work())


def test_an_exception_arrives_with_class_message_and_the_users_frames() -> None:
    async def work() -> None:
        fault = await fault_of(run(program(module("Fails")), None, text="gone"))
        assert (fault.code, fault.type, fault.message) == ("program_error", "KeyError", "'gone'")
        assert fault.traceback is not None
        assert "in forward" in fault.traceback

    bounded(work())


def test_a_module_that_needs_an_lm_and_has_none_says_what_to_do() -> None:
    async def work() -> None:
        fault = await fault_of(run(program(module("Needs")), None, text="x"))
        assert (fault.code, "Config.LM" in fault.message) == ("lm_not_configured", True)

    bounded(work())


def test_what_the_users_code_has_configured_counts_where_the_call_names_nothing() -> None:
    lm = {"model": "openai/of-the-call", "api_key": "secret"}

    async def work() -> None:
        with dspy.context(lm=dspy.LM("openai/of-the-user", api_key="x"), adapter=dspy.XMLAdapter()):
            own = {"lm": "openai/of-the-user", "adapter": "XMLAdapter"}
            assert await run(program(module("Configured")), None) == own
            assert await run(program(module("Configured")), lm) == {**own, "lm": "openai/of-the-call"}
            named = {"lm": "openai/of-the-call", "adapter": "JSONAdapter"}
            assert await run(program(module("Configured", adapter="json")), lm) == named

    bounded(work())


def test_plain_callables_are_modules_too() -> None:
    async def work() -> None:
        assert await run(program(module("Adder")), None, a=1, b=2) == 3
        assert await run(program(module("add")), None, a=1) == 2
        assert await run(program(module("number")), None) == 5
        async with lm_server(lambda _: chat(answer="x")) as lm:
            assert await run(program(module("ask")), lm.definition, text="t") == {"answer": "x"}

    bounded(work())


def test_an_answer_that_is_no_object_breaks_a_signature() -> None:
    async def work() -> None:
        made = program(module("number", signature={"inputs": [], "outputs": [part("n", TEXT)]}))
        fault = await fault_of(run(made, None))
        assert (fault.code, "int" in fault.message) == ("output_invalid", True)

    bounded(work())
