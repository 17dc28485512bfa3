"""The programs of the conformance suite in Python; package wiremock has the same ones in Go."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from typing import Any


class Broken(Exception):
    """What fail raises."""


async def echo(**inputs: Any) -> Any:
    return inputs["text"] if "text" in inputs else inputs


def upper(text: str) -> str:
    return text.upper()


async def sleep(ms: int) -> int:
    await asyncio.sleep(ms / 1000)
    return ms


def fail(code: str, message: str) -> None:
    raise Broken(message)


def crash() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def exit(code: int) -> None:
    os._exit(code)


async def stream(n: int) -> AsyncIterator[int]:
    for i in range(n):
        yield i


def hang() -> None:
    while True:
        try:
            time.sleep(0.02)
        except BaseException:  # ignores every request to stop
            pass


async def heed() -> None:
    await asyncio.sleep(3600)


async def bytes(data: Any) -> Any:
    return data


def flood_stderr(bytes: int) -> int:
    for _ in range(bytes // 100 + 1):
        sys.stderr.write("e" * 99 + "\n")
    return bytes


def pid() -> int:
    return os.getpid()


def environ(names: list[str]) -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in names}


def say(text: str) -> None:
    print(text, flush=True)


class Counter:
    """An object that is lost with its worker."""

    def __init__(self, start: int = 0) -> None:
        self.value = start

    def add(self, n: int) -> int:
        self.value += n
        return self.value

    async def sleep(self, ms: int) -> int:
        await asyncio.sleep(ms / 1000)
        return self.value

    def fail(self) -> None:
        raise Broken("the method failed")

    def crash(self) -> None:
        crash()

    def pid(self) -> int:
        return os.getpid()


class Kept(Counter):
    """An object that can be made again in another worker."""

    def __dspool_snapshot__(self) -> Any:
        return {"Value": self.value}

    @classmethod
    def __dspool_restore__(cls, state: Any) -> Kept:
        return cls(state["Value"])
