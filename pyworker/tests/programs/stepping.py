"""Functions whose first step does what a carrier could overlook."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
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


def _scheduled(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(**inputs: Any) -> Any:
        return asyncio.ensure_future(function(**inputs))

    return wrapper


@_scheduled
async def scheduled(text: str) -> str:
    """Return the text, from a task."""
    return text


def _asynchronous(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(**inputs: Any) -> Any:
        await asyncio.sleep(0)
        return function(**inputs)

    return wrapper


@_asynchronous
def asynchronous(text: str) -> str:
    """Return the text; what is called is a coroutine function."""
    return text


class _Callable:
    async def __call__(self, text: str) -> str:
        await asyncio.sleep(0)
        return text


instance = _Callable()


async def nameless() -> None:
    """Raise an exception whose class has no module's name."""
    raise type("Nameless", (Exception,), {"__module__": None})("without a home")
