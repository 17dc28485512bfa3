"""What a CALL brings: the JSON object of its inputs, and those that are bytes."""

from __future__ import annotations

from typing import Any

from . import wire
from .calls import Call
from .encoding import decode, decode_unchecked
from .errors import Fault
from .longtext import LONG


def read_inputs(call: Call) -> dict[str, Any]:
    """Take the inputs out of a call, which keeps no copy; Fault if they are no object."""
    body, listed = call.body, call.meta.a
    call.body = None
    if call.meta.d:
        body, call.state = _cut(body, call.meta.d)
    if listed is None:
        try:
            value = decode_unchecked(body) if len(body) < LONG else decode(body)
        except Exception:
            value = decode(body)  # once more, for the error
        return value if type(value) is dict else _object(value)
    try:
        body, attachments = wire.split_attachments(body, listed)
    except ValueError as exc:
        raise Fault("protocol", str(exc), started="no") from None
    inputs = _object(decode(body) if len(body) else {})
    for name in attachments:
        if name in inputs:
            raise Fault("invalid_argument", f"input.{name}: both in the JSON and among the attachments")
    return {**inputs, **attachments}


def _cut(body: Any, size: int) -> tuple[Any, Any]:
    try:
        return wire.cut_state(body, size)
    except ValueError as exc:
        raise Fault("protocol", str(exc), started="no") from None


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Fault("invalid_argument", "the input must be a JSON object")
    return value
