"""`dspy.LM` objects whose requests the host sends: DSPy's own client, another transport."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import dspy
from dspy.clients.call_context import adapter_fallback_scope
from dspy.clients.engines.lm15_engine import AsyncLM15Engine, LM15Engine
from dspy.lm15 import RouterConfig

from .errors import to_fault
from .running import of_the_host
from .transport import INSTEAD, KEY, ROLLOUT, AsyncTransport, SyncTransport, lm15

#: What DSPy raises for settings that its own client cannot carry.
UNSUPPORTED = (lm15.LM15Error, dspy.LMConfigurationError, dspy.LMUnsupportedFeatureError)


class HostLM(dspy.LM):  # type: ignore[misc]
    """A language model that is asked through the host.

    DSPy chooses, builds and reads as it does for any model with its native
    engine; what that cannot carry is refused, for the other one would need the
    key and the network. Where it has failed, those of `fallback` are asked.
    """

    def __init__(
        self, host_id: str, api_base: str | None, fallback: tuple[Failover, ...] = (), **arguments: Any
    ) -> None:
        super().__init__(engine="lm15", **arguments)
        self._host = (host_id, api_base)
        self._fallback = fallback
        self._engine_store = Engines(host_id, api_base)

    def __call__(self, prompt: Any = None, *, messages: Any = None, **kwargs: Any) -> Any:
        """Ask, keeping answers of different rollouts apart in the host's cache."""
        if not self._fallback:
            return self._ask(prompt, messages, kwargs)
        with adapter_fallback_scope() as progress:
            try:
                return self._ask(prompt, messages, kwargs)
            except Exception as exc:
                failed = exc
            for other, code in self._others(failed, progress):
                token = INSTEAD.set((self._host[0], code))
                try:
                    return other(_for(other, prompt), messages=messages, **kwargs)
                except Exception as exc:
                    failed = exc
                finally:
                    INSTEAD.reset(token)
        raise failed

    async def acall(self, prompt: Any = None, *, messages: Any = None, **kwargs: Any) -> Any:
        """Do the same on the event loop."""
        if not self._fallback:
            return await self._aask(prompt, messages, kwargs)
        with adapter_fallback_scope() as progress:
            try:
                return await self._aask(prompt, messages, kwargs)
            except Exception as exc:
                failed = exc
            for other, code in self._others(failed, progress):
                token = INSTEAD.set((self._host[0], code))
                try:
                    return await other.acall(_for(other, prompt), messages=messages, **kwargs)
                except Exception as exc:
                    failed = exc
                finally:
                    INSTEAD.reset(token)
        raise failed

    def _ask(self, prompt: Any, messages: Any, kwargs: dict[str, Any]) -> Any:
        token = ROLLOUT.set(self._rollout(kwargs))
        try:
            return super().__call__(prompt, messages=messages, **kwargs)
        finally:
            ROLLOUT.reset(token)

    async def _aask(self, prompt: Any, messages: Any, kwargs: dict[str, Any]) -> Any:
        token = ROLLOUT.set(self._rollout(kwargs))
        try:
            return await super().acall(prompt, messages=messages, **kwargs)
        finally:
            ROLLOUT.reset(token)

    def _others(self, failed: Exception, progress: Any) -> Iterator[tuple[HostLM, str]]:
        """Give the language models to ask after a failure, as long as nothing of an answer has been shown."""
        code = code_of(failed)
        for to in self._fallback:
            if code in to.on and not progress.emitted:
                yield to.lm, code

    def _rollout(self, kwargs: dict[str, Any]) -> str:
        found = kwargs.get("rollout_id", self.kwargs.get("rollout_id"))
        return "" if found is None else str(found)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Come back from a copy or a pickle with engines of its own."""
        super().__setstate__(state)
        self._engine_store = Engines(*self._host)


@dataclasses.dataclass(frozen=True)
class Failover:
    """A language model to ask after some failures of another one."""

    on: frozenset[str]
    lm: HostLM


def code_of(exc: Exception) -> str:
    """Give the code of a failure, be it the provider's or the host's."""
    return (of_the_host(exc) or to_fault(exc)).code


def _for(lm: HostLM, prompt: Any) -> Any:
    # A request in DSPy's own form names its model.
    return dataclasses.replace(prompt, model=lm.model) if isinstance(prompt, lm15.Request) else prompt


class Engines(dict[Any, Any]):
    """An LM's store of engines, which makes those that it is asked for."""

    def __init__(self, host_id: str, api_base: str | None) -> None:
        super().__init__()
        self._host_id = host_id
        self._api_base = api_base

    def get(self, key: Any, default: Any = None) -> Any:
        """Give the engine for a loop (None: sync code), a model and its settings."""
        found = super().get(key, default)
        if found is None:
            self[key] = found = self._make(key)
        return found

    def _make(self, key: Any) -> Any:
        loop, model, model_type = key[:3]
        cls, transport = (LM15Engine, SyncTransport) if loop is None else (AsyncLM15Engine, AsyncTransport)
        probe = LM15Engine(RouterConfig(env={}), model_type=model_type)
        provider = probe.resolve(model).provider
        config = RouterConfig(
            env={},
            api_keys={provider: KEY},
            base_urls={provider: self._api_base} if self._api_base else None,
            transport=transport(self._host_id),
        )
        return cls(config, model_type=model_type)
