"""A few predictions with an LM that answers from memory, for warmup."""

from __future__ import annotations

import importlib
import json
from collections.abc import AsyncIterator
from typing import Any, cast

from dspy.clients.engines.lm15_engine import AsyncLM15Engine
from dspy.lm15 import RouterConfig

from . import predict
from .calls import Call
from .lms import Lms, Model

_MODEL = {"model": "openai/rehearsal", "api_base": "http://rehearsal.invalid/v1", "api_key": "rehearsal"}
_KINDS = {"chat": "chain_of_thought", "json": "predict"}
_ANSWERS = {
    "chat": "[[ ## reasoning ## ]]\nr\n\n[[ ## answer ## ]]\na\n\n[[ ## score ## ]]\n0.5\n\n[[ ## tags ## ]]\n[]\n\n"
    "[[ ## completed ## ]]",
    "json": '{"reasoning": "r", "answer": "a", "score": 0.5, "tags": []}',
}
_USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


async def rehearse() -> None:
    """Run a program with each of the common adapters, whole and as a stream."""
    lms, call = Lms(1), cast(Call, _Call())
    try:
        for adapter, kind in _KINDS.items():
            made = predict.build(_definition(kind, adapter), lms)
            async with lms.use("", _MODEL, call.mark_started) as model:
                _answer_from_memory(model, _ANSWERS[adapter])
            await made.call({"question": "q"}, call)
            async for _ in made.stream({"question": "q"}, call):
                pass
    finally:
        await lms.aclose()


def _definition(kind: str, adapter: str) -> dict[str, Any]:
    score = {"type": "number", "minimum": 0, "maximum": 1}
    outputs = {"answer": {"type": "string"}, "score": score, "tags": {"type": "array", "items": {"type": "string"}}}
    return {
        "kind": kind,
        "adapter": adapter,
        "signature": {
            "inputs": [{"name": "question", "schema": {"type": "string"}}],
            "outputs": [{"name": name, "schema": schema} for name, schema in outputs.items()],
        },
    }


def _answer_from_memory(model: Model, answer: str) -> None:
    """Let the LM choose its engine as always, but hand it one without a network."""
    store = _Store(AsyncLM15Engine(RouterConfig(transport=_Memory(answer), api_keys={"openai-chat": "rehearsal"})))
    model.lm._engine_store = store


class _Store(dict[Any, Any]):
    """An LM's store of engines that has the same one for every question."""

    def __init__(self, engine: Any) -> None:
        super().__init__()
        self._engine = engine

    def get(self, *_: Any) -> Any:
        """Give the engine."""
        return self._engine


class _Memory:
    """The async transport of DSPy's engine, without a wire."""

    def __init__(self, answer: str) -> None:
        self._answer = answer

    def stream(self, request: Any) -> _Exchange:
        """Answer a request."""
        streaming = bool(json.loads(request.body).get("stream"))
        return _Exchange(_events(self._answer) if streaming else _completion(self._answer), streaming)


class _Exchange:
    def __init__(self, body: bytes, streaming: bool) -> None:
        self._body = body
        self._type = "text/event-stream" if streaming else "application/json"

    async def __aenter__(self) -> Any:
        # Its own typing would hide the rest of dspy, which has none, from type checkers.
        transports = importlib.import_module("dspy._vendor.lm15.transports")
        return transports.AsyncTransportResponse(
            status=200,
            reason="OK",
            headers=[("content-type", self._type)],
            http_version="HTTP/1.1",
            chunks=self._chunks(),
            release=self._release,
        )

    async def __aexit__(self, *exc: object) -> None:
        return None

    async def _chunks(self) -> AsyncIterator[bytes]:
        yield self._body

    async def _release(self, *_: Any) -> None:
        return None


def _completion(answer: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}
    return json.dumps({"id": "1", "model": "rehearsal", "choices": [choice], "usage": _USAGE}).encode()


def _events(answer: str) -> bytes:
    delta = {"index": 0, "delta": {"role": "assistant", "content": answer}, "finish_reason": "stop"}
    events: list[dict[str, Any]] = [{"choices": [delta]}, {"choices": [], "usage": _USAGE}]
    lines = [f"data: {json.dumps({'id': '1', 'model': 'rehearsal', **event})}\n\n" for event in events]
    return "".join([*lines, "data: [DONE]\n\n"]).encode()


class _Call:
    """As much of a call as programs use."""

    lm = _MODEL
    lm_hash = ""
    cancelled = False
    trace = ""

    def mark_started(self) -> None:
        """Nobody keeps a ledger here."""

    async def emit(self, kind: str, data: Any) -> None:
        """Nobody listens."""
