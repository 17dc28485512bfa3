"""The frames that a worker sends, built from what they mean."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec

from . import wire
from .calls import Call, Result
from .connection import Connection
from .encoding import encode
from .errors import Fault, to_fault
from .memory import resident
from .scrub import secrets_of
from .spans import sampled, written

_encode_fault = msgspec.json.Encoder().encode
_Cancelled = asyncio.CancelledError
_RESULT = wire.RESULT
_now = time.monotonic


class Answers:
    """Writes answers to one connection."""

    def __init__(self, connection: Connection) -> None:
        self._send = connection.send_frame

    def result(self, call: Call, result: Any) -> None:
        """End a call with its result; a plain value stands for itself."""
        kind, extra = type(result), None
        if kind is Result or kind is bytes:
            body, extra = _opened(result)
        else:
            body = encode(result)
        now, began = _now(), call.began
        meta = b'{"q":%d,"r":%d}' % ((began - call.arrived) * 1e6, (now - began) * 1e6)
        if call.meta.t and sampled(call.meta.t):
            meta = meta[:-1] + b',"t":' + written(call.spans, call.arrived, began) + b"}"
        if extra:
            meta = wire.encode_meta(extra)[:-1] + b"," + meta[1:]
        self._send(_RESULT, call.id, meta, body)

    def failure(self, call: Call, exc: BaseException) -> None:
        """End a call with what went wrong."""
        if call.verdict is not None:
            fault = call.stopped_fault()
        elif isinstance(exc, _Cancelled):
            fault = Fault("program_error", "the program was cancelled from within", type="CancelledError")
        else:
            fault = _told(exc, call)
        if fault.started is None:
            fault.started = "yes" if call.started else "no"
        self.error(call.id, fault, _traced(call, exc))

    def error(self, id: int, fault: Fault, meta: bytes = b"") -> None:
        """Send ERROR."""
        self._send(wire.ERROR, id, meta, _encode_fault(fault.to_dict()))

    def need(self, kind: str, hash: str) -> None:
        """Ask for a definition."""
        self._send(wire.NEED, 0, wire.encode_meta({"k": kind, "h": hash}), b"")

    def pong(self, flags: int, id: int, lag: int, running: int, body: bytes) -> None:
        """Answer PING."""
        meta: dict[str, int] = {"lag": lag, "running": running}
        if (rss := resident()) > 0:
            meta["rss"] = rss
        self._send(wire.PONG, id, wire.encode_meta(meta), body, flags)


def _traced(call: Call, exc: BaseException) -> bytes:
    """Give the meta of a failed call: its spans if it is traced."""
    if not sampled(call.meta.t):
        return b""
    return b'{"t":' + written(call.spans, call.arrived, call.began, type(exc).__name__) + b"}"


def _told(exc: BaseException, call: Call) -> Fault:
    """Describe an exception even if its class is made so that nobody can."""
    try:
        fault = to_fault(exc, tuple(secrets_of(call.lm or {})))
        _encode_fault(fault.to_dict())
    except BaseException:  # a call without an answer is worse than an answer without a reason
        return Fault("program_error", "the program raised an exception that cannot be described")
    return fault


def _opened(result: Result | bytes) -> tuple[bytes, dict[str, Any]]:
    """Give the body of a result and the members that its meta needs."""
    if isinstance(result, bytes):
        return result, {"a": [("", len(result))]}
    extra: dict[str, Any] = {"u": result.usage} if result.usage else {}
    state = result.state or b""
    if state:
        extra["d"] = len(state)
    if type(result.value) is bytes:
        return result.value + state, {**extra, "a": [("", len(result.value))]}
    if not result.attachments:
        return encode(result.value) + state, extra
    extra["a"] = [(name, len(data)) for name, data in result.attachments.items()]
    head = b"" if "" in result.attachments else encode(result.value)
    return b"".join((head, *result.attachments.values(), state)), extra
