"""One of two processes that run the same cases, with DSPy as it is and as dspool patches it.

Reads cases from stdin, one a line, and writes what each asked of the language
model, byte for byte, and what came out.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

from fakecall import FakeCall, program

from dspool_worker import patches, warmup
from dspool_worker.calls import CURRENT, Call
from dspool_worker.errors import Fault
from dspool_worker.hostcalls import Answer

LM = {"model": "openai/gpt-4o-mini", "host": True, "cache": False}


class Host:
    """Writes down what it is asked and gives the replies of the case, the last one again and again."""

    def __init__(self, replies: list[str]) -> None:
        self.asked: list[Any] = []
        self._replies = replies

    async def ask(self, method: str, extra: Any, body: bytes, call: int) -> Answer:
        return Answer([200, [["content-type", "application/json"]]], completion(self._reply(extra, body)))

    def pieces(self, method: str, extra: Any, body: bytes, call: int) -> Pieces:
        return Pieces(self._reply(extra, body))

    def _reply(self, extra: Any, body: bytes) -> str:
        self.asked.append([list(extra), body.decode()])
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]


class Pieces:
    """A reply as a stream."""

    def __init__(self, text: str) -> None:
        self._rest = iter([Answer([200, [["content-type", "text/event-stream"]]], b""), *events(text)])

    def __aiter__(self) -> Pieces:
        return self

    async def __anext__(self) -> Answer:
        for answer in self._rest:
            return answer
        raise StopAsyncIteration

    def close(self) -> None:
        pass


USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}


def completion(text: str) -> bytes:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({"id": "1", "model": "gpt-4o-mini-x", "choices": [choice], "usage": USAGE}).encode()


def events(text: str) -> Iterator[Answer]:
    for start in range(0, len(text), 7):
        yield event({"choices": [{"index": 0, "delta": {"content": text[start : start + 7]}}]})
    yield event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": USAGE})
    yield Answer(None, b"data: [DONE]\n\n")


def event(data: dict[str, Any]) -> Answer:
    return Answer(None, f"data: {json.dumps({'id': '1', 'model': 'gpt-4o-mini-x', **data})}\n\n".encode())


class TwinCall(FakeCall):
    """A call whose language models are asked through a host of the case's own."""

    id = 1
    streams = True

    def __init__(self, loop: asyncio.AbstractEventLoop, lm: dict[str, Any], host: Host) -> None:
        super().__init__(loop, lm)
        self.runtime = SimpleNamespace(host=host, loop=loop)


class Twin:
    """The programs that this process has been given: each case's second run finds the first one's."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    async def run(self, case: dict[str, Any]) -> Any:
        """Run a case as often as it says and give what came of it."""
        outcomes = []
        for _ in range(case.get("times", 1)):
            host = Host(list(case["replies"]))
            call = TwinCall(asyncio.get_running_loop(), {**LM, **case.get("lm", {})}, host)
            outcome = await self._outcome(case, call)
            outcomes.append({"asked": host.asked, "events": call.events, "outcome": outcome})
        return outcomes

    async def _outcome(self, case: dict[str, Any], call: TwinCall) -> Any:
        CURRENT.set(cast(Call, call))
        try:
            made = self._program(case["definition"])
            if case.get("stream"):
                async for item in made.stream(case["inputs"], cast(Call, call)):
                    last = item
                    if hasattr(item, "kind"):
                        await call.emit(item.kind, item.data)
            else:
                last = await made.call(case["inputs"], cast(Call, call))
        except Fault as fault:
            return ["fault", fault.to_dict()]
        return ["result", last.value, last.usage]

    def _program(self, definition: dict[str, Any]) -> Any:
        key = hashlib.sha256(json.dumps(definition).encode()).hexdigest()
        made = self._made.get(key)
        if made is None:
            self._made[key] = made = program(definition)
        return made


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def serve() -> None:
    twin, loop = Twin(), asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        outcomes = await asyncio.wait_for(twin.run(json.loads(line)), 30)
        say(json.dumps(outcomes, default=str))


if __name__ == "__main__":
    warmup.import_dspy()
    say(json.dumps(patches.install()))
    asyncio.run(serve())
