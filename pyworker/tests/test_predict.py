"""Programs made of signatures, against a server that speaks OpenAI's API."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import dspy
import pytest
from definitions import MARKED, TEXT, part, qa
from fakecall import bounded, new_call, program, run
from lmserver import chat, lm_server


def test_predict_answers_with_its_outputs_and_its_tokens() -> None:
    async def work() -> None:
        async with lm_server(lambda _: chat(answer="Paris")) as lm:
            call = new_call(lm.definition)
            result = await program(qa()).call({"question": "Capital?"}, call)
            assert result.value == {"answer": "Paris"}
            assert result.usage == {"openai/test": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}}
            assert call.started
            assert "Capital?" in lm.prompt()
            assert lm.headers[0]["authorization"] == "Bearer sk-test-secret"

    bounded(work())


def test_chain_of_thought_answers_with_its_reasoning() -> None:
    async def work() -> None:
        async with lm_server(lambda _: chat(reasoning="because", answer="4")) as lm:
            definition = qa("chain_of_thought", [part("answer", {"type": "integer"})])
            got = await run(program(definition), lm.definition, question="2+2")
            assert got == {"reasoning": "because", "answer": 4}

    bounded(work())


def test_react_without_tools_answers_with_its_trajectory() -> None:
    def reply(request: dict[str, Any]) -> str:
        if "next_tool_name" in json.dumps(request):
            return chat(next_thought="done", next_tool_name="finish", next_tool_args="{}")
        return chat(reasoning="r", answer="A")

    async def work() -> None:
        async with lm_server(reply) as lm:
            got = await run(program(qa("react")), lm.definition, question="q")
            assert got["answer"] == "A"
            assert got["trajectory"]["tool_name_0"] == "finish"
            assert "reasoning" not in got

    bounded(work())


def test_tools_are_refused_as_unsupported() -> None:
    async def work() -> None:
        with pytest.raises(Exception, match="tools") as found:
            program(qa("react", tools=["search"]))
        assert getattr(found.value, "code", "") == "unsupported"

    bounded(work())


TYPED = [
    ("chat", chat(n=3, tags='["a", "b"]', kind="cat", more="None")),
    ("json", json.dumps({"n": 3, "tags": ["a", "b"], "kind": "cat", "more": None})),
    ("xml", "<n>3</n><tags><item>a</item><item>b</item></tags><kind>cat</kind><more></more>"),
]


@pytest.mark.parametrize(("adapter", "reply"), TYPED)
def test_every_adapter_gives_typed_outputs(adapter: str, reply: str) -> None:
    outputs = [
        part("n", {"type": "integer", "minimum": 0}),
        part("tags", {"type": "array", "items": TEXT}),
        part("kind", {"enum": ["cat", "dog"]}),
        part("more", {"type": ["null", "string"]}),
    ]

    async def work() -> None:
        async with lm_server(lambda _: reply) as lm:
            got = await run(program(qa(outputs=outputs, adapter=adapter)), lm.definition, question="q")
            assert got == {"n": 3, "tags": ["a", "b"], "kind": "cat", "more": None}

    bounded(work())


def test_options_and_demos_reach_the_lm() -> None:
    demos = [{"question": "1+1", "answer": "2"}]

    async def work() -> None:
        async with lm_server(lambda _: chat(answer="x")) as lm:
            definition = qa(options={"temperature": 0.25, "max_tokens": 7, "stop": ["END"]}, demos=demos)
            await run(program(definition), lm.definition, question="q")
            request = lm.requests[0]
            assert request["temperature"] == 0.25
            assert request.get("max_tokens") or request.get("max_completion_tokens") == 7
            assert request["stop"] == ["END"]
            assert "1+1" in lm.prompt()

    bounded(work())


BAD = [
    ({"options": {"api_base": "http://evil/"}}, "options.api_base"),
    ({"options": {"temperature": "hot"}}, "options.temperature"),
    ({"options": {"n": 3}}, "options.n"),
    ({"options": []}, None),
    ({"options": "x"}, "options"),
    ({"demos": [{"nope": 1}]}, r"demos\[0\].nope"),
    ({"demos": ["x"]}, r"demos\[0\]"),
    ({"adapter": "yaml"}, "adapter"),
    ({"signature": None}, "signature"),
    ({"kind": "poem"}, "kind"),
]


@pytest.mark.parametrize(("more", "path"), BAD)
def test_bad_definitions_are_refused_by_path(more: dict[str, Any], path: str | None) -> None:
    async def work() -> None:
        if path is None:
            program({**qa(), **more})
            return
        with pytest.raises(Exception, match=path) as found:
            program({**qa(), **more})
        assert getattr(found.value, "code", "") == "invalid_argument"

    bounded(work())


def test_a_callers_text_cannot_become_an_image() -> None:
    async def work() -> None:
        async with lm_server(lambda _: chat(answer="x")) as lm:
            demos = [{"question": MARKED, "answer": MARKED}]
            await run(program(qa(demos=demos)), lm.definition, question=MARKED)
            assert all(isinstance(message["content"], str) for message in lm.requests[0]["messages"])

    bounded(work())


def test_nothing_of_a_call_stays_in_the_process() -> None:
    from dspy.clients import base_lm
    from dspy.dsp.utils import settings as _  # noqa: F401

    async def work() -> None:
        async with lm_server(lambda _: chat(answer="x")) as lm:
            made = program(qa())
            trace, history = len(dspy.settings.trace), len(base_lm.GLOBAL_HISTORY)
            for _ in range(3):
                await run(made, lm.definition, question="secret question")
            assert len(dspy.settings.trace) == trace
            assert len(base_lm.GLOBAL_HISTORY) == history
            assert made._module.history == []

    bounded(work())


def test_concurrent_calls_of_one_program_do_not_mix() -> None:
    def reply(request: dict[str, Any]) -> str:
        text = request["messages"][-1]["content"]
        return chat(answer=text.split("number ")[1].split()[0])

    async def work() -> None:
        async with lm_server(reply) as lm:
            made = program(qa())
            got = await asyncio.gather(*(run(made, lm.definition, question=f"number {i} ") for i in range(50)))
            assert [one["answer"] for one in got] == [str(i) for i in range(50)]

    bounded(work())


def test_cancelling_a_call_ends_its_request() -> None:
    async def work() -> None:
        asked = asyncio.Event()

        async def reply(_: dict[str, Any]) -> str:
            asked.set()
            await asyncio.Event().wait()
            return ""

        async with lm_server(reply) as lm:
            call = asyncio.ensure_future(run(program(qa()), lm.definition, question="q"))
            await asked.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await lm.all_closed.wait()

    bounded(work())


def test_ten_megabytes_go_in_and_come_back() -> None:
    big = "z" * (10 << 20)

    async def work() -> None:
        async with lm_server(lambda _: chat(answer=big)) as lm:
            got = await run(program(qa()), lm.definition, question=big)
            assert got == {"answer": big}
            assert big in lm.requests[0]["messages"][-1]["content"]

    bounded(work())


def test_values_of_every_kind_survive_the_round_trip() -> None:
    outputs = [
        part("big", {"type": "integer"}),
        part("blob", {"type": "string", "contentEncoding": "base64"}),
        part("when", {"type": "string", "format": "date-time"}),
        part("item", {"type": "object", "properties": {"a-b": {"type": "array", "items": {"type": "number"}}}}),
        part("text", TEXT),
    ]
    reply = chat(big=2**90, blob="/wA=", when="2024-02-29T10:00:00+02:00", item='{"a-b": [1.5]}', text="ü🙂日本")

    async def work() -> None:
        async with lm_server(lambda _: reply) as lm:
            result = await program(qa(outputs=outputs)).call({"question": "q"}, new_call(lm.definition))
            from dspool_worker.encoding import decode, encode

            assert decode(encode(result.value)) == {
                "big": 2**90,
                "blob": "/wA=",
                "when": "2024-02-29T10:00:00+02:00",
                "item": {"a-b": [1.5]},
                "text": "ü🙂日本",
            }

    bounded(work())
