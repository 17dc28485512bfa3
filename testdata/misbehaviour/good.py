"""The neighbour: what every misbehaving module is measured against."""

import asyncio
import os


async def echo(text: str) -> str:
    """Give the text back."""
    return text


async def wait(seconds: float) -> int:
    """Stay in flight for a while without using the processor; say who served."""
    await asyncio.sleep(seconds)
    return os.getpid()


def pid() -> int:
    """Say which process served."""
    return os.getpid()
