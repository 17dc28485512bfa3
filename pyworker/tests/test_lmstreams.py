"""Streams of LM text from predictors and from the user's modules."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import dspy
import pytest
from definitions import TEXT, part, qa
from fakecall import bounded, fault_of, new_call, program, stream
from lmserver import chat, lm_server

from dspool_worker.calls import Result


def letters(text: str, size: int = 3) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


ANSWER = "It is Paris,\nthe city of [[ light ]]."
REPLIES = [
    ("chat", chat(reasoning="Think.", answer=ANSWER)),
    ("json", json.dumps({"reasoning": "Think.", "answer": ANSWER})),
    ("xml", f"<reasoning>Think.</reasoning>\n<answer>{ANSWER}</answer>"),
]


@pytest.mark.parametrize("size", [1, 3, 10_000])
@pytest.mark.parametrize(("adapter", "reply"), REPLIES)
def test_pieces_of_every_text_field_then_the_result(adapter: str, reply: str, size: int) -> None:
    async def work() -> None:
        async with lm_server(lambda _: letters(reply, size)) as lm:
            call = new_call(lm.definition)
            result = await stream(program(qa("chain_of_thought", adapter=adapter)), call, question="q")
            assert result.value == {"reasoning": "Think.", "answer": ANSWER}
            assert result.usage == {"openai/test": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}}
            assert (call.text("reasoning"), call.text("answer")) == ("Think.", ANSWER)
            assert {data["predict"] for _, data in call.events} == {"predict"}
            assert [data["field"] for _, data in call.events if data["last"]] == ["reasoning", "answer"]

    bounded(work())


def test_plain_dspy_loses_a_field_that_comes_in_one_piece() -> None:
    """The reason for readers of our own; when this fails, DSPy has mended it."""

    async def work() -> None:
        async with lm_server(lambda _: [chat(answer=ANSWER)]) as lm:
            predict = dspy.Predict("question -> answer")
            listener = dspy.streaming.StreamListener("answer")
            made = dspy.streamify(predict, stream_listeners=[listener], is_async_program=True)
            model = dspy.LM("openai/test", api_base=lm.url, api_key="x", cache=False)
            with dspy.context(lm=model, adapter=dspy.ChatAdapter()):
                got = [item async for item in made(question="q")]
            assert [type(item).__name__ for item in got] == ["Prediction"]
            await model.aclose()

    bounded(work())


def test_typed_fields_come_with_the_result_alone() -> None:
    outputs = [part("n", {"type": "integer"}), part("answer", TEXT)]

    async def work() -> None:
        async with lm_server(lambda _: letters(chat(n=3, answer="x"))) as lm:
            call = new_call(lm.definition)
            result = await stream(program(qa(outputs=outputs)), call, question="q")
            assert result.value == {"n": 3, "answer": "x"}
            assert {data["field"] for _, data in call.events} == {"answer"}

    bounded(work())


def test_without_a_text_field_the_answer_is_not_even_streamed() -> None:
    async def work() -> None:
        async with lm_server(lambda _: chat(n=3)) as lm:
            call = new_call(lm.definition)
            made = program(qa(outputs=[part("n", {"type": "integer"})]))
            assert (await stream(made, call, question="q")).value == {"n": 3}
            assert not lm.requests[0].get("stream")
            assert call.events == []

    bounded(work())


def test_one_program_streams_to_many_callers_at_once() -> None:
    def reply(request: dict[str, Any]) -> list[str]:
        number = request["messages"][-1]["content"].split("number ")[1].split()[0]
        return letters(chat(answer=f"answer {number} is here"), 2)

    async def work() -> None:
        async with lm_server(reply) as lm:
            made = program(qa())
            calls = [new_call(lm.definition) for _ in range(20)]
            await asyncio.gather(*(stream(made, c, question=f"number {i} ") for i, c in enumerate(calls)))
            assert [c.text("answer") for c in calls] == [f"answer {i} is here" for i in range(20)]

    bounded(work())


def test_a_program_streams_again_and_again() -> None:
    async def work() -> None:
        async with lm_server(lambda _: letters(chat(answer="again"))) as lm:
            made = program(qa())
            for _ in range(3):
                call = new_call(lm.definition)
                await stream(made, call, question="q")
                assert call.text("answer") == "again"

    bounded(work())


def test_a_slow_caller_holds_up_its_own_stream_only() -> None:
    async def work() -> None:
        async with lm_server(lambda _: letters(chat(answer="text"))) as lm:
            made = program(qa())
            slow, fast = new_call(lm.definition), new_call(lm.definition)
            slow.credit = asyncio.Event()
            held = asyncio.ensure_future(stream(made, slow, question="q"))
            await slow.began_waiting.wait()
            await stream(made, fast, question="q")
            assert (fast.text("answer"), slow.events, held.done()) == ("text", [], False)
            slow.credit.set()
            await held
            assert slow.text("answer") == "text"

    bounded(work())


def test_cancelling_a_stream_closes_it_and_harms_nobody() -> None:
    async def work() -> None:
        async with lm_server(lambda _: letters(chat(answer="a long text"))) as lm:
            lm.pace = asyncio.Event()
            call = new_call(lm.definition)
            call.credit = asyncio.Event()
            call.credit.set()
            running = asyncio.ensure_future(stream(program(qa()), call, question="q"))
            while not lm.requests:
                await asyncio.sleep(0)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            lm.pace.set()
            await lm.all_closed.wait()
            await asyncio.sleep(0)  # DSPy's own streams cancel the task around them here

    bounded(work())


def test_leaving_a_stream_early_leaves_the_task_alone() -> None:
    async def work() -> None:
        async with lm_server(lambda _: letters(chat(answer="text"))) as lm:
            source = program(qa()).stream({"question": "q"}, new_call(lm.definition))
            async for item in source:
                assert isinstance(item, Result)
                break
            await source.aclose()
            await asyncio.sleep(0)

    bounded(work())


def test_a_failing_stream_ends_with_its_fault() -> None:
    async def work() -> None:
        async with lm_server(lambda _: (401, {"error": {"message": "no"}}, {})) as lm:
            fault = await fault_of(stream(program(qa()), new_call(lm.definition), question="q"))
            assert fault.code == "lm_auth"

    bounded(work())


@pytest.mark.parametrize("name", ["Chain", "SyncChain"])
def test_modules_stream_all_their_predictors_by_name(name: str) -> None:
    def reply(request: dict[str, Any]) -> list[str]:
        field = "summary" if "summary" in json.dumps(request["messages"]) else "draft"
        return letters(chat(**{field: f"the {field}"}))

    async def work() -> None:
        async with lm_server(reply) as lm:
            call = new_call(lm.definition)
            result = await stream(program({"kind": "module", "ref": f"programs.modules:{name}"}), call, topic="t")
            assert result.value == {"summary": "the summary"}
            assert (call.text("draft"), call.text("summary")) == ("the draft", "the summary")
            assert [data["predict"] for _, data in call.events if data["last"]] == ["draft", "shorten"]

    bounded(work())


def test_cancelling_a_sync_modules_stream_ends_its_thread() -> None:
    async def work() -> None:
        async with lm_server(lambda _: letters(chat(draft="the draft"))) as lm:
            call = new_call(lm.definition)
            call.credit = asyncio.Event()  # never given
            made = program({"kind": "module", "ref": "programs.modules:SyncChain"})
            running = asyncio.ensure_future(stream(made, call, topic="t"))
            await call.began_waiting.wait()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            await lm.all_closed.wait()

    bounded(work())


def test_a_predictor_that_asks_twice_streams_twice() -> None:
    async def work() -> None:
        async with lm_server(lambda _: letters(chat(draft="d"))) as lm:
            call = new_call(lm.definition)
            await stream(program({"kind": "module", "ref": "programs.modules:Twice"}), call, topic="t")
            assert call.text("draft") == "dd"
            assert len([1 for _, data in call.events if data["last"]]) == 2

    bounded(work())
