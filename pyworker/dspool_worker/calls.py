"""One call as a program sees it, and what a program gives back."""

from __future__ import annotations

import asyncio
import collections
import time
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from . import wire
from .encoding import encode
from .errors import Fault

if TYPE_CHECKING:
    from .runtime import Runtime
    from .spans import Spans

_now = time.monotonic

#: The call that the running code belongs to; copied into tasks and threads.
CURRENT: ContextVar[Call] = ContextVar("dspool_call")


class Result(msgspec.Struct):
    """What a program answers. value may be msgspec.Raw: JSON that is written already."""

    value: Any = None
    usage: dict[str, dict[str, int]] | None = None
    attachments: dict[str, bytes] | None = None
    state: bytes | None = None  # an object's snapshot, JSON


class Event(msgspec.Struct):
    """One item of a stream; kind is item, chunk or status."""

    kind: str
    data: Any


class Program(Protocol):
    """Something that can be called. Built once, used by many calls at the same time."""

    async def call(self, inputs: dict[str, Any], call: Call) -> Result:
        """Run once and give the result."""

    def stream(self, inputs: dict[str, Any], call: Call) -> AsyncIterator[Event | Result]:
        """Run once, giving events on the way and the Result as the last item."""


class Call(msgspec.Struct, eq=False):
    """One call in flight. Lives on the event loop; mark_started may be used from any thread."""

    runtime: Runtime
    id: int
    meta: wire.CallMeta
    body: Any
    arrived: float  # time.monotonic
    program: Any = None
    lm: dict[str, Any] | None = None  # the LM's definition
    state: Any = None  # what an object is to be made of, bytes
    task: asyncio.Task[None] | None = None
    coroutine: Any = None
    began: float = 0.0  # when user code was about to start, time.monotonic
    entered: bool = False  # its task runs
    started: bool = False  # user code may have run
    verdict: Fault | None = None  # set when the work has to stop; the answer then
    spans: Spans | None = None  # of a traced call
    used_credit: int = 0
    waiting: collections.deque[asyncio.Future[None]] | None = None

    @property
    def lm_hash(self) -> str:
        """The hash of the LM's definition, or an empty string."""
        return self.meta.l

    @property
    def trace(self) -> str:
        """The W3C traceparent, or an empty string."""
        return self.meta.t

    @property
    def tenant(self) -> str:
        """The tenant whom the call is for, or an empty string."""
        return self.meta.w

    @property
    def streams(self) -> bool:
        """Whether the caller takes events."""
        return self.meta.s >= 0

    def mark_started(self) -> None:
        """Note in the ledger that user code is about to run. Any number of times, from any thread."""
        if not self.started:
            self.started = True
            self.began = _now()
            ledger = self.runtime.ledger
            ledger.cells[self.id % ledger.slots] = self.id

    async def in_thread(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run a sync function in a worker thread, the context copied.

        When the task is cancelled, an exception is raised in the thread, and CancelledError
        comes out here only once the function has really stopped.
        """
        return await self.runtime.threads.run(function, *args, **kwargs)

    async def emit(self, kind: str, data: Any) -> None:
        """Send one event, waiting for credit first. Without a stream it goes nowhere."""
        if not self.streams:
            return
        body = encode(data)
        while self.used_credit >= self.meta.s:
            await self._wait_for_credit()
        self.used_credit += 1
        self.runtime.connection.send_frame(wire.EVENT, self.id, b'{"k":"%s"}' % kind.encode(), body)

    async def _wait_for_credit(self) -> None:
        waiting = self.waiting = self.waiting or collections.deque()
        waiter: asyncio.Future[None] = self.runtime.loop.create_future()
        waiting.append(waiter)
        try:
            await waiter
        finally:
            if waiter in waiting:
                waiting.remove(waiter)

    def grant(self, credit: int) -> None:
        """Take credit for more events from the host."""
        if credit < 1:
            raise ValueError(f"credit of {credit} events")
        self.used_credit -= credit
        for waiter in self.waiting or ():
            if not waiter.done():
                waiter.set_result(None)

    def stopped_fault(self) -> Fault:
        """Give the answer for a call that had to stop before its work was done."""
        fault = self.verdict or Fault("canceled", "the caller gave the call up")
        fault.started = "yes" if self.started else "no"
        return fault
