"""The function that `dspool chaos` and `dspool soak` call."""

import asyncio
import functools
import os


@functools.lru_cache(maxsize=4)
def traces(path: str) -> int:
    """Open the file of traces, once a worker. Small appends are atomic."""
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)


async def work(id: int, text: str, traces_to: str = "", ms: int = 0) -> str:
    """Leave a trace that the call has run, take a while, and turn the text round."""
    if traces_to:
        os.write(traces(traces_to), b"%d\n" % id)
    if ms:
        await asyncio.sleep(ms / 1000)
    return f"{id}:{text[::-1]}"
