"""A call without a connection: collects what a program sends."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from dspool_worker import programs
from dspool_worker.calls import Call, Event, Result
from dspool_worker.errors import Fault
from dspool_worker.settings import Settings
from dspool_worker.threads import Threads

T = TypeVar("T")


class FakeCall:
    """Stands in for `calls.Call`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, lm: dict[str, Any] | None) -> None:
        self.lm = lm
        self.lm_hash = hashlib.sha256(json.dumps(lm).encode()).hexdigest() if lm else ""
        self.started = False
        self.tenant = ""
        self.trace = ""
        self.spans: Any = None
        self.events: list[tuple[str, Any]] = []
        self.credit: asyncio.Event | None = None  # set: events wait for it
        self.began_waiting = asyncio.Event()
        self._threads = Threads(loop, 4, lambda: None)

    def mark_started(self) -> None:
        self.started = True

    def stopped_fault(self) -> Fault:
        return Fault("canceled", "the caller gave the call up")

    async def in_thread(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await self._threads.run(function, *args, **kwargs)

    async def emit(self, kind: str, data: Any) -> None:
        if self.credit is not None:
            self.began_waiting.set()
            await self.credit.wait()
        self.events.append((kind, data))

    def text(self, field: str) -> str:
        """Put the pieces of a field together."""
        return "".join(data["text"] for kind, data in self.events if kind == "chunk" and data["field"] == field)


def program(definition: dict[str, Any]) -> Any:
    """Build a program for the running loop."""
    runtime = SimpleNamespace(loop=asyncio.get_running_loop(), settings=Settings())
    return programs.build(definition, cast(Any, runtime))


def new_call(lm: dict[str, Any] | None) -> FakeCall:
    return FakeCall(asyncio.get_running_loop(), lm)


async def run(made: Any, lm: dict[str, Any] | None, **inputs: Any) -> Any:
    """Call a program and return its value."""
    return (await made.call(inputs, cast(Call, new_call(lm)))).value


async def stream(made: Any, call: FakeCall, **inputs: Any) -> Result:
    """Stream a program into a call and return its result."""
    last: Any = None
    async for item in made.stream(inputs, call):
        if isinstance(item, Event):
            await call.emit(item.kind, item.data)
        last = item
    assert isinstance(last, Result)
    return last


async def fault_of(work: Coroutine[Any, Any, Any]) -> Fault:
    """Return the Fault that work ends with."""
    try:
        value = await work
    except Fault as fault:
        return fault
    raise AssertionError(f"no fault but {value!r}")


def bounded(work: Coroutine[Any, Any, T]) -> T:
    """Run a test's coroutine on a new loop, for 30 seconds at most."""
    return asyncio.run(asyncio.wait_for(work, 30))
