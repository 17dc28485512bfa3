"""Language models that the host asks, over the protocol with a real worker: no key, no socket, no detour."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from definitions import qa
from host import Frame, Zygote
from lmserver import chat
from test_dspy_worker import Client

from dspool_worker import wire

LM = {"model": "openai/test", "host": True, "host_id": "H", "cache": False}
BASE = "https://api.openai.com/v1/chat/completions"


class Host(Client):
    """Answers the worker's requests to language models as well."""

    def ask(self, definition: dict[str, Any], inputs: Any, **meta: Any) -> Frame:
        """Begin a call and give the worker's request to the LM."""
        self.begin(definition, inputs, **meta)
        return self.next()

    def answer(self, asked: Frame, text: str, status: int = 200, headers: Any = ()) -> Frame:
        """Answer a request with a whole completion and give what comes then."""
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
        body = json.dumps({"id": "1", "model": "test", "choices": [choice], "usage": usage}).encode()
        self.respond(asked, body, status, headers)
        return self.next()

    def respond(self, asked: Frame, body: bytes, status: int = 200, headers: Any = ()) -> None:
        head = [status, [["content-type", "application/json"], *headers]]
        self.peer.send(wire.HOSTRESULT, asked.id, {"x": head}, body, flags=wire.RAW)

    def stream(self, asked: Frame, text: str) -> None:
        """Answer a request in pieces of six characters."""
        head = {"x": [200, [["content-type", "text/event-stream"]]]}
        self.peer.send(wire.HOSTEVENT, asked.id, head, b"", flags=wire.RAW)
        deltas: list[dict[str, Any]] = [{"delta": {"content": text[i : i + 6]}} for i in range(0, len(text), 6)]
        for delta in [*deltas, {"delta": {}, "finish_reason": "stop"}]:
            event = {"id": "1", "model": "test", "choices": [{"index": 0, **delta}]}
            piece = f"data: {json.dumps(event)}\n\n".encode()
            self.peer.send(wire.HOSTEVENT, asked.id, None, piece, flags=wire.RAW)
        self.peer.send(wire.HOSTEVENT, asked.id, None, b"data: [DONE]\n\n", flags=wire.RAW)
        self.peer.send(wire.HOSTRESULT, asked.id, None, b"")

    def fail(self, asked: Frame, **fault: Any) -> Frame:
        """Answer a request with a failure of the host's own."""
        self.peer.send(wire.HOSTERROR, asked.id, None, json.dumps(fault).encode())
        return self.next()


def forked(zygote: Zygote, lm: dict[str, Any]) -> Iterator[Host]:
    """Give the host of a fresh worker, and see the worker end after it."""
    _, peer = zygote.fork()
    peer.receive()
    yield Host(peer, lm)
    peer.sock.close()
    assert zygote.receive()["ev"] == "exited"


@pytest.fixture
def host(dspy_zygote: Zygote) -> Iterator[Host]:
    yield from forked(dspy_zygote, LM)


def test_a_request_goes_to_the_host_without_a_key(host: Host) -> None:
    asked = host.ask(qa(), {"question": "q"})
    assert (asked.kind, asked.head["m"], asked.head["c"]) == (wire.HOSTCALL, "lm", 1)
    lm, method, url, headers, rollout = asked.head["x"]
    assert (lm, method, url, rollout) == ("H", "POST", BASE, "")
    assert ["authorization", "Bearer dspool-key"] in [[name.lower(), value] for name, value in headers]
    assert asked.value["model"] == "test"
    result = host.answer(asked, chat(answer="yes"))
    assert (result.kind, result.value) == (wire.RESULT, {"answer": "yes"})
    assert result.head["u"]["openai/test"]["total_tokens"] == 12


@pytest.mark.parametrize(
    ("model", "base", "url", "header"),
    [
        ("anthropic/claude-x", None, "https://api.anthropic.com/v1/messages", "x-api-key"),
        (
            "gemini/g",
            None,
            "https://generativelanguage.googleapis.com/v1beta/models/g:generateContent",
            "x-goog-api-key",
        ),
        ("groq/g", None, "https://api.groq.com/openai/v1/chat/completions", "authorization"),
        ("azure/d", "https://az.example/openai", "https://az.example/openai/v1/chat/completions", "api-key"),
        ("openai/m", "http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1/chat/completions", "authorization"),
        ("ollama/m", None, "http://localhost:11434/v1/chat/completions", "authorization"),
    ],
)
def test_every_native_provider_marks_where_its_key_belongs(
    host: Host, model: str, base: str | None, url: str, header: str
) -> None:
    host.known["lm", "L"] = {"model": model, "host": True, "host_id": "H", "api_base": base}
    asked = host.ask(qa(), {"question": "q"})
    assert asked.head["x"][2].split("?")[0] == url
    marked = [name.lower() for name, value in asked.head["x"][3] if "dspool-key" in value]
    assert marked == [header]


def test_a_stream_comes_in_pieces(host: Host) -> None:
    asked = host.ask(qa(), {"question": "q"}, s=50)
    assert asked.head["s"] == 32
    host.stream(asked, chat(answer="the answer"))
    seen = ""
    while (frame := host.next()).kind == wire.EVENT:
        seen += frame.value["text"]
    assert (frame.kind, frame.value, seen) == (wire.RESULT, {"answer": "the answer"}, "the answer")


