"""Runs coroutine functions that hardly ever wait, without a new task for each call.

Making an asyncio.Task costs more than all the rest of a short call. So a carrier, which is a task,
takes such calls one after the other and runs the first step of each inside itself, in a context of
the call's own. When that step is the last one, the carrier takes the next call. When the function
waits instead, the carrier stays with this call to the end, as its task and nobody else's, and a new
carrier takes over. A carrier that somebody may have kept hold of is never used for a second call:
nobody can tell it from a task made for the call.
"""

from __future__ import annotations

import asyncio
import collections
import sys
import types
from collections.abc import Callable, Generator
from contextvars import Context, copy_context
from typing import Any
from weakref import getweakrefcount

from .calls import CURRENT, Call

_set_current = CURRENT.set
_Cancelled = asyncio.CancelledError
# What asyncio itself does around each step of a task; without it all calls take a turn of the loop.
_enter: Any = getattr(asyncio.tasks, "_enter_task", None)
_leave: Any = getattr(asyncio.tasks, "_leave_task", None)
_references = sys.getrefcount


class Carriers:
    """The calls that are to be carried, and the carrier that takes them. Used from the loop's thread only."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        inputs: Callable[[Call], dict[str, Any]],
        done: Callable[[Call, Any], None],
        failed: Callable[[Call, BaseException], None],
    ) -> None:
        self._loop = loop
        self._inputs = inputs
        self._done = done
        self._failed = failed
        self._task = asyncio.Task  # kept because user code may replace asyncio's names
        self._calls: collections.deque[Call] = collections.deque()
        self._idle: asyncio.Future[None] | None = None
        self._carrier: asyncio.Task[None] | None = None
        self._parcel: list[tuple[Call, Context, Any]] = []  # the call that the waiting carrier shall stay with

    def add(self, call: Call) -> None:
        """Run a call of a coroutine function: its first step at once, if a carrier waits for one."""
        idle = self._idle
        if idle is not None and _enter is not None and not idle.done():
            self._step(call, self._carrier, idle)
            return
        self._enqueue(call)

    def _enqueue(self, call: Call) -> None:
        if not self._calls:
            self._wake()
        self._calls.append(call)

    def _step(self, call: Call, task: Any, idle: asyncio.Future[None]) -> None:
        """Run the first step of a call as the carrier that waits, without a turn of the loop."""
        references, weak = _references(task), getweakrefcount(task)
        context, waits, value = copy_context(), False, None
        error: BaseException | None = None
        try:
            _enter(self._loop, task)
        except RuntimeError:  # called from within another task
            self._enqueue(call)
            return
        try:
            value = context.run(self._first, call)
            waits = True
        except StopIteration as stop:
            value = stop.value
        except BaseException as exc:
            error = exc
        finally:
            _leave(self._loop, task)
        if waits:
            self._parcel.append((call, context, value))
        elif error is None:
            self._done(call, value)
        else:
            self._failed(call, error)
            error = None  # its traceback holds the task
        if waits or _references(task) != references or getweakrefcount(task) != weak or idle.cancelled():
            self._idle = self._carrier = None  # the next call gets a new carrier
            if not idle.done():
                idle.set_result(None)

    def _wake(self) -> None:
        idle, self._idle = self._idle, None
        if idle is not None and not idle.done():
            idle.set_result(None)
        else:
            self._carrier = self._task(self._carry(), loop=self._loop)

    async def _carry(self) -> None:
        task: Any = self._carrier
        calls = self._calls
        try:
            while not self._retired(task):
                references, weak = _references(task), getweakrefcount(task)
                while calls:
                    call = calls.popleft()
                    context = copy_context()
                    try:
                        waiting = context.run(self._first, call)
                    except StopIteration as stop:
                        self._done(call, stop.value)
                    except BaseException as exc:
                        self._failed(call, exc)
                    else:
                        await self._stay(call, task, context, waiting)
                        return
                    if _references(task) != references or getweakrefcount(task) != weak or task._must_cancel:
                        return
                await self._park(task)
        finally:
            if self._carrier is task:
                self._hand_over()

    def _retired(self, task: Any) -> bool:
        return self._carrier is not task

    async def _park(self, task: Any) -> None:
        """Wait for calls; see one to its end that took its first step meanwhile and waits for something."""
        self._idle = self._loop.create_future()
        parcel: list[tuple[Call, Context, Any]] = []
        self._parcel = parcel
        cancelled = False
        try:
            await self._idle
        except _Cancelled:
            if not parcel:
                raise
            cancelled = True  # that call's first step has cancelled its own task
        if parcel:
            call, context, waiting = parcel[0]
            await self._stay(call, task, context, waiting, cancelled)

    def _first(self, call: Call) -> Any:
        """Run the first step of a call's coroutine."""
        verdict = call.verdict
        if verdict is not None:
            raise verdict
        call.entered = True
        _set_current(call)
        program, inputs = call.program, self._inputs(call)
        try:
            if not program.fits(inputs):
                inputs = program.bind(inputs, call)
            else:
                call.mark_started()
            call.coroutine = coroutine = program.coroutine(**inputs)
        except StopIteration as exc:  # from the user's own checks: only send's is a result
            raise RuntimeError("a check of the inputs raised StopIteration") from exc
        return coroutine.send(None)

    async def _stay(
        self, call: Call, task: asyncio.Task[None], context: Context, waiting: Any, cancelled: bool = False
    ) -> None:
        """Be this call's task from now on."""
        call.program.carried = False  # from now on its calls get a task each at once
        call.task = task
        coroutine, call.coroutine = call.coroutine, None
        if self._carrier is task:
            self._hand_over()
        if call.verdict is not None:  # given up after its first step, when it had no task yet
            task.cancel()
        try:
            result = await _rest(coroutine, context, waiting, cancelled)
        except BaseException as exc:
            self._failed(call, exc)
        else:
            self._done(call, result)

    def _hand_over(self) -> None:
        self._idle = self._carrier = None
        if self._calls:
            self._wake()


@types.coroutine
def _rest(coroutine: Any, context: Context, waiting: Any, cancelled: bool) -> Generator[Any, Any, Any]:
    """Drive a coroutine that has begun, each step in its own context."""
    while True:
        step, value = coroutine.send, None
        try:
            if cancelled:
                cancelled = False
                raise _Cancelled
            value = yield waiting
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as exc:
            step, value = coroutine.throw, exc
        try:
            waiting = context.run(step, value)
        except StopIteration as stop:
            return stop.value
