"""LM definitions: objects, keys, caches, errors."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from typing import Any

import dspy
import pytest
from definitions import qa
from fakecall import bounded, fault_of, new_call, program, run
from lmserver import chat, lm_server

from dspool_worker import lms, prices, scrub
from dspool_worker.errors import Fault

GOOD = {"model": "openai/gpt-4o-mini", "api_key": "sk-secret-key", "cache": False}


def test_a_definition_becomes_an_lm_with_its_settings() -> None:
    definition = {
        **GOOD, "temperature": 0.5, "max_tokens": 9, "num_retries": 1, "timeout_s": 2.5, "model_type": "responses",
        "extra": {"top_p": 0.1},
    }  # fmt: skip
    lm = lms.build(definition).lm
    assert (lm.model, lm.model_type, lm.cache, lm.num_retries) == ("openai/gpt-4o-mini", "responses", False, 1)
    assert lm.kwargs == {
        "temperature": 0.5, "max_tokens": 9, "api_key": "sk-secret-key", "timeout": 2.5, "top_p": 0.1,
    }  # fmt: skip


def nothing() -> None:
    """Take note that a wait begins."""


BAD = [
    ({"model": ""}, "invalid_argument", "lm.model"),
    ({"model": "openai/"}, "invalid_argument", "no model id"),
    ({"model_type": "voice"}, "invalid_argument", "lm.model_type"),
    ({"num_retries": -1}, "invalid_argument", "num_retries"),
    ({"timeout_s": -1}, "invalid_argument", "timeout"),
    ({"timeout_s": "5"}, "invalid_argument", "timeout"),
    ({"extra": {"engine": "litellm"}}, "invalid_argument", "lm.extra.engine"),
    ({"extra": {"api_key": "x"}}, "invalid_argument", "lm.extra.api_key"),
    ({"extra": {"n": 2}}, "invalid_argument", "lm.extra.n"),
    ({"extra": "x"}, "invalid_argument", "lm.extra"),
    ({"model": "openai/gpt-5", "temperature": 0.3}, "lm_not_configured", "temperature=1.0"),
]


@pytest.mark.parametrize(("more", "code", "why"), BAD)
def test_a_definition_that_cannot_be_says_why_before_anything_is_asked(more: Any, code: str, why: str) -> None:
    with pytest.raises(Fault) as found:
        lms.build({**GOOD, **more})
    assert (found.value.code, why in found.value.message) == (code, True)
    assert "sk-secret-key" not in found.value.message


def test_one_object_a_definition_and_the_oldest_is_closed_once_nobody_uses_it() -> None:
    async def work() -> None:
        table = lms.Lms(1)
        async with table.use("a", GOOD, nothing) as first:
            async with table.use("a", GOOD, nothing) as again:
                assert again is first
            closed: list[str] = []
            first.lm.aclose = lambda: _note(closed)
            async with table.use("b", {**GOOD, "api_key": "other-key"}, nothing):
                await asyncio.sleep(0)
                assert closed == []  # still in use
        await table.aclose()
        assert closed == ["closed"]

    async def _note(closed: list[str]) -> None:
        closed.append("closed")

    bounded(work())


def test_connections_are_closed_with_their_lm() -> None:
    async def work() -> None:
        async with lm_server(lambda _: chat(answer="x")) as lm:
            table = lms.Lms(1)
            async with table.use("a", lm.definition, nothing) as model:
                await model.lm.acall("hi")
                assert lm.open == 1
            await table.aclose()
            await lm.all_closed.wait()

    bounded(work())


def test_answers_are_not_kept_unless_asked_for() -> None:
    async def work() -> None:
        async with lm_server(lambda _: chat(answer="x")) as lm:
            made = program(qa())
            for cache, requests in ((False, 2), (True, 3)):
                for _ in range(2):
                    await run(made, {**lm.definition, "cache": cache}, question="q")
                assert len(lm.requests) == requests

    bounded(work())


@pytest.mark.parametrize("options", [{}, {"rollout_id": 7}])
def test_kept_answers_are_never_given_to_another_tenant(options: dict[str, Any]) -> None:
    """DSPy's cache key leaves out key and address: it gives them to everybody."""

    async def work() -> None:
        made = program(qa(options=options))
        for number in range(2):
            async with lm_server(lambda _, number=number: chat(answer=f"of {number}")) as lm:  # type: ignore[misc]
                for key in ("key-one", "key-two"):
                    definition = {**lm.definition, "api_key": key, "cache": True}
                    for _ in range(2):
                        assert await run(made, definition, question="same") == {"answer": f"of {number}"}
                assert len(lm.requests) == 2

    bounded(work())


