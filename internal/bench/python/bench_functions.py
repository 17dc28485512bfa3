"""The functions that `dspool bench` measures."""

import asyncio


async def echo(text: str) -> str:
    """Give the text back."""
    return text


async def wait(seconds: float) -> float:
    """Be in flight for that long."""
    await asyncio.sleep(seconds)
    return seconds
