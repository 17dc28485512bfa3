"""For programs: ask the host that runs this worker."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import Any

from .calls import CURRENT
from .errors import Fault


async def call(method: str, args: Any) -> Any:
    """Call a function of the host's and wait for the result. Only inside a call, on the event loop."""
    current = CURRENT.get(None)
    if current is None:
        raise Fault("unsupported", "host.call works only while a call runs")
    return await current.runtime.host.call(method, args, current.id)


def call_sync(method: str, args: Any) -> Any:
    """Do the same from a sync function; it holds up its thread until the host answers."""
    current = CURRENT.get(None)
    if current is None:
        raise Fault("unsupported", "host.call_sync works only while a call runs")
    loop = current.runtime.loop
    pending = asyncio.run_coroutine_threadsafe(call(method, args), loop)
    try:
        while True:
            try:
                # Waits in slices: an exception that is to end this thread lands between them.
                return pending.result(timeout=0.1)
            except concurrent.futures.TimeoutError:  # a class of its own before Python 3.11
                if pending.done():
                    raise
    except BaseException:
        pending.cancel()
        raise
