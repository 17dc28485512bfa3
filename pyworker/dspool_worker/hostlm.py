"""`dspy.LM` objects whose requests the host sends: DSPy's own client, another transport."""

from __future__ import annotations

from typing import Any

import dspy
from dspy.clients.engines.lm15_engine import AsyncLM15Engine, LM15Engine
from dspy.lm15 import RouterConfig

from .transport import KEY, ROLLOUT, AsyncTransport, SyncTransport, lm15

#: What DSPy raises for settings that its own client cannot carry.
UNSUPPORTED = (lm15.LM15Error, dspy.LMConfigurationError, dspy.LMUnsupportedFeatureError)


class HostLM(dspy.LM):  # type: ignore[misc]
    """A language model that is asked through the host.

    DSPy chooses, builds and reads as it does for any model with its native
    engine; what that cannot carry is refused, for the other one would need the
    key and the network.
    """

    def __init__(self, hash: str, api_base: str | None, **arguments: Any) -> None:
        super().__init__(engine="lm15", **arguments)
        self._host = (hash, api_base)
        self._engine_store = Engines(hash, api_base)

    def __call__(self, prompt: Any = None, *, messages: Any = None, **kwargs: Any) -> Any:
        """Ask, keeping answers of different rollouts apart in the host's cache."""
        token = ROLLOUT.set(self._rollout(kwargs))
        try:
            return super().__call__(prompt, messages=messages, **kwargs)
        finally:
            ROLLOUT.reset(token)

    async def acall(self, prompt: Any = None, *, messages: Any = None, **kwargs: Any) -> Any:
        """Do the same on the event loop."""
        token = ROLLOUT.set(self._rollout(kwargs))
        try:
            return await super().acall(prompt, messages=messages, **kwargs)
        finally:
            ROLLOUT.reset(token)

    def _rollout(self, kwargs: dict[str, Any]) -> str:
        found = kwargs.get("rollout_id", self.kwargs.get("rollout_id"))
        return "" if found is None else str(found)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Come back from a copy or a pickle with engines of its own."""
        super().__setstate__(state)
        self._engine_store = Engines(*self._host)


class Engines(dict[Any, Any]):
    """An LM's store of engines, which makes those that it is asked for."""

    def __init__(self, hash: str, api_base: str | None) -> None:
        super().__init__()
        self._hash = hash
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
            transport=transport(self._hash),
        )
        return cls(config, model_type=model_type)
