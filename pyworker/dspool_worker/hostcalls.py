"""Calls the other way: the worker asks the host."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from . import wire
from .connection import Connection
from .encoding import decode, encode
from .errors import Fault


class HostCalls:
    """Host calls in flight, by ids of their own. Used from the loop's thread only."""

    def __init__(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        self._connection = connection
        self._loop = loop
        self._last = 0
        self._flying: dict[int, asyncio.Future[Any]] = {}

    async def call(self, method: str, args: Any, call: int = 0) -> Any:
        """Ask the host and wait for its answer; its failures are raised as Fault."""
        body = encode(args)
        self._last += 1
        id = self._last
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._flying[id] = answer
        meta = {"m": method, "c": call} if call else {"m": method}
        self._connection.send_frame(wire.HOSTCALL, id, wire.encode_meta(meta), body)
        try:
            return await answer
        except asyncio.CancelledError:
            if id in self._flying:
                self._connection.send_frame(wire.HOSTCANCEL, id, b"", b"")
            raise
        finally:
            self._flying.pop(id, None)

    def on_answer(self, kind: int, flags: int, id: int, body: Any) -> None:
        """Take HOSTRESULT or HOSTERROR; one that nobody waits for is dropped."""
        answer = self._flying.pop(id, None)
        if answer is None or answer.done():
            return
        if flags & wire.RAW and kind == wire.HOSTRESULT:
            answer.set_result(bytes(body))
            return
        try:
            value = decode(body) if len(body) else None
        except Fault as exc:
            answer.set_exception(Fault("protocol", f"the host's answer is malformed: {exc.message}"))
            return
        if kind == wire.HOSTRESULT:
            answer.set_result(value)
        else:
            answer.set_exception(_fault(value))


def _fault(value: Any) -> Fault:
    try:
        return msgspec.convert(value, _Remote).to_fault()
    except msgspec.ValidationError:
        return Fault("internal", "the host refused without a sound reason")


class _Remote(msgspec.Struct):
    code: str
    message: str = ""
    retry_after_ms: int | None = None
    details: dict[str, str] | None = None

    def to_fault(self) -> Fault:
        return Fault(self.code, self.message, retry_after_ms=self.retry_after_ms, details=self.details)
