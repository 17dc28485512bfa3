"""Functions whose first step does what a carrier could overlook."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from pydantic import BeforeValidator

SEEN: list[str] = []


async def sleep(first: bool) -> str:
    """Return at once, or wait long."""
    if not first:
        await asyncio.sleep(60)
    return "slept"


async def _child() -> None:
    try:
        await asyncio.sleep(60)
    finally:
        SEEN.append("child stopped")


async def gather(first: bool) -> list[str]:
    """Return what was seen, or wait for children."""
    if not first:
        await asyncio.gather(_child(), _child())
    return SEEN


def _exhausted(value: Any) -> Any:
    return next(iter(()))


async def check(value: Annotated[list[int], BeforeValidator(_exhausted)]) -> int:
    """Take an input whose check raises StopIteration."""
    return len(value)
