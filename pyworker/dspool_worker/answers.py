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

_encode_fault = msgspec.json.Encoder().encode
_Cancelled = asyncio.CancelledError


class Answers:
    """Writes answers to one connection."""

    def __init__(self, connection: Connection) -> None:
        self._send = connection.send_frame

    def result(self, call: Call, result: Any) -> None:
        """End a call with its result; a plain value stands for itself."""
        extra: dict[str, Any] = {}
        if type(result) is Result:
            body = self._body(result, extra)
        elif type(result) is bytes:
            body = self._body(Result(attachments={"": result}), extra)
        else:
            body = encode(result)
        now = time.monotonic_ns()
        began = call.began or now
        times = b'"q":%d,"r":%d}' % ((began - call.arrived) // 1000, (now - began) // 1000)
        meta = b"{" + times if not extra else wire.encode_meta(extra)[:-1] + b"," + times
        self._send(wire.RESULT, call.id, meta, body)

    def _body(self, result: Result, extra: dict[str, Any]) -> bytes:
        if result.usage:
            extra["u"] = result.usage
        value, attachments = result.value, result.attachments
        if type(value) is bytes:
            value, attachments = None, {"": value}
        if not attachments:
            return bytes(value) if type(value) is msgspec.Raw else encode(value)
        extra["a"] = [(name, len(data)) for name, data in attachments.items()]
        head = b"" if "" in attachments else encode(value)
        return b"".join((head, *attachments.values()))

    def failure(self, call: Call, exc: BaseException) -> None:
        """End a call with what went wrong."""
        if call.cancel_why:
            fault = call.stopped_fault()
        elif isinstance(exc, _Cancelled):
            fault = Fault("program_error", "the program was cancelled from within", type="CancelledError")
        else:
            fault = to_fault(exc, _secrets(call))
        if fault.started is None:
            fault.started = "yes" if call.started else "no"
        self.error(call.id, fault)

    def error(self, id: int, fault: Fault) -> None:
        """Send ERROR."""
        self._send(wire.ERROR, id, b"", _encode_fault(fault.to_dict()))

    def need(self, kind: str, hash: str) -> None:
        """Ask for a definition."""
        self._send(wire.NEED, 0, wire.encode_meta({"k": kind, "h": hash}), b"")

    def pong(self, id: int, lag: int, running: int, body: bytes) -> None:
        """Answer PING."""
        meta: dict[str, int] = {"lag": lag, "running": running}
        if (rss := resident()) > 0:
            meta["rss"] = rss
        self._send(wire.PONG, id, wire.encode_meta(meta), body)


def _secrets(call: Call) -> tuple[str, ...]:
    key = (call.lm or {}).get("api_key")
    return (key,) if isinstance(key, str) else ()
