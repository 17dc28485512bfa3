"""Fixtures: workers and fork servers that never outlive their test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from host import Worker, Zygote, leftovers

from dspool_worker import markers


@pytest.fixture(params=["uvloop", "asyncio"])
def worker(request: pytest.FixtureRequest) -> Iterator[Worker]:
    """A worker, once on each event loop."""
    made = Worker(loop=request.param)
    yield made
    made.close()


@pytest.fixture
def make_worker() -> Iterator[Callable[..., Worker]]:
    """A maker of workers with settings of their own."""
    made: list[Worker] = []

    def make(**settings: Any) -> Worker:
        made.append(Worker(**settings))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def make_zygote() -> Iterator[Callable[..., Zygote]]:
    """A maker of fork servers."""
    made: list[Zygote] = []

    def make(preload: list[str] | None = None, **settings: Any) -> Zygote:
        made.append(Zygote(preload, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def dspy_zygote() -> Iterator[Zygote]:
    """A fork server with dspy loaded, for the tests of one module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        made = Zygote(warm=True)
    yield made
    made.close()


@pytest.fixture(scope="session", autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Fail the run if a process of any test is still there at its end."""
    yield
    assert leftovers() == []


@pytest.fixture
def plain_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    """DSPy's own marks, whatever this process has made of them."""
    for place in markers.PLACES:
        for name, mark in markers.PLAIN.items():
            monkeypatch.setattr(f"{place}.{name}", mark)
