"""HTTP for DSPy's own clients, sent by the host: no key and no socket is needed in this process.

`AsyncTransport` and `SyncTransport` have the shape of those in DSPy's vendored
client. A request carries `KEY` wherever the key belongs; the host puts the real
one there, for the language model's own address only.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from . import host
from .errors import Fault
from .hostcalls import Answer, Pieces

# By name: the types of the vendored client would hide the rest of dspy, which has none, from type checkers.
lm15: Any = importlib.import_module("dspy.lm15")
transports: Any = importlib.import_module("dspy._vendor.lm15.transports")

#: Stands where the host puts the key.
KEY = "dspool-key"
#: What keeps otherwise equal requests apart in the host's cache; DSPy does not send it to providers.
ROLLOUT: ContextVar[str] = ContextVar("dspool_rollout", default="")
#: The language model that the one asked now stands in for, and how that one failed.
INSTEAD: ContextVar[tuple[str, str] | None] = ContextVar("dspool_instead", default=None)
_METHOD = "lm"
_STREAMS = (b'"stream": true', b'"stream":true')
_CLASSES = {
    "lm_auth": lm15.AuthError,
    "lm_billing": lm15.BillingError,
    "lm_rate_limit": lm15.RateLimitError,
    "lm_server": lm15.ServerError,
    "lm_timeout": lm15.TimeoutError,
    "deadline_exceeded": lm15.TimeoutError,
    "lm_transport": lm15.TransportError,
    "lm_not_configured": lm15.NotConfiguredError,
    "unavailable": lm15.TransportError,
}


class AsyncTransport:
    """Sends requests on behalf of the call that makes them."""

    def __init__(self, lm: str) -> None:
        self._lm = lm

    def stream(self, request: Any) -> AbstractAsyncContextManager[Any]:
        """Send a request; the response is what the block is entered with."""
        return _Streamed(self._lm, request) if streams(request) else _Whole(self._lm, request)


class _Whole:
    """An exchange whose response comes at once."""

    def __init__(self, lm: str, request: Any) -> None:
        self._lm = lm
        self._request = request

    async def __aenter__(self) -> Any:
        call, request = host.current_call(), self._request
        try:
            answer = await call.runtime.host.ask(_METHOD, _extra(self._lm, request), request.body, call.id)
        except Fault as exc:
            raise as_error(exc) from exc
        return _response(answer, _one(answer.body))

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class _Streamed:
    """An exchange whose response comes in pieces; the host stops when the block ends."""

    def __init__(self, lm: str, request: Any) -> None:
        self._lm = lm
        self._request = request
        self._pieces: Pieces | None = None

    async def __aenter__(self) -> Any:
        call, request = host.current_call(), self._request
        pieces = self._pieces = call.runtime.host.pieces(_METHOD, _extra(self._lm, request), request.body, call.id)
        try:
            head = await anext(pieces)
        except BaseException as exc:
            pieces.close()
            if isinstance(exc, Fault):
                raise as_error(exc) from exc
            raise
        return _response(head, _bodies(pieces))

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pieces is not None:
            self._pieces.close()


class SyncTransport:
    """The same for sync code, which runs in a thread while the event loop does the talking."""

    def __init__(self, lm: str) -> None:
        self._lm = lm

    def stream(self, request: Any) -> AbstractContextManager[Any]:
        """Send a request; the response is what the block is entered with."""
        return _SyncExchange(self._lm, request)


class _SyncExchange:
    def __init__(self, lm: str, request: Any) -> None:
        self._exchange = AsyncTransport(lm).stream(request)

    def __enter__(self) -> Any:
        if _on_a_loop():
            raise Fault("unsupported", "sync code on the event loop cannot wait for a language model: use acall")
        found = host.run_sync(self._exchange.__aenter__)
        return transports.TransportResponse(
            status=found.status,
            reason=found.reason,
            headers=found.headers,
            http_version=found.http_version,
            chunks=_chunks(found),
            release=_released,
        )

    def __exit__(self, *exc: object) -> None:
        async def end() -> None:
            await self._exchange.__aexit__(None, None, None)

        host.run_sync(end)


def streams(request: Any) -> bool:
    """Tell whether a request asks for an answer in pieces. A wrong yes costs a little time, no more."""
    return any(mark in request.body for mark in _STREAMS) or "stream" in request.url.lower()


def as_error(fault: Fault) -> Exception:
    """Give a failure of the host's as DSPy's client raises its own; the fault stays its cause."""
    seconds = None if fault.retry_after_ms is None else fault.retry_after_ms / 1000
    cls = _CLASSES.get(fault.code)
    return fault if cls is None else cls(fault.message, retry_after=seconds)


def _on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _extra(lm: str, request: Any) -> Any:
    extra = (lm, request.method, request.url, request.headers, ROLLOUT.get())
    instead = INSTEAD.get()
    return extra if instead is None else (*extra, instead)


def _response(head: Answer, chunks: AsyncIterator[bytes]) -> Any:
    try:
        status, headers = head.extra
        found = [(str(name), str(value)) for name, value in headers]
    except (TypeError, ValueError):
        raise transports.ProtocolError("the host's answer has no status and headers") from None
    return transports.AsyncTransportResponse(
        status=status, reason="", headers=found, http_version="HTTP/1.1", chunks=chunks, release=_areleased
    )


async def _one(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _bodies(pieces: Pieces) -> AsyncIterator[bytes]:
    try:
        async for piece in pieces:
            yield piece.body
    except Fault as exc:
        raise as_error(exc) from exc


def _chunks(response: Any) -> Iterator[bytes]:
    iterator = aiter(response)

    async def following() -> bytes | None:
        return await anext(iterator, None)

    while (chunk := host.run_sync(following)) is not None:
        yield chunk


def _released(_: bool) -> None:
    """Nothing is held here."""


async def _areleased(_: bool) -> None:
    """Nothing is held here."""
