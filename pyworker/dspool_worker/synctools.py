"""Sync tools of async programs run in a thread: on the event loop they would stop every call of the worker."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from .calls import CURRENT
from .patches.patch import Changed, Part, Patch, apply

_TOOL = "dspy.adapters.types.tool"

_installing = threading.Lock()


def install() -> None:
    """Let DSPy's tools do so, once."""
    from dspy.adapters.types.tool import Tool

    with _installing:
        if getattr(inspect.unwrap(Tool.acall), "__module__", "") == __name__:
            return
        try:
            apply(_patch())
        except Changed as exc:
            logging.getLogger("dspool").warning("sync tools run on the event loop: %s is not what it was", exc)


def _patch() -> Patch:
    return Patch(
        name="synctools",
        reason="a sync tool of an async program stops the event loop",
        read={f"{_TOOL}:Tool.acall": "861b8ea0ce3b", f"{_TOOL}:Tool._validate_and_parse_args": "9123b7108306"},
        parts=(Part(_TOOL, "Tool.acall", _acall),),
    )


def _acall(plain: Any) -> Any:
    from dspy.utils.callback import with_callbacks

    inner = inspect.unwrap(plain)

    async def acall(self: Any, **kwargs: Any) -> Any:
        if _is_async(self.func):
            return await inner(self, **kwargs)
        found = await _in_thread(self.func, self._validate_and_parse_args(**kwargs))
        return await found if inspect.isawaitable(found) else found

    return with_callbacks(acall)


def _is_async(function: Any) -> bool:
    while isinstance(function, partial):
        function = function.func
    call = getattr(function, "__call__", None)  # noqa: B004 - its kind matters, not whether it is there
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


async def _in_thread(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    call = CURRENT.get(None)
    if call is not None and call.runtime.loop is asyncio.get_running_loop():
        return await call.in_thread(partial(function, **arguments))
    return await asyncio.to_thread(function, **arguments)
