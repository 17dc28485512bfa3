"""What health checks meet."""

import asyncio
import time


async def wait() -> None:
    await asyncio.sleep(60)


async def burn(n: int) -> int:
    """Keep the processor busy in C code that never lets go of the interpreter."""
    return sum(range(n))


def block(seconds: float) -> None:
    """Take one of the worker's threads."""
    time.sleep(seconds)
