"""Calls the other way: the worker asks the host."""

from __future__ import annotations

import asyncio
import collections
from typing import Any, Protocol

import msgspec

from . import wire
from .connection import Connection
from .encoding import decode, encode
from .errors import Fault

_CREDIT = 32


class Answer(msgspec.Struct, gc=False):
    """What the host answered, or a piece of it: a value, and bytes beside it."""

    extra: Any
    body: bytes


class _Waiter(Protocol):
    """Who waits for the answer to one host call."""

    def on_answer(self, kind: int, flags: int, meta: Any, body: Any) -> None:
        """Take a piece, the result, or the error."""


class HostCalls:
    """Host calls in flight, by ids of their own. Used from the loop's thread only."""

    def __init__(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        self._connection = connection
        self._loop = loop
        self._last = 0
        self._flying: dict[int, _Waiter] = {}

    async def call(self, method: str, args: Any, call: int = 0) -> Any:
        """Ask the host and wait for its answer; its failures are raised as Fault."""
        waiter = _Value(self._loop)
        meta = {"m": method, "c": call} if call else {"m": method}
        return await self._asked(self._ask(waiter, meta, encode(args), 0), waiter.future)

    async def ask(self, method: str, extra: Any, body: bytes, call: int) -> Answer:
        """Do the same with bytes instead of JSON, and a value beside them."""
        waiter = _Bytes(self._loop)
        id = self._ask(waiter, {"m": method, "c": call, "x": extra}, body, wire.RAW)
        return await self._asked(id, waiter.future)  # type: ignore[no-any-return]

    def pieces(self, method: str, extra: Any, body: bytes, call: int) -> Pieces:
        """Ask for an answer in pieces. They have to be closed."""
        waiter = Pieces(self, self._loop)
        meta = {"m": method, "c": call, "s": _CREDIT, "x": extra}
        waiter.id = self._ask(waiter, meta, body, wire.RAW)
        return waiter

    def on_answer(self, kind: int, flags: int, id: int, meta: Any, body: Any) -> None:
        """Take HOSTEVENT, HOSTRESULT or HOSTERROR; one that nobody waits for is dropped."""
        waiter = self._flying.get(id) if kind == wire.HOSTEVENT else self._flying.pop(id, None)
        if waiter is not None:
            waiter.on_answer(kind, flags, meta, body)

    def cancel(self, id: int) -> None:
        """Tell the host that nobody waits any more, unless it has answered."""
        if self._flying.pop(id, None) is not None:
            self._connection.send_frame(wire.HOSTCANCEL, id, b"", b"")

    def credit(self, id: int, pieces: int) -> None:
        """Let the host send more pieces."""
        if id in self._flying:
            self._connection.send_frame(wire.HOSTCREDIT, id, b'{"n":%d}' % pieces, b"")

    def _ask(self, waiter: _Waiter, meta: dict[str, Any], body: bytes, flags: int) -> int:
        self._last += 1
        id = self._last
        self._connection.send_frame(wire.HOSTCALL, id, wire.encode_meta(meta), body, flags)
        self._flying[id] = waiter
        return id

    async def _asked(self, id: int, answer: asyncio.Future[Any]) -> Any:
        try:
            return await answer
        except asyncio.CancelledError:
            self.cancel(id)
            raise


class _Value:
    """Waits for one JSON value."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.future: asyncio.Future[Any] = loop.create_future()

    def on_answer(self, kind: int, flags: int, meta: Any, body: Any) -> None:
        if self.future.done() or kind == wire.HOSTEVENT:
            return
        try:
            self.future.set_result(self._read(kind, flags, meta, body))
        except Fault as exc:
            self.future.set_exception(exc)

    def _read(self, kind: int, flags: int, meta: Any, body: Any) -> Any:  # noqa: ARG002 - other waiters read the meta
        if kind == wire.HOSTERROR:
            raise _fault(body)
        if flags & wire.RAW:
            return bytes(body)
        return _json(body)


class _Bytes(_Value):
    """Waits for bytes and the value beside them."""

    def _read(self, kind: int, flags: int, meta: Any, body: Any) -> Any:  # noqa: ARG002
        if kind == wire.HOSTERROR:
            raise _fault(body)
        return _answer(meta, body)


class Pieces:
    """An answer in pieces: iterate over it, and close it. For one reader."""

    id = 0

    def __init__(self, host: HostCalls, loop: asyncio.AbstractEventLoop) -> None:
        self._host = host
        self._loop = loop
        self._come: collections.deque[Answer | Fault | None] = collections.deque()  # None: the end
        self._waiting: asyncio.Future[None] | None = None
        self._taken = 0

    def on_answer(self, kind: int, flags: int, meta: Any, body: Any) -> None:  # noqa: ARG002
        """Keep what has come and wake the reader."""
        try:
            if kind == wire.HOSTERROR:
                raise _fault(body)
            if kind == wire.HOSTEVENT or len(body) or len(meta):
                self._come.append(_answer(meta, body))
        except Fault as exc:
            self._come.append(exc)
        if kind == wire.HOSTRESULT:
            self._come.append(None)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def __aiter__(self) -> Pieces:
        return self

    async def __anext__(self) -> Answer:
        """Give the next piece; the host's failures are raised as Fault."""
        while not self._come:
            self._waiting = self._loop.create_future()
            await self._waiting
        piece = self._come.popleft()
        if piece is None:
            self._come.append(None)
            raise StopAsyncIteration
        if isinstance(piece, Fault):
            raise piece
        self._taken += 1
        if self._taken * 2 >= _CREDIT:
            self._host.credit(self.id, self._taken)
            self._taken = 0
        return piece

    def close(self) -> None:
        """Tell the host, if it has not finished, that nobody reads on."""
        self._host.cancel(self.id)


def _answer(meta: Any, body: Any) -> Answer:
    try:
        return Answer(wire.decode_host_answer(meta).x if meta else None, bytes(body))
    except wire.META_ERRORS as exc:
        raise Fault("protocol", f"the meta of the host's answer is malformed: {exc}") from None


def _json(body: Any) -> Any:
    try:
        return decode(body) if len(body) else None
    except Fault as exc:
        raise Fault("protocol", f"the host's answer is malformed: {exc.message}") from None


def _fault(body: Any) -> Fault:
    try:
        return msgspec.convert(_json(body), _Remote).to_fault()
    except msgspec.ValidationError:
        return Fault("internal", "the host refused without a sound reason")


class _Remote(msgspec.Struct):
    code: str
    message: str = ""
    retry_after_ms: int | None = None
    details: dict[str, str] | None = None

    def to_fault(self) -> Fault:
        return Fault(self.code, self.message, retry_after_ms=self.retry_after_ms, details=self.details)
