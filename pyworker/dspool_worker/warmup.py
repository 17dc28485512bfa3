"""What the fork server does once, so that no worker has to: imports and first times.

A fresh process's first prediction imports late modules, reads DSPy's table of
prices, builds the first signature and compiles the first patterns. All of it is
done here with throw-away objects whose host answers from memory: no socket, no
thread and no loop is left behind, and nothing is sent to anybody.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

#: Set to anything but an empty string, it makes `import_dspy` a plain import.
PLAIN_IMPORT = "DSPOOL_PLAIN_IMPORT"

_LATE = (
    "dspy._vendor.lm15.transports._ssl",
    "dspy.clients.call_result",
    "dspy.clients.costs",
    "dspy.clients.execution",
    "encodings.idna",
    "json_repair",
    "dspool_worker.modules",
    "dspool_worker.objects",
    "dspool_worker.programs",
    "dspool_worker.worker",
)
_LITELLM_LATE = (
    "litellm._service_logger",
    "litellm.litellm_core_utils.default_encoding",
    "litellm.proxy._types",
)


def import_dspy() -> Any:
    """Import dspy, a quarter faster than `import dspy` where numpy is not installed.

    Two costs are avoided. Garbage collections during the import find nothing.
    And DSPy walks the stack once for every optional package that is missing,
    with source lines, which makes `inspect` search all modules each time.
    """
    if "dspy" in sys.modules or os.environ.get(PLAIN_IMPORT):
        return importlib.import_module("dspy")
    with _without_collections(), _cheap_stacks():
        return importlib.import_module("dspy")


def touch() -> list[str]:
    """Do everything that a first prediction does. Return what did not work, which is nothing.

    Call it before `gc.freeze()` and before there is any thread.
    """
    import_dspy()
    problems: list[str] = []
    _attempt(problems, _patch)
    for name in _LATE:
        _attempt(problems, lambda name=name: importlib.import_module(name))  # type: ignore[misc]
    _attempt(problems, _load_prices)
    _attempt(problems, _rehearse)
    return problems


def touch_litellm() -> None:
    """Import LiteLLM and what its first call would import: 0.2 s in each worker. It starts no thread before a call."""
    import_litellm()
    for name in _LITELLM_LATE:
        try:
            importlib.import_module(name)
        except ImportError:
            continue  # another version keeps it elsewhere; its first call is slower


def import_litellm() -> None:
    """Import what DSPy needs for providers that only LiteLLM reaches; takes 3 s, once."""
    from dspy.clients._litellm import get_litellm

    get_litellm(feature="dspy.LM")


def _attempt(problems: list[str], action: Callable[[], object]) -> None:
    try:
        action()
    except Exception as exc:  # a worker can do without; it is only slower once
        problems.append(f"{type(exc).__name__}: {exc}")


def _patch() -> None:
    from . import patches, protection

    protection.install()
    patches.install()


def _load_prices() -> None:
    from . import prices

    # Without this variable DSPy would fetch the table from the network.
    if os.environ.get("LITELLM_LOCAL_MODEL_COST_MAP", "").lower() == "true":
        prices.prepare()


def _rehearse() -> None:
    from .rehearsal import rehearse

    loop = asyncio.new_event_loop()
    executor = _Inline(max_workers=1)
    loop.set_default_executor(executor)
    try:
        loop.run_until_complete(rehearse())
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        executor.shutdown()
        loop.close()


class _Inline(concurrent.futures.ThreadPoolExecutor):
    """Runs what it is given at once: no thread is ever started."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        """Run fn now."""
        done: concurrent.futures.Future[Any] = concurrent.futures.Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as exc:
            done.set_exception(exc)
        return done


@contextmanager
def _without_collections() -> Iterator[None]:
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextmanager
def _cheap_stacks() -> Iterator[None]:
    """Make `inspect.stack()` leave source lines out, as it may where there is no source."""
    whole = inspect.stack
    inspect.stack = _stack
    try:
        yield
    finally:
        inspect.stack = whole


def _stack(context: int = 1) -> list[inspect.FrameInfo]:  # noqa: ARG001
    found = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        found.append(inspect.FrameInfo(frame, code.co_filename, frame.f_lineno, code.co_name, None, None))
        frame = frame.f_back
    return found
