"""Which provider serves a model, and what the model can do, is found out once.

DSPy builds a throw-away engine for every request to read the model's name, and
puts its capabilities together again each time. Settings of the call and
variables of the environment are still looked at for each request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dspy.clients import model_metadata
from dspy.clients.backend_selection import CLIENT_KEYS
from dspy.clients.engines.lm15_engine import LM15Engine

from .patch import Part, Patch

_MODELS_MAX = 256


def _engines(plain: Any) -> Any:
    """Make what stands for the class where it is made to read names: one engine for each type of model."""
    shared: dict[str, Any] = {}

    def engine(config: Any = None, *, model_type: str = "chat") -> Any:
        if config is None or config.env != {} or config.providers:
            return plain(config, model_type=model_type)
        found = shared.get(model_type)
        if found is None:
            shared[model_type] = found = plain(config, model_type=model_type)
        return found

    return engine


def _resolve(plain: Callable[..., Any]) -> Any:
    """Remember names in an engine that cannot read the environment, such as one of the host's."""

    def resolve(self: Any, model: Any) -> Any:
        if self.config.env != {} or type(model) is not str:
            return plain(self, model)
        known = self.__dict__.setdefault("_dspool_names", {})
        found = known.get(model)
        if found is None:
            if len(known) >= _MODELS_MAX:
                known.clear()
            known[model] = found = plain(self, model)
        return found

    return resolve


def _capabilities(plain: Callable[..., Any]) -> Any:
    known: dict[Any, Any] = {}

    def capabilities(lm: Any, options: Any = None) -> Any:
        key = _key(lm, options)
        if key is None:
            return plain(lm, options)
        table, found = known.get(key, (None, None))
        if found is None or table is not model_metadata._data:
            if len(known) >= _MODELS_MAX:
                known.clear()
            found = plain(lm, options)
            known[key] = (model_metadata._data, found)
        return found

    return capabilities


def _key(lm: Any, options: Any) -> Any:
    """Give what an LM's capabilities follow from, or None if that is more than its name."""
    if getattr(lm, "_engine_spec", None) != "lm15" or lm._providers or type(lm.model) is not str:
        return None
    if not CLIENT_KEYS.isdisjoint(lm.kwargs) or (options and not CLIENT_KEYS.isdisjoint(options)):
        return None
    return lm.model, lm.model_type


def patch() -> Patch:
    """Give the patch."""
    engine = LM15Engine.__module__
    return Patch(
        name="selection",
        reason="reading a model's name takes a new engine, and its capabilities a search, each time",
        read={
            "dspy.clients.backend_selection:select_backend": "acf6b8071cd6",
            "dspy.clients.capabilities:_capabilities": "e65e95ddf7fa",
            f"{engine}:_Routing._init_routing": "1685d6dff86d",
            f"{engine}:_Routing.resolve": "0abab45e6de4",
            f"{engine}:_model_string": "53030cb95a8a",
            "dspy._vendor.lm15.router:_resolve": "44ba80de8330",
        },
        parts=(
            Part("dspy.clients.backend_selection", "LM15Engine", _engines),
            Part(engine, "_Routing.resolve", _resolve),
            Part("dspy.clients.capabilities", "_capabilities", _capabilities),
        ),
    )
