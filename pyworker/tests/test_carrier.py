"""Carried calls: fast when they do not wait, and like a task of their own in every respect that code can see."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

from dspool_worker.carrier import Carriers
from dspool_worker.functions import Function

SEEN: ContextVar[str] = ContextVar("seen", default="nothing")


class Bench:
    """Carries calls on the running loop and keeps what came of them."""

    def __init__(self) -> None:
        self.results: dict[int, Any] = {}
        self.calls: list[Any] = []
        loop = asyncio.get_running_loop()
        self._carriers = Carriers(loop, self._inputs, self._keep, self._keep)

    def _inputs(self, call: Any) -> dict[str, Any]:
        inputs: dict[str, Any] = call.inputs
        return inputs

    def _keep(self, call: Any, outcome: Any) -> None:
        self.results[call.id] = outcome

    def add(self, function: Callable[..., Coroutine[Any, Any, Any]], **inputs: Any) -> Any:
        """Begin one call."""
        call: Any = SimpleNamespace(
            id=len(self.calls), inputs=inputs, program=Function(function), verdict=None, entered=False,
            task=None, coroutine=None, mark_started=lambda: None,
        )  # fmt: skip
        self.calls.append(call)
        self._carriers.add(call)
        return call

    async def outcomes(self) -> list[Any]:
        """Wait until every call has ended."""
        async with asyncio_timeout():
            while len(self.results) < len(self.calls):
                await asyncio.sleep(0)
        return [self.results[id] for id in range(len(self.calls))]


class asyncio_timeout:  # noqa: N801 - asyncio.timeout came with Python 3.11
    """Cancel the enclosing task after ten seconds."""

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handle = asyncio.get_running_loop().call_later(10, task.cancel)

    async def __aexit__(self, *exc: object) -> None:
        self._handle.cancel()


def test_calls_that_do_not_wait_share_a_task_and_no_context() -> None:
    async def short(value: str) -> tuple[str, int]:
        before = SEEN.get()
        SEEN.set(value)
        return before, id(asyncio.current_task())

    async def main() -> None:
        bench = Bench()
        for value in ("a", "b", "c"):
            bench.add(short, value=value)
        outcomes = await bench.outcomes()
        assert [before for before, _ in outcomes] == ["nothing"] * 3
        assert len({task for _, task in outcomes}) == 1
        bench.add(short, value="later")
        assert (await bench.outcomes())[3] == outcomes[0]

    asyncio.run(main())


def test_a_call_that_waits_keeps_its_task_and_its_context() -> None:
    async def long(value: str) -> tuple[bool, str]:
        SEEN.set(value)
        before = asyncio.current_task()
        for _ in range(3):
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        return before is asyncio.current_task(), SEEN.get()

    async def main() -> None:
        bench = Bench()
        for value in "abcd":
            bench.add(long, value=value)
        assert await bench.outcomes() == [(True, value) for value in "abcd"]
        assert len({call.task for call in bench.calls}) == 4
        assert SEEN.get() == "nothing"

    asyncio.run(main())


def test_a_task_that_somebody_holds_is_not_used_again() -> None:
    held: list[Any] = []

    async def strong() -> None:
        held.append(asyncio.current_task())

    async def weak() -> None:
        held.append(weakref.ref(asyncio.current_task()))

    async def plain() -> Any:
        return id(asyncio.current_task())

    async def main() -> None:
        bench = Bench()
        bench.add(strong)
        bench.add(plain)
        bench.add(weak)
        bench.add(plain)
        outcomes = await bench.outcomes()
        kept = held[0]
        assert outcomes[1] != id(kept)
        assert kept.done()
        kept.cancel()
        bench.add(plain)
        assert isinstance((await bench.outcomes())[-1], int)

    asyncio.run(main())


def test_a_call_that_cancels_its_own_task_without_waiting_harms_no_other() -> None:
    async def cancels() -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return "done"

    async def waits() -> str:
        await asyncio.sleep(0)
        return "waited"

    async def main() -> None:
        bench = Bench()
        bench.add(cancels)
        bench.add(waits)
        assert await bench.outcomes() == ["done", "waited"]

    asyncio.run(main())


def test_cancelling_reaches_the_code_that_waits() -> None:
    async def waits() -> str:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            raise
        return "never"

    async def main() -> None:
        bench = Bench()
        call = bench.add(waits)
        while call.task is None:
            await asyncio.sleep(0)
        call.task.cancel()
        (outcome,) = await bench.outcomes()
        assert isinstance(outcome, asyncio.CancelledError)

    asyncio.run(main())


def test_a_timeout_ends_only_its_own_block() -> None:
    async def times_out() -> str:
        try:
            await asyncio.wait_for(asyncio.sleep(3600), 0.01)
        except asyncio.TimeoutError:
            return "timed out"
        return "never"

    async def main() -> None:
        bench = Bench()
        bench.add(times_out)
        bench.add(times_out)
        assert await bench.outcomes() == ["timed out", "timed out"]

    asyncio.run(main())


def test_exceptions_of_the_first_and_of_later_steps_arrive() -> None:
    async def fails(late: bool) -> None:
        if late:
            await asyncio.sleep(0)
        raise SystemExit(3)

    async def main() -> None:
        bench = Bench()
        bench.add(fails, late=False)
        bench.add(fails, late=True)
        bench.add(fails, late=False)
        assert [type(outcome) for outcome in await bench.outcomes()] == [SystemExit] * 3

    asyncio.run(main())


def test_cancelling_every_task_of_the_loop_stops_no_later_call() -> None:
    async def plain() -> str:
        return "served"

    async def main() -> None:
        bench = Bench()
        bench.add(plain)
        await bench.outcomes()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        bench.add(plain)
        bench.add(plain)
        assert await bench.outcomes() == ["served"] * 3
        await asyncio.sleep(0)
        bench.add(plain)
        assert (await bench.outcomes())[-1] == "served"

    asyncio.run(main())
