"""Runs DSPy's own programs against a practice LM and fails where an answer does not fit.

Usage: ``python check.py BASE_URL``; see dspy_test.go.
"""

import asyncio
import sys
from typing import Any

import capture
import dspy
from capture import Everything

BASE = sys.argv[1]
CHAT = dspy.ChatAdapter(use_json_adapter_fallback=False)
XML = dspy.XMLAdapter(use_json_adapter_fallback=False)
TEXT = "What is 2+2? The weather is great."


def lm(options: str = "", model: str = "practice", **kwargs: Any) -> dspy.LM:
    kwargs = {"api_base": BASE, "api_key": "check", "cache": False, "num_retries": 0, **kwargs}
    return dspy.LM(f"openai/{model}{options}", **kwargs)


def check_everything(adapter: dspy.Adapter, model: str) -> None:
    with dspy.context(lm=lm(model=model), adapter=adapter):
        out = dspy.Predict(Everything)(question=TEXT, n=3)
    assert 3 <= out.count <= 9 and out.count % 2 == 0, out.count
    assert 0 < out.score < 1, out.score
    assert 3 <= len(out.answer) <= 20, out.answer
    assert out.mood == "happy", out.mood
    assert 2 <= len(out.tags) <= 3, out.tags
    assert all(isinstance(n, int) for n in out.nums)
    assert isinstance(out.order, capture.Order)
    assert isinstance(out.by, bytes) and isinstance(out.st, set) and isinstance(out.t, tuple)
    assert out.li in (1, 2, 3)


def check_xml() -> None:
    # The prompt does not say what members of nested models may be: an enum there cannot be guessed.
    signature = Everything.delete("order")
    with dspy.context(lm=lm(), adapter=XML):
        out = dspy.Predict(signature)(question=TEXT, n=3)
    assert 3 <= out.count <= 9 and out.mood == "happy", out
    assert isinstance(out.m, dict) and all(isinstance(n, int) for n in out.nums), out


def check_thought(adapter: dspy.Adapter) -> None:
    with dspy.context(lm=lm(), adapter=adapter):
        out = dspy.ChainOfThought("question -> answer, n: int")(question="What is the capital of France?")
    assert out.answer == "Paris" and out.reasoning and isinstance(out.n, int), out


def check_agent() -> None:
    with dspy.context(lm=lm(), adapter=CHAT):
        out = dspy.ReAct("question -> answer", tools=[capture.add])(question="What is 17 + 25?")
    assert out.trajectory["observation_0"] == 42 and out.answer == "42", out


def check_usage() -> None:
    with dspy.context(lm=lm()), dspy.track_usage() as usage:
        dspy.Predict("question -> answer")(question="x")
    totals = usage.get_total_tokens()["openai/practice"]
    assert totals["total_tokens"] == totals["prompt_tokens"] + totals["completion_tokens"] > 0, totals


def check_failures() -> None:
    for options, kind in {
        "?fail=401": dspy.LMAuthError,
        "?fail=404": dspy.LMUnsupportedModelError,
        "?fail=408": dspy.LMTimeoutError,
        "?fail=429": dspy.LMRateLimitError,
        "?fail=quota": dspy.LMBillingError,
        "?fail=400": dspy.LMInvalidRequestError,
        "?fail=context_length": dspy.ContextWindowExceededError,
        "?fail=500": dspy.LMServerError,
        "?fail=503": dspy.LMServerError,
        "?fail=reset": dspy.LMTransportError,
        "?malformed=cut_body": dspy.LMTransportError,
        "?malformed=bad_json": dspy.LMProviderError,
        "?malformed=empty_body": dspy.LMProviderError,
        "?malformed=no_choices": dspy.AdapterParseError,
        "?malformed=prose": dspy.AdapterParseError,
        "?malformed=missing_field": dspy.AdapterParseError,
        "?malformed=wrong_type": dspy.AdapterParseError,
    }.items():
        try:
            with dspy.context(lm=lm(options)):
                out = dspy.Predict("question -> n: int")(question="x")
        except dspy.DSPyError as error:
            assert type(error) is kind, (options, error)
        else:
            raise AssertionError(f"{options} gives {out}")


def check_recovery() -> None:
    with dspy.context(lm=lm("?fail=500&first=1", num_retries=1)):
        assert dspy.Predict("question -> n: int")(question="recover").n is not None


async def streamed(adapter: dspy.Adapter, options: str) -> list[str]:
    with dspy.context(lm=lm(options), adapter=adapter):
        listener = dspy.streaming.StreamListener("answer")
        program = dspy.streamify(dspy.Predict("question -> reasoning, answer"), stream_listeners=[listener])
        return [item.chunk async for item in program(question="the sea and the mountains") if hasattr(item, "chunk")]


def check_streams() -> None:
    for adapter in (CHAT, dspy.JSONAdapter(), XML):
        for options in ("", "?chunk_delay=1ms"):
            chunks = asyncio.run(streamed(adapter, options))
            assert len(chunks) > 3 and "mountains" in "".join(chunks), (adapter, chunks)
    try:
        asyncio.run(streamed(CHAT, "?malformed=cut_stream"))
    except dspy.LMTransportError:
        return
    raise AssertionError("a stream that was cut ends well")


def check_older_form() -> None:
    with dspy.context(lm=lm(model_type="text")):
        assert isinstance(dspy.Predict("question -> n: int")(question="x").n, int)


def main() -> None:
    for adapter in (CHAT, dspy.JSONAdapter()):
        for model in ("practice", "gpt-4o"):
            check_everything(adapter, model)
    check_xml()
    for adapter in (CHAT, dspy.JSONAdapter(), XML):
        check_thought(adapter)
    for check in (check_agent, check_usage, check_failures, check_recovery, check_streams, check_older_form):
        check()


if __name__ == "__main__":
    main()
