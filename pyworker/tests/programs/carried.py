"""Coroutine functions that look at, keep or disturb the task that they run in."""

import asyncio
import contextvars
from typing import Any

KEPT: list[Any] = []
MARK: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="clean")


async def clean() -> str:
    """Finish in the first step and say what the context holds."""
    return MARK.get()


async def soil() -> str:
    """Leave something in the context."""
    MARK.set("soiled")
    return MARK.get()


async def keep() -> int:
    """Keep hold of the task; say how many different ones were kept so far."""
    KEPT.append(asyncio.current_task())
    return len({id(task) for task in KEPT})


async def cancel_itself() -> None:
    """Cancel the own task and wait."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(60)


async def cancel_itself_and_return() -> str:
    """Cancel the own task and come to an end all the same."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    return "done"


async def cancel_itself_and_recover() -> str:
    """Cancel the own task, catch that, and go on."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(0)
        return "recovered"
    return "not cancelled"


async def time_out() -> str:
    """Run into a timeout of the own making."""
    try:
        await asyncio.wait_for(asyncio.sleep(60), 0.02)
    except asyncio.TimeoutError:
        return "timed out"
    return "not timed out"


async def gather() -> list[int]:
    """Wait for children."""

    async def child(n: int) -> int:
        await asyncio.sleep(0)
        return n

    return list(await asyncio.gather(*(child(n) for n in range(3))))


async def give_way() -> str:
    """Wait for nothing but a turn of the loop."""
    for _ in range(3):
        await asyncio.sleep(0)
    task = asyncio.current_task()
    return "none" if task is None else "own"


async def fail() -> None:
    """Raise in the first step."""
    raise ValueError("first step")
