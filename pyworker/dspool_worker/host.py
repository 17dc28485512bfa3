"""For programs: ask the host that runs this worker."""

from __future__ import annotations

import asyncio
import importlib
import threading
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any

from .calls import CURRENT, Call
from .errors import Fault

_SLICE = 0.1
_Task = asyncio.Task


async def call(method: str, args: Any) -> Any:
    """Call a function of the host's and wait for the result. Only inside a call, on the event loop."""
    current = current_call()
    return await current.runtime.host.call(method, args, current.id)


def call_sync(method: str, args: Any) -> Any:
    """Do the same from a sync function; it holds up its thread until the host answers."""
    return run_sync(lambda: call(method, args))


def tenant() -> str:
    """Give the tenant whom the call is for, or an empty string."""
    return current_call().tenant


def traceparent() -> str:
    """Give the W3C traceparent that the call belongs to, or an empty string."""
    return current_call().trace


def trace_context() -> Any:
    """Give the call's trace as a context of OpenTelemetry, to start spans in or to attach.

    None if the call belongs to no trace, or if opentelemetry is not installed: it is the user's own choice.
    """
    trace = traceparent()
    if not trace:
        return None
    try:
        tracecontext = importlib.import_module("opentelemetry.trace.propagation.tracecontext")
    except ImportError:
        return None
    return tracecontext.TraceContextTextMapPropagator().extract({"traceparent": trace})


def run_sync(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a coroutine on the event loop and wait for it in this thread, which must be another one."""
    asked = _Asked(current_call())
    try:
        asked.begin(work)  # an exception that is to end this thread may come as early as here
        return asked.wait()
    except BaseException:
        asked.give_up()
        raise


def current_call() -> Call:
    """Give the call that the running code belongs to; raises Fault outside of one."""
    current = CURRENT.get(None)
    if current is None:
        raise Fault("unsupported", "the host can be asked only while a call runs")
    return current


class _Asked:
    """Something on the event loop that a thread waits for.

    An exception may be raised in the waiting thread at any moment, so no lock is ever held there that
    the event loop could want: the only one is released by the loop and acquired by the thread.
    """

    def __init__(self, current: Call) -> None:
        self._loop = current.runtime.loop
        self._answered = threading.Lock()
        self._answered.acquire()
        self._task: Any = None

    def begin(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Let the loop begin with it."""
        self._loop.call_soon_threadsafe(self._begin, work, context=copy_context())

    def wait(self) -> Any:
        """Wait in slices: what is to end this thread is raised between them."""
        while not self._answered.acquire(timeout=_SLICE):
            pass
        return self._task.result()

    def give_up(self) -> None:
        """Cancel it: nobody waits any more."""
        self._loop.call_soon_threadsafe(self._cancel)

    def _begin(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._task = _Task(work(), loop=self._loop)
        self._task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled():
            task.exception()  # looked at, so that nothing is logged when nobody waits
        self._answered.release()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
