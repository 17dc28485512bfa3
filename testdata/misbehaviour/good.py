"""The neighbour: what every misbehaving module is measured against."""

import os
from asyncio import sleep
from collections.abc import AsyncIterator


async def echo(text: str) -> str:
    """Give the text back."""
    return text


async def wait(seconds: float) -> int:
    """Stay in flight for a while without using the processor; say who served."""
    await sleep(seconds)
    return os.getpid()


def pid() -> int:
    """Say which process served."""
    return os.getpid()


async def linger(seconds: float) -> AsyncIterator[int]:
    """Say at once that it runs, and again when it is done."""
    yield 1
    await sleep(seconds)
    yield 2
