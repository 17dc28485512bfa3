"""Cheap steps run where they are: DSPy gives each to a thread, four times a prediction.

A hop to a thread and back costs more than the step itself, wakes the loop once
more, and waits for a thread that 256 predictions share. What may really block,
such as reading a file, keeps its thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from typing import Any

import dspy
from dspy.clients import capabilities, execution
from dspy.clients._deprecation import _adapter_call
from dspy.clients.engines.lifecycle import aclosing_stream
from dspy.clients.engines.stream_guard import achecked_stream
from dspy.clients.errors import error_boundary
from dspy.utils.callback import with_callbacks

from .. import prices
from ..transport import lm15
from .patch import Part, Patch


def _acall(wrapped: Any) -> Any:
    plain: Callable[..., Any] = wrapped.__wrapped__

    async def acall(self: Any, prompt: Any = None, *, messages: Any = None, **kwargs: Any) -> Any:
        """Async equivalent of __call__, with the same execution ownership."""
        call = None
        if _of_an_adapter(self, messages) and not _typed(prompt, kwargs):
            call = execution.prepare(self, prompt, messages, kwargs, asynchronous=True)
        if call is None or not call.managed:  # may read files, or has to warn its caller
            return await plain(self, prompt, messages=messages, **kwargs)
        return execution.finalize(self, call, await execution.aexecute(self, call))

    return with_callbacks(acall)


def _of_an_adapter(lm: Any, messages: Any) -> bool:
    origin = _adapter_call.get()
    return messages is None or (origin is not None and origin[0] is lm and origin[1] is messages)


def _typed(prompt: Any, kwargs: dict[str, Any]) -> bool:
    return isinstance(prompt, lm15.Request) or kwargs.get("request") is not None


def _complete(_: Any) -> Any:
    async def complete(self: Any, request: Any) -> Any:
        provider, routed = await _target(self, request, False)
        return await provider.complete(routed)

    return complete


def _stream(_: Any) -> Any:
    async def stream(self: Any, request: Any) -> AsyncIterator[Any]:
        provider, routed = await _target(self, request, True)
        events = achecked_stream(provider.stream(routed), provider=provider.provider)
        async with aclosing_stream(events):
            async for event in events:
                yield event

    return stream


async def _target(engine: Any, request: Any, streaming: bool) -> Any:
    """Find where a request goes. Only the first to a provider may read credentials, so it alone needs a thread."""
    if engine.config.env == {} or _known(engine, request):
        return engine._target(request, streaming=streaming)
    return await asyncio.to_thread(engine._target, request, streaming=streaming)


def _known(engine: Any, request: Any) -> bool:
    try:
        return engine.resolve(request.model).provider in engine._providers
    except Exception:
        return False  # what is wrong is said where DSPy says it


def _prepare_async(plain: Callable[..., Any]) -> Any:
    async def prepare_async(lm: Any) -> None:
        if getattr(lm, "_engine_spec", None) == "lm15" and prices.ready():
            capabilities.capabilities(lm)  # never imports LiteLLM, and the table is there
        else:
            await plain(lm)

    return prepare_async


def _aexecute(_: Any) -> Any:
    async def aexecute(lm: Any, call: Any) -> Any:
        if call.cache and (result := await asyncio.to_thread(execution._cached, lm, call, True)):
            return result
        backend, request, provider = execution._engine(lm, call, True)
        results: list[Any] = []
        try:
            for _ in range(call.n if request is not None else 1):
                state = await _candidate(lm, call, backend, request, provider, results)
                if request is not None and _priced(call):
                    await asyncio.to_thread(
                        execution._price_result, lm, state.result, state.response, provider, request
                    )
            result = results[0] if len(results) == 1 else execution.combine(results, model_type=lm.model_type)
            if call.cache:
                await asyncio.to_thread(execution._store, lm, call, result, True)
            return result
        except BaseException as exc:
            execution._hint_responses_api(lm, exc)
            execution._account_failed_call(lm, results, exc)
            raise

    return aexecute


async def _candidate(lm: Any, call: Any, backend: Any, request: Any, provider: Any, results: list[Any]) -> Any:
    """Ask for one answer, again where that makes sense."""
    attempt, retries = 0, lm.num_retries if call.managed else 0
    while True:
        state = execution._Attempt()
        boundary = error_boundary(lm.model, provider=provider, unexpected=True) if call.managed else nullcontext()
        try:
            with boundary:
                await execution._aattempt(lm, call, backend, request, provider, state, results)
            return state
        except Exception as exc:
            if not execution._retryable(state, exc, attempt, retries):
                raise
            await asyncio.sleep(execution._delay(exc, attempt))
        attempt += 1


def _priced(call: Any) -> bool:
    """Tell whether anybody will read DSPy's own estimate of the cost: the history, or an entry of its cache."""
    return call.cache or not dspy.settings.disable_history


def patch() -> Patch:
    """Give the patch."""
    engine = "dspy.clients.engines.lm15_engine"
    return Patch(
        name="hops",
        reason="preparing, routing, pricing and asking what a model can do cost less than a thread for each",
        read={
            "dspy.clients.base_lm:BaseLM.acall": "62d038fbc514",
            f"{engine}:_Routing._target": "2e834e2103ca",
            f"{engine}:AsyncLM15Engine.complete": "d7f62d00e487",
            f"{engine}:AsyncLM15Engine.stream": "9577a29340f6",
            "dspy.clients.capabilities:prepare_async": "3e4382bf1b8e",
            "dspy.clients.execution:prepare": "804f2eb813e2",
            "dspy.clients.execution:aexecute": "8e7c28f2cb29",
            "dspy.clients.execution:finalize": "26b860f49038",
            "dspy.clients.execution:_price_result": "fbcd0cf20d15",
        },
        parts=(
            Part("dspy.clients.base_lm", "BaseLM.acall", _acall),
            Part(engine, "AsyncLM15Engine.complete", _complete),
            Part(engine, "AsyncLM15Engine.stream", _stream),
            Part("dspy.clients.capabilities", "prepare_async", _prepare_async),
            Part("dspy.clients.execution", "aexecute", _aexecute),
        ),
    )