def test_the_cache_holds_no_descriptors() -> None:
    lms.build({**GOOD, "cache": True})
    assert dspy.cache.enable_disk_cache is False


def test_a_server_of_ones_own_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    async def work() -> None:
        async with lm_server(lambda _: chat(answer="x")) as lm:
            definition = {"model": "openai/local", "api_base": lm.url}
            assert await run(program(qa()), definition, question="q") == {"answer": "x"}

    bounded(work())


def test_without_key_and_server_the_fault_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    async def work() -> None:
        fault = await fault_of(run(program(qa()), {"model": "openai/gpt-4o-mini"}, question="q"))
        assert fault.code == "lm_not_configured"

    bounded(work())


def test_no_secret_of_a_definition_is_told() -> None:
    definition = {
        **GOOD,
        "api_base": "http://user:pass-word@host/v1",
        "extra": {"extra_headers": {"X-Auth": "header-secret"}, "aws_secret_access_key": "aws-secret", "top_p": 1},
    }
    model = lms.build(definition)
    text = scrub.scrubbed(f"{definition} Authorization: Bearer abcdefghijkl", model.secrets)
    for secret in ("sk-secret-key", "pass-word", "header-secret", "aws-secret", "abcdefghijkl"):
        assert secret not in text
    assert "sk-secret-key" not in repr(model.lm)


def test_providers_without_a_door_of_their_own_are_imported_off_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []
    monkeypatch.setattr(lms, "import_litellm", lambda: threads.append(threading.current_thread().name))

    async def work() -> None:
        table = lms.Lms(1)
        async with table.use("m", {"model": "mistral/m", "api_key": "secret"}, nothing) as model:
            assert model.lm.model == "mistral/m"
        assert len(threads) == 1
        assert threads[0] != "MainThread"
        assert "litellm" not in sys.modules
        await table.aclose()

    bounded(work())


def test_a_call_that_waits_for_its_lm_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host's grace is shorter than an import of LiteLLM."""
    release = threading.Event()
    monkeypatch.setattr(lms, "import_litellm", lambda: release.wait(20))

    async def work() -> None:
        call = new_call({"model": "mistral/m", "api_key": "secret"})
        running = asyncio.ensure_future(program(qa()).call({"question": "q"}, call))
        while not call.started:  # only a call that has started is cancelled by its task
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        release.set()

    bounded(work())


def test_what_dspy_knows_about_models_is_the_same_from_the_prepared_table(monkeypatch: pytest.MonkeyPatch) -> None:
    from dspy.clients import model_metadata

    whole = dict.copy(model_metadata._load())
    whole["openai/named"] = {"litellm_provider": "openai", "aliases": ["nickname"], "supports_vision": True}
    names = ["gpt-4o-mini", "my-own", "gpt-5.9-made-up", "claude-made-up", "named", "nickname"]
    monkeypatch.setattr(model_metadata, "_data", whole)
    before = [model_metadata.model_info("openai-chat", name) for name in names]
    prices.prepare()
    assert prices.ready()
    assert [model_metadata.model_info("openai-chat", name) for name in names] == before
    assert before[-1]["supports_vision"]


def test_a_request_looks_as_dspy_alone_would_send_it() -> None:
    async def work() -> None:
        async with lm_server(lambda _: chat(answer="x")) as lm:
            await run(program(qa()), lm.definition, question="q")
            model = dspy.LM("openai/test", api_base=lm.url, api_key="x", cache=False)
            with dspy.context(lm=model):
                await dspy.Predict("question -> answer").acall(question="q")
            await model.aclose()
            assert json.dumps(lm.requests[0]) == json.dumps(lm.requests[1])

    bounded(work())
