"""A worker's heart: takes frames, runs each call as a task, answers when the work has stopped."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

from . import functions, wire
from .answers import Answers
from .calls import CURRENT, Call, Event, Result
from .connection import Connection
from .definitions import Definitions
from .encoding import decode, decode_unchecked
from .errors import Fault, to_fault
from .functions import Function
from .guard import Guard
from .runtime import Runtime



_decode_call = wire.decode_call
_set_current = CURRENT.set


class Server:
    """Serves one connection on one event loop until told to end."""

    def __init__(self, runtime: Runtime, end: Callable[[str, int], None]) -> None:
        self._runtime = runtime
        self._connection: Connection = runtime.connection
        self._guard: Guard = runtime.guard
        self._loop = runtime.loop
        self._end = end
        self._answers = Answers(runtime.connection)
        self._programs = Definitions(runtime.settings.programs)
        self._lms = Definitions(runtime.settings.lms)
        self._calls: dict[int, Call] = {}
        self._draining = False
        self._task = asyncio.Task  # kept because user code may replace asyncio's names

    # What arrives

    def on_call(self, id: int, meta: Any, body: Any, arrived: int) -> None:
        """Start a call, or park it until its definitions are here."""
        try:
            call = Call(self._runtime, id, _decode_call(meta), body, arrived)
        except wire.META_ERRORS as exc:
            self._answers.error(0 if id in self._calls else id, Fault("protocol", f"CALL meta: {exc}", started="no"))
            return
        if self._draining or id in self._calls:
            self._refuse(id)
            return
        self._calls[id] = call
        call.program = self._programs.get(call.meta.p)
        if call.program is None or call.meta.l:
            self._resolve(call)
        else:
            call.task = self._task(self._serve(call), loop=self._loop)

    def on_frame(self, kind: int, flags: int, id: int, meta: Any, body: Any) -> None:
        """Take any frame but a sound CALL."""
        try:
            if flags or kind not in wire.FROM_HOST or kind == wire.CALL:
                raise ValueError(f"frame type {kind} with flags {flags} and {len(meta)} bytes of meta is malformed")
            self._handle(kind, id, meta, body)
        except wire.META_ERRORS as exc:
            if kind != wire.ERROR:
                known = id if id in self._calls or kind in (-1, wire.CALL) else 0
                self._answers.error(known, Fault("protocol", str(exc)))

    def on_oversize(self, kind: int, id: int, length: int) -> None:
        """Refuse a frame beyond the limit."""
        limit = self._runtime.settings.frame_limit
        if kind != wire.ERROR:
            why = f"a frame of {length} bytes is over the limit of {limit}; raise FrameLimit or send less"
            self._answers.error(id, Fault("resource_exhausted", why, started="no"))

    def on_lost(self, reason: str, host_gone: bool) -> None:
        """End with the connection."""
        if host_gone:
            self._end("", 0)
        else:
            self._guard.check()
            self._end(reason, 70)

    def _handle(self, kind: int, id: int, meta: Any, body: Any) -> None:
        if kind == wire.CREDIT:
            credit = wire.decode_credit(meta).n
            if id in self._calls:
                self._calls[id].grant(credit)
        elif kind == wire.CANCEL:
            self._cancel(id, wire.decode_cancel(meta or b"{}").why)
        elif kind == wire.DEFINE:
            self._define(wire.decode_define(meta), body)
        elif kind == wire.PING:
            if len(body) > wire.PING_BODY_MAX:
                raise ValueError("the body of a PING is longer than 1 KiB")
            self._loop.call_soon(self._pong, id, bytes(body), time.monotonic_ns())
        elif kind == wire.DRAIN:
            self._draining = True
            self._end_if_drained()
        elif kind in (wire.HOSTRESULT, wire.HOSTERROR):
            self._runtime.host.on_answer(kind, id, body)

    def _pong(self, id: int, body: bytes, asked: int) -> None:
        lag = (time.monotonic_ns() - asked) // 1000
        self._answers.pong(id, lag, len(self._calls), body)

    def _refuse(self, id: int) -> None:
        if id in self._calls:
            self._answers.error(0, Fault("protocol", f"call {id} is in flight already"))
        else:
            self._answers.error(id, Fault("shutting_down", "the worker takes no more calls", started="no"))

    # Definitions

    def _resolve(self, call: Call) -> None:
        """Ask for what a call lacks; it starts when the last definition is here."""
        if call.program is None:
            if self._programs.wait(call.meta.p, call):
                self._answers.need("program", call.meta.p)
            return
        if call.meta.l and call.lm is None:
            call.lm = self._lms.get(call.meta.l)
            if call.lm is None:
                if self._lms.wait(call.meta.l, call):
                    self._answers.need("lm", call.meta.l)
                return
        call.task = self._task(self._serve(call), loop=self._loop)

    def _define(self, meta: wire.DefineMeta, body: Any) -> None:
        table = {"program": self._programs, "lm": self._lms}.get(meta.k)
        if table is None:
            raise ValueError(f"DEFINE of unknown kind {meta.k!r}")
        if not table.expects(meta.h):
            return
        if meta.missing:
            fault = Fault("not_found", f"the host has no {meta.k} {meta.h}", started="no")
            self._fail(table.waiters(meta.h), fault)
            return
        self._task(self._install(meta.k, meta.h, bytes(body), table), loop=self._loop)

    async def _install(self, kind: str, hash: str, body: bytes, table: Definitions) -> None:
        """Build what was defined, off the loop: imports take their time."""
        try:
            entry = _object(decode(body), f"the {kind}'s definition")
            if kind == "program":
                table.begin(hash, _imports(entry))
                entry = await self._runtime.threads.run(build, entry, self._runtime)
            table.put(hash, entry)
        except BaseException as exc:
            self._fail(table.waiters(hash), to_fault(exc))
            return
        for call in table.waiters(hash):
            if kind == "program":
                call.program = entry
            else:
                call.lm = entry
            self._resolve(call)
        self._connection.flush_soon()

    def _fail(self, calls: list[Call], fault: Fault) -> None:
        for call in calls:
            fault.started = "yes" if call.started else "no"
            self._answers.error(call.id, fault)
            self._forget(call)

    # One call

    async def _serve(self, call: Call) -> None:
        """Run one call and answer it, whatever happens in it."""
        try:
            if call.cancel_why:
                raise call.stopped_fault()
            call.entered = True
            _set_current(call)
            inputs = _inputs(call)
            program = call.program
            if call.meta.s >= 0:
                result = await self._stream(call, inputs)
            elif type(program) is Function and program.coroutine is not None:
                result = await program.coroutine(**program.bind(inputs, call))
            else:
                result = await program.call(inputs, call)
            if self._guard.forked:
                self._guard.check()
            self._answers.result(call, result)
        except BaseException as exc:
            self._guard.check()
            self._answers.failure(call, exc)
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

    def _cancel(self, id: int, why: str) -> None:
        call = self._calls.get(id)
        if call is None or call.cancel_why:
            return
        call.cancel_why = why
        if call.task is None:
            self._programs.drop(call)
            self._lms.drop(call)
            self._fail([call], call.stopped_fault())
        elif call.entered:  # else it sees cancel_why when it begins: a task cancelled before that never runs
            call.task.cancel()

    def _forget(self, call: Call) -> None:
        del self._calls[call.id]
        if self._draining:
            self._end_if_drained()

    def _end_if_drained(self) -> None:
        if not self._calls:
            self._end("drained", 0)


def build(definition: dict[str, Any], runtime: Runtime) -> Any:
    """Make the program of a definition. Imports user code; call it in a thread."""
    if definition.get("kind") == "func":
        return functions.build(definition)
    from . import programs  # imports dspy: only for those who need it

    return programs.build(definition, runtime)


def _imports(definition: dict[str, Any]) -> bool:
    """Tell whether building this program will run a module of the user's for the first time."""
    ref = definition.get("ref")
    return isinstance(ref, str) and ref.partition(":")[0] not in sys.modules


def _inputs(call: Call) -> dict[str, Any]:
    body, listed = call.body, call.meta.a
    call.body = None
    if listed is None:
        try:
            value = decode_unchecked(body)
        except Exception:
            value = decode(body)
        return value if type(value) is dict else _object(value, "the input")
    try:
        body, attachments = wire.split_attachments(body, listed)
    except ValueError as exc:
        raise Fault("protocol", str(exc), started="no") from None
    inputs = _object(decode(body) if len(body) else {}, "the input")
    for name in attachments:
        if name in inputs:
            raise Fault("invalid_argument", f"input.{name}: both in the JSON and among the attachments")
    return {**inputs, **attachments}


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Fault("invalid_argument", f"{what} must be a JSON object", started="no")
    return value
