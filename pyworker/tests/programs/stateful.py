"""Classes whose objects live in a worker."""

from __future__ import annotations

import asyncio
import os
import pathlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any


class Counter:
    """Counts; keeps no snapshot."""

    made = 0

    def __init__(self, start: int = 0, log: str = "") -> None:
        if start < 0:
            raise ValueError("cannot start below zero")
        type(self).made += 1
        self.value = start
        self.log = log

    def add(self, n: int = 1) -> int:
        self.value += n
        return self.value

    async def add_later(self, n: int, ms: int = 1) -> int:
        seen = self.value
        await asyncio.sleep(ms / 1000)
        self.value = seen + n
        return self.value

    def add_slowly(self, n: int, ms: int) -> int:
        time.sleep(ms / 1000)
        return self.add(n)

    def count(self) -> Iterator[int]:
        while self.value < 3:
            yield self.add()

    async def count_later(self) -> AsyncIterator[int]:
        for item in self.count():
            yield item

    def fail(self) -> None:
        self.value += 100
        raise RuntimeError("no")

    def end(self) -> None:
        os._exit(3)

    def total(self) -> int:
        return type(self).made

    def data(self) -> bytes:
        return b"\x00\x01"

    @classmethod
    def name(cls) -> str:
        return cls.__name__

    def _private(self) -> int:
        return self.value

    def close(self) -> None:
        if self.log:
            with pathlib.Path(self.log).open("a") as file:
                file.write(f"closed at {self.value}\n")


class Kept(Counter):
    """Counts, and can be made again elsewhere."""

    def __dspool_snapshot__(self) -> Any:
        if self.value == 666:
            raise RuntimeError("cannot be written")
        return {"value": self.value, "more": "x" * (self.value if self.value > 10_000 else 0)}

    @classmethod
    def __dspool_restore__(cls, state: Any) -> Kept:
        return cls(start=state["value"])


class KeptLater(Counter):
    """Does the same with coroutines, and with a slow end."""

    def __dspool_snapshot__(self) -> Any:
        return self.value

    @classmethod
    async def __dspool_restore__(cls, state: Any) -> KeptLater:
        await asyncio.sleep(0)
        return cls(start=state)

    async def aclose(self) -> None:
        await asyncio.sleep(0.01)
        self.close()


class HalfKept:
    """Lacks the hook that would make it again."""

    def get(self) -> int:
        return 1

    def __dspool_snapshot__(self) -> int:
        return 1
