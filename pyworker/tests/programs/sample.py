"""Functions for the worker's own tests."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import decimal
import enum
import os
import random
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Generator, Iterator
from contextvars import ContextVar
from typing import Annotated, Any, Literal

import pydantic
from typing_extensions import TypedDict

from dspool_worker import host

SEEN: ContextVar[str] = ContextVar("seen", default="nothing")
RUNNING: list[str] = []


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.0


class Item(pydantic.BaseModel):
    name: str
    price: float


class Options(TypedDict):
    deep: bool


def add(a: int, b: int = 2) -> int:
    return a + b


def anything(**inputs: Any) -> Any:
    return inputs


def same(value: Any) -> Any:
    return value


async def same_async(value: Any) -> Any:
    return value


def order(items: list[Item], colour: Colour = Colour.RED) -> list[str]:
    assert isinstance(colour, Colour)
    return [f"{item.name}: {item.price}" for item in items]


def typed(
    when: datetime.datetime | None = None,
    day: datetime.date | None = None,
    point: Point | None = None,
    options: Options | None = None,
    mode: Literal["a", "b"] = "a",
    data: bytes = b"",
    count: Annotated[int, pydantic.Field(ge=1)] = 1,
) -> str:
    return repr((when, day, point, options, mode, data, count))


def rich() -> dict[str, Any]:
    return {
        "when": datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc),
        "item": Item(name="pen", price=1.5),
        "point": Point(1, 2.0),
        "colour": Colour.RED,
        "tuple": (1, 2),
        "set": {7},
        "bytes": b"\x00\xff",
        "decimal": decimal.Decimal("1.10"),
        "none": None,
        "big": 2**200,
    }


def nan_in_model() -> Item:
    return Item(name="pen", price=float("nan"))


def half_a_character() -> list[dict[str, str]]:
    return [{"ok": "x"}, {"name": "\udc00"}]


def blob(size: int) -> bytes:
    return b"\x01" * size


def size_of(data: bytes, note: str = "") -> str:
    return f"{len(data)} {note}"


async def task_name_and_context(value: str) -> list[Any]:
    before = SEEN.get()
    SEEN.set(value)
    task = asyncio.current_task()
    async with asyncio.timeout(5) if hasattr(asyncio, "timeout") else _Nothing():
        return [before, SEEN.get(), task is not None]


class _Nothing:
    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *exc: object) -> None: ...


def numbers(count: int) -> Generator[int, None, int]:
    yield from range(count)
    return count


async def numbers_async(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


def fails_after(count: int) -> Iterator[int]:
    yield from range(count)
    raise ValueError("no more")


def endless() -> Iterator[int]:
    RUNNING.append("endless")
    try:
        number = 0
        while True:
            yield number
            number += 1
    finally:
        RUNNING.remove("endless")


async def endless_async() -> AsyncIterator[int]:
    RUNNING.append("endless_async")
    try:
        while True:
            yield 0
            await asyncio.sleep(0)
    finally:
        RUNNING.remove("endless_async")


async def running() -> list[str]:
    return RUNNING


async def slow_to_stop() -> None:
    """Take a while to clean up."""
    try:
        await asyncio.sleep(3600)
    finally:
        await asyncio.sleep(0.2)


def spin() -> None:
    RUNNING.append("spin")
    try:
        while True:
            time.sleep(0.001)
    finally:
        time.sleep(0.1)
        RUNNING.remove("spin")


def stubborn(times: int) -> str:
    """Swallow so many interrupts."""
    for _ in range(times):
        try:
            while True:
                time.sleep(0.001)
        except BaseException:
            continue
    return "survived"


def wait_in_thread(seconds: float) -> str:
    time.sleep(seconds)
    return threading.current_thread().name


async def block(seconds: float) -> None:
    """Hold up the event loop."""
    time.sleep(seconds)


async def cancels_itself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(1)


async def exits_in_a_task() -> None:
    async def inner() -> None:
        raise SystemExit(9)

    await asyncio.ensure_future(inner())


async def stops_the_loop() -> str:
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0.01)
    return "still here"


async def asks_host(method: str, args: Any) -> Any:
    return await host.call(method, args)


async def asks_host_for_pieces(count: int) -> Any:
    call = host.current_call()
    pieces = call.runtime.host.pieces("pieces", ["some"], b"\xff", call.id)
    extras, body = [], b""
    try:
        async for piece in pieces:
            extras.append(piece.extra)
            body += piece.body
            if len(extras) == count:
                break
    finally:
        pieces.close()
    return [extras, body.decode()]


def asks_host_sync(method: str, args: Any) -> Any:
    return host.call_sync(method, args)


def forks_and_returns(text: str) -> str:
    os.fork()
    return text


def leaves_a_child() -> int:
    pid = os.fork()
    if pid == 0:
        while True:
            time.sleep(1)
    return pid


def descriptors_of_a_child() -> list[str]:
    """Say what a subprocess finds open."""
    done = subprocess.run(["ls", "-l", "/proc/self/fd"], check=True, capture_output=True, text=True, close_fds=False)
    return done.stdout.splitlines()


def random_number() -> int:
    return random.getrandbits(64)


def leaves_a_subprocess() -> int:
    """Start a process that stays in the worker's group."""
    return subprocess.Popen(["sleep", "600"]).pid
