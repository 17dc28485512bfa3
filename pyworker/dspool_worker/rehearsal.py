"""A few predictions whose LM is asked through a host that answers from memory, for warmup."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

from . import predict
from .calls import CURRENT, Call
from .hostcalls import Answer
from .lms import Lms

_MODEL = {"model": "openai/rehearsal", "host": True, "cache": False}
_KINDS = {"chat": "chain_of_thought", "json": "predict"}
_ANSWERS = {
    "chat": "[[ ## reasoning ## ]]\nr\n\n[[ ## answer ## ]]\na\n\n[[ ## score ## ]]\n0.5\n\n[[ ## tags ## ]]\n[]\n\n"
    "[[ ## completed ## ]]",
    "json": '{"reasoning": "r", "answer": "a", "score": 0.5, "tags": []}',
}
_USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


async def rehearse() -> None:
    """Run a program with each of the common adapters, whole and as a stream."""
    lms = Lms(1)
    try:
        for adapter, kind in _KINDS.items():
            call = cast(Call, _Call(_ANSWERS[adapter]))
            CURRENT.set(call)  # for this task, which ends with the rehearsal
            made = predict.build(_definition(kind, adapter), lms)
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


class _Host:
    """Answers as the host does, without a wire: whole, or in pieces."""

    def __init__(self, answer: str) -> None:
        self._answer = answer

    async def ask(self, *_: Any) -> Answer:
        """Answer a request."""
        return Answer([200, [["content-type", "application/json"]]], _completion(self._answer))

    def pieces(self, *_: Any) -> _Pieces:
        """Answer a request in pieces."""
        head = Answer([200, [["content-type", "text/event-stream"]]], b"")
        return _Pieces([head, Answer(None, _events(self._answer))])


class _Pieces:
    def __init__(self, answers: list[Answer]) -> None:
        self._rest = iter(answers)

    def __aiter__(self) -> _Pieces:
        return self

    async def __anext__(self) -> Answer:
        for answer in self._rest:
            return answer
        raise StopAsyncIteration

    def close(self) -> None:
        """Nothing is held here."""


def _completion(answer: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}
    return json.dumps({"id": "1", "model": "rehearsal", "choices": [choice], "usage": _USAGE}).encode()


def _events(answer: str) -> bytes:
    delta = {"index": 0, "delta": {"role": "assistant", "content": answer}, "finish_reason": "stop"}
    events: list[dict[str, Any]] = [{"choices": [delta]}, {"choices": [], "usage": _USAGE}]
    lines = [f"data: {json.dumps({'id': '1', 'model': 'rehearsal', **event})}\n\n" for event in events]
    return "".join([*lines, "data: [DONE]\n\n"]).encode()


class _Call:
    """As much of a call as programs and their language models use."""

    id = 1
    lm = _MODEL
    lm_hash = ""
    tenant = ""
    trace = ""

    def __init__(self, answer: str) -> None:
        self.runtime = SimpleNamespace(host=_Host(answer))

    def mark_started(self) -> None:
        """Nobody keeps a ledger here."""

    async def emit(self, kind: str, data: Any) -> None:
        """Nobody listens."""