def test_cancelling_a_call_cancels_its_request(host: Host) -> None:
    for meta in ({}, {"s": 5}):
        asked = host.ask(qa(), {"question": "q"}, **meta)
        host.peer.send(wire.CANCEL, host.last, {"why": "canceled"})
        frames = {frame.kind: frame for frame in (host.next(), host.next())}
        assert frames[wire.HOSTCANCEL].id == asked.id
        assert frames[wire.ERROR].value["code"] == "canceled"


def test_a_providers_refusal_is_classified_as_always(host: Host) -> None:
    asked = host.ask(qa(), {"question": "q"})
    host.respond(asked, b'{"error": {"message": "slow down"}}', 429, [["retry-after", "3"]])
    fault = host.next().value
    assert (fault["code"], fault["retry_after_ms"]) == ("lm_rate_limit", 3000)


@pytest.mark.parametrize(
    "code",
    [
        "lm_transport",
        "lm_timeout",
        "lm_billing",
        "lm_rate_limit",
        "resource_exhausted",
        "invalid_argument",
        "deadline_exceeded",
    ],
)
@pytest.mark.parametrize("meta", [{}, {"s": 5}])
def test_a_failure_of_the_host_reaches_the_caller_as_it_is(host: Host, code: str, meta: dict[str, Any]) -> None:
    asked = host.ask(qa(), {"question": "q"}, **meta)
    fault = host.fail(
        asked, code=code, message="the budget is used up", retry_after_ms=1500, details={"tenant": "t"}
    ).value
    assert (fault["code"], fault["message"], fault["retry_after_ms"]) == (code, "the budget is used up", 1500)
    assert fault["details"]["tenant"] == "t"
    assert fault["started"] == "yes"


def test_a_rollout_is_told_to_the_host_only(host: Host) -> None:
    asked = host.ask(qa(options={"rollout_id": 7, "temperature": 1.0}), {"question": "q"})
    assert asked.head["x"][4] == "7"
    assert "rollout_id" not in asked.value


def test_a_module_in_a_thread_asks_the_host_too(host: Host) -> None:
    asked = host.ask({"kind": "module", "ref": "modules:SyncChain"}, {"topic": "t"})
    assert asked.head["x"][2] == BASE
    asked = host.answer(asked, chat(draft="d"))
    assert host.answer(asked, chat(summary="s")).value == {"summary": "s"}


def test_copies_of_a_language_model_ask_the_host_too(host: Host) -> None:
    asked = host.ask({"kind": "module", "ref": "modules:Copies"}, {"topic": "t"})
    for _ in range(2):
        assert asked.head["x"][0] == "H"
        asked = host.answer(asked, chat(draft="d"))
    assert asked.kind == wire.RESULT


def test_what_dspys_client_cannot_carry_is_refused_not_sent_elsewhere(host: Host) -> None:
    host.known["lm", "L"] = {**LM, "extra": {"extra_headers": {"x": "y"}}}
    fault = host.call(qa(), {"question": "q"}).value
    assert fault["code"] in {"invalid_argument", "lm_invalid_request"}
    assert "extra_headers" in fault["message"] or "LiteLLM" in fault["message"]


def test_a_head_that_is_none_is_a_failure_of_transport(host: Host) -> None:
    asked = host.ask(qa(), {"question": "q"})
    host.peer.send(wire.HOSTRESULT, asked.id, {"x": "no"}, b"", flags=wire.RAW)
    assert host.next().value["code"] == "lm_transport"


def test_the_addresses_of_providers_are_those_that_the_host_knows() -> None:
    from dspy.clients.engines.lm15_engine import LM15Engine
    from dspy.lm15 import RouterConfig

    source = (pathlib.Path(__file__).parents[2] / "lm" / "address.go").read_text()
    lines = [line.split('"') for line in source.splitlines() if line.startswith('\t\t"')]
    known = {parts[1]: parts[3] for parts in lines}
    assert len(known) == 12
    for provider, base in known.items():
        if not base:
            continue
        engine = LM15Engine(RouterConfig(env={}))
        found = engine.resolve(f"{provider}/m")
        engine = LM15Engine(RouterConfig(env={}, api_keys={found.provider: "k"}, transport=object()))
        assert engine.router.lm(f"{found.provider}:m").base_url == base


def test_the_first_calls_of_a_forked_worker_import_nothing(host: Host) -> None:
    loaded = {"kind": "func", "ref": "loaded:names"}
    before = set(host.call(loaded, {}).value)
    for kind in ("predict", "chain_of_thought"):
        assert host.answer(host.ask(qa(kind), {"question": "q"}), chat(reasoning="r", answer="a")).kind == wire.RESULT
    host.stream(host.ask(qa(), {"question": "q"}, s=50), chat(answer="a"))
    while (frame := host.next()).kind == wire.EVENT:
        pass
    assert frame.kind == wire.RESULT
    assert set(host.call(loaded, {}).value) - before == set()
