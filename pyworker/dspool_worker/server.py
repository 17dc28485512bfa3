"""A worker's heart: takes frames, runs each call as a task, answers when the work has stopped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from . import wire
from .answers import Answers
from .calls import CURRENT, Call, Event, Result
from .carrier import Carriers
from .catalog import Catalog
from .errors import Fault
from .functions import Function
from .inputs import read_inputs
from .runtime import Runtime

_decode_call = wire.decode_call
_set_current = CURRENT.set
_METAS_KEPT = 512
_META_KEPT = 256  # bytes: a longer one names attachments and hardly comes again
_STOPPED = {
    "canceled": ("canceled", "the caller gave the call up"),
    "deadline": ("deadline_exceeded", "the call's time budget ran out"),
}


class Server:
    """Serves one connection on one event loop until told to end."""

    def __init__(self, runtime: Runtime, end: Callable[[str, int], None]) -> None:
        self._runtime = runtime
        self._guard = runtime.guard
        self._loop = runtime.loop
        self._end = end
        self._answers = Answers(runtime.connection)
        self._result = self._answers.result
        self._catalog = Catalog(runtime, self._answers, self._start, self._fail)
        self._program = self._catalog.program
        self._carriers = Carriers(self._loop, read_inputs, self._done, self._failed)
        self._calls: dict[int, Call] = {}
        self._metas: dict[Any, wire.CallMeta] = {}
        self._draining = False
        self._leaving: asyncio.Task[None] | None = None
        self._task = asyncio.Task  # kept because user code may replace asyncio's names

    # What arrives

    def on_call(self, id: int, meta: Any, body: Any, arrived: float) -> None:
        """Start a call, or park it until its definitions are here."""
        if id in self._calls or self._draining:
            self._refuse(id)
            return
        known = self._metas.get(meta)
        if known is None:
            try:
                known = self._learn(meta)
            except wire.META_ERRORS as exc:
                self.on_malformed(wire.CALL, id, f"meta of CALL: {exc}")
                return
        self._calls[id] = call = Call(self._runtime, id, known, body, arrived)
        call.program = program = self._program(known.p)
        if program is None or known.l:
            self._catalog.resolve(call)
        elif type(program) is Function and program.carried and known.s < 0:
            self._carriers.add(call)
        else:
            call.task = self._task(self._serve(call), loop=self._loop)

    def _learn(self, meta: Any) -> wire.CallMeta:
        """Read the meta of a CALL and keep it: short calls in a row have the same, to the byte."""
        known = _decode_call(meta)
        if len(meta) <= _META_KEPT:
            if len(self._metas) >= _METAS_KEPT:
                self._metas.clear()
            self._metas[bytes(meta)] = known
        return known

    def on_frame(self, kind: int, flags: int, id: int, meta: Any, body: Any) -> None:
        """Take any sound frame but a plain CALL."""
        try:
            self._handle(kind, flags, id, meta, body)
        except wire.META_ERRORS as exc:
            self.on_malformed(kind, id, str(exc))

    def on_malformed(self, kind: int, id: int, why: str) -> None:
        """Answer a frame that is none."""
        self._reject(kind, id, Fault("protocol", why))

    def on_oversize(self, kind: int, id: int, length: int) -> None:
        """Refuse a frame beyond the limit."""
        limit = self._runtime.settings.frame_limit
        why = f"a frame of {length} bytes is over the limit of {limit}; raise FrameLimit or send less"
        self._reject(kind, id, Fault("resource_exhausted", why))

    def on_lost(self, reason: str, host_gone: bool) -> None:
        """End with the connection."""
        if host_gone:
            self._end("", 0)
        else:
            self._guard.check()
            self._end(reason, 70)

    def _handle(self, kind: int, flags: int, id: int, meta: Any, body: Any) -> None:
        if kind == wire.CREDIT:
            credit = wire.decode_credit(meta).n
            if id in self._calls:
                self._calls[id].grant(credit)
        elif kind == wire.CANCEL:
            why = wire.decode_cancel(meta or b"{}").why
            self._stop(id, Fault(*_STOPPED.get(why, _STOPPED["canceled"])))
        elif kind == wire.DEFINE:
            self._catalog.define(wire.decode_define(meta), body)
        else:
            self._handle_other(kind, flags, id, meta, body)

    def _handle_other(self, kind: int, flags: int, id: int, meta: Any, body: Any) -> None:
        if kind == wire.RELEASE:
            over = wire.decode_release(meta or b"{}")
            self._runtime.objects.release((over.w, over.k))
        elif kind == wire.PING:
            self._ping(flags, id, body)
        elif kind == wire.DRAIN:
            self._draining = True
            self._end_if_drained()
        elif kind in (wire.HOSTRESULT, wire.HOSTERROR, wire.HOSTEVENT):
            self._runtime.host.on_answer(kind, flags, id, meta, body)
        elif kind == wire.CALL:
            raise ValueError("the body of a CALL must be JSON; send bytes as attachments")
        elif kind != wire.ERROR:
            raise ValueError(f"a worker does not take frames of type {kind}")

    def _ping(self, flags: int, id: int, body: Any) -> None:
        if len(body) > wire.PING_BODY_MAX:
            raise ValueError("the body of a PING is longer than 1 KiB")
        self._loop.call_soon(self._pong, flags, id, bytes(body), time.monotonic())

    def _pong(self, flags: int, id: int, body: bytes, asked: float) -> None:
        lag = int((time.monotonic() - asked) * 1e6)
        self._answers.pong(flags, id, lag, len(self._calls), body)

    def _refuse(self, id: int) -> None:
        if id in self._calls:
            self._answers.error(0, Fault("protocol", f"call {id} is in flight already"))
        else:
            self._answers.error(id, Fault("shutting_down", "the worker takes no more calls", started="no"))

    def _reject(self, kind: int, id: int, fault: Fault) -> None:
        """Answer a bad frame: its call ends with it, if it has one."""
        if kind == wire.ERROR:
            return
        if kind != wire.CALL and id in self._calls:
            self._stop(id, fault)
        elif kind == wire.CALL and id not in self._calls:
            fault.started = "no"
            self._answers.error(id, fault)
        else:
            self._answers.error(0, fault)

    def _start(self, call: Call) -> None:
        call.task = self._task(self._serve(call), loop=self._loop)

    async def _serve(self, call: Call) -> None:
        """Run one call and answer it, whatever happens in it."""
        try:
            if call.verdict is not None:
                raise call.verdict
            call.entered = True
            _set_current(call)
            inputs = read_inputs(call)
            program = call.program
            if call.meta.s >= 0:
                result = await self._stream(call, inputs)
            elif type(program) is Function and program.coroutine is not None:
                result = await program.coroutine(**program.bind(inputs, call))
            else:
                result = await program.call(inputs, call)
        except BaseException as exc:
            self._failed(call, exc)
        else:
            self._done(call, result)

    def _done(self, call: Call, result: Any) -> None:
        if self._guard.forked:
            self._guard.check()
        try:
            self._result(call, result)
        except BaseException as exc:  # a result that cannot be written, or whose methods raise
            self._answers.failure(call, exc)
        call.task = None  # the rest is _forget, on the path of every call
        del self._calls[call.id]
        if self._draining:
            self._end_if_drained()

    def _failed(self, call: Call, exc: BaseException) -> None:
        self._guard.check()
        self._answers.failure(call, exc)
        self._forget(call)

    def _forget(self, call: Call) -> None:
        call.task = None
        del self._calls[call.id]
        if self._draining:
            self._end_if_drained()

    async def _stream(self, call: Call, inputs: dict[str, Any]) -> Any:
        result: Any = Result()
        source = call.program.stream(inputs, call)
        try:
            async for event in source:
                if isinstance(event, Event):
                    await call.emit(event.kind, event.data)
                else:
                    result = event
        finally:
            await source.aclose()
        return result

    def _stop(self, id: int, verdict: Fault) -> None:
        """Stop a call; it is answered with the verdict when the work has stopped."""
        call = self._calls.get(id)
        if call is None or call.verdict is not None:
            return
        call.verdict = verdict
        if self._catalog.drop(call):
            self._fail(call, verdict)
        elif call.task is not None and call.entered:
            call.task.cancel()
        # else it sees the verdict when it begins: a task that is cancelled before that never runs

    def _fail(self, call: Call, fault: Fault) -> None:
        """End a call that has not begun."""
        fault.started = "yes" if call.started else "no"
        self._answers.error(call.id, fault)
        self._forget(call)

    def _end_if_drained(self) -> None:
        if self._calls or self._leaving is not None:
            return
        if self._runtime.objects.idle:
            self._end("drained", 0)
        else:
            self._leaving = self._task(self._close_objects(), loop=self._loop)

    async def _close_objects(self) -> None:
        await self._runtime.objects.close()
        self._end("drained", 0)
