"""Sync DSPy programs in a thread, their LM streams included."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from .calls import Call
from .streams import Sink


async def in_thread(call: Call, sink: Sink | None, function: Callable[[], Any]) -> Any:
    """Run a sync program in a thread, so that the loop stays free.

    Its streams come back to this loop; when the call is cancelled, a thread
    that waits for the caller to take a piece is let go first.
    """
    if sink is None:
        return await call.in_thread(function)
    token = _token()
    running = asyncio.ensure_future(call.in_thread(_with_token, token, function))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        running.cancel()
        sink.release()
        await asyncio.wait([running])
        raise


def _token() -> Any:
    from anyio.lowlevel import current_token

    return current_token()


def _with_token(token: Any, function: Callable[[], Any]) -> Any:
    """Run function as anyio's own threads would: DSPy sends its pieces through anyio."""
    from anyio.from_thread import threadlocals  # type: ignore[attr-defined]

    threadlocals.current_token = token
    try:
        return function()
    finally:
        del threadlocals.current_token
