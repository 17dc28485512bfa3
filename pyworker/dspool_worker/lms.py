"""Language models: from the host's definitions to `dspy.LM` objects.

One object a definition, kept while there is room and while a call uses it:
each has a connection pool of its own. Keys stay in here.
"""

from __future__ import annotations

import asyncio
import collections
import hashlib
import os
import re
import weakref
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from . import prices
from .errors import Fault, InvalidArgument
from .scrub import scrubbed, secrets_of
from .warmup import import_litellm

_MODEL_TYPES = ("chat", "text", "responses")
# What Extra must not set: it has a member of its own, or would run code, or
# would send the traffic past the definition.
_TAKEN = frozenset({
    "api_base", "api_key", "async_engine", "azure_ad_token_provider", "base_url", "cache", "callbacks", "engine",
    "finetuning_model", "launch_kwargs", "max_tokens", "model", "model_type", "num_retries", "prompt_cache",
    "provider", "temperature", "timeout", "train_kwargs",
})  # fmt: skip
_CACHE_ENTRIES_MAX = 10_000


class Model:
    """One language model in use. `lm` is None where the call names none."""

    def __init__(self, lm: Any, secrets: tuple[str, ...], namespace: int | None) -> None:
        self.lm = lm
        self.secrets = secrets
        self.namespace = namespace
        self.users = 0
        self.retired = False
        self.ready: asyncio.Future[Any] | None = None

    def rollout(self, wanted: int) -> int:
        """Return a rollout id that keeps this LM's cached answers apart from other LMs'."""
        return wanted if self.namespace is None else _digest(f"{self.namespace}:{wanted}")


class Lms:
    """The LMs of one event loop, least recently used out first. Used on that loop only."""

    def __init__(self, size: int) -> None:
        self._size = max(1, size)
        self._models: collections.OrderedDict[tuple[str, str], Model] = collections.OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def use(
        self, hash: str, definition: Mapping[str, Any] | None, waiting: Callable[[], None], tenant: str = ""
    ) -> AsyncIterator[Model]:
        """Give the LM of a definition; it stays open until the block ends.

        Each tenant has one of its own, with its own connections and its own answers in the cache, unless the host
        asks for it: then it has neither here. `waiting` is called before a wait that may take seconds.
        """
        if definition is None:
            yield Model(None, (), None)
            return
        key = (hash, "" if definition.get("host") else tenant)
        model = self._models.get(key) or self._add(key, definition)
        self._models.move_to_end(key)
        model.users += 1
        try:
            if model.ready is not None and not model.ready.done():
                waiting()
                await asyncio.shield(model.ready)
            yield model
        finally:
            model.users -= 1
            self._close_if_unused(model)

    async def aclose(self) -> None:
        """Close every LM; none may be in use."""
        models = list(self._models.values())
        self._models.clear()
        for model in models:
            model.retired = True
            self._close_if_unused(model)
        while self._closing:
            await asyncio.gather(*self._closing, return_exceptions=True)

    def _add(self, key: tuple[str, str], definition: Mapping[str, Any]) -> Model:
        model = build(definition, key[1])
        if not _native(model.lm):
            # Three seconds of importing: off the loop, once for all.
            model.ready = asyncio.ensure_future(asyncio.to_thread(import_litellm))
        elif not prices.ready():
            model.ready = asyncio.ensure_future(asyncio.to_thread(prices.prepare))
        self._models[key] = model
        while len(self._models) > self._size:
            _, old = self._models.popitem(last=False)
            old.retired = True
            self._close_if_unused(old)
        return model

    def _close_if_unused(self, model: Model) -> None:
        if model.retired and model.users == 0:
            model.retired = False
            task = asyncio.ensure_future(_aclose(model.lm))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


class LoopLms:
    """The `Lms` of each event loop: connection pools belong to the loop that made them."""

    def __init__(self) -> None:
        self._by_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Lms] = weakref.WeakKeyDictionary()

    def of(self, loop: asyncio.AbstractEventLoop, size: int) -> Lms:
        """Return the loop's own, made at the first call."""
        return self._by_loop.setdefault(loop, Lms(size))


def build(definition: Mapping[str, Any], tenant: str = "") -> Model:
    """Make the `dspy.LM` of a definition; raises InvalidArgument or Fault lm_not_configured."""
    import dspy

    if definition.get("host"):
        return Model(_hosted(definition), (), None)
    arguments = _arguments(definition)
    secrets = tuple(secrets_of(definition))
    namespace = None
    if arguments["cache"]:
        _prepare_cache()
        namespace = _namespace(definition, tenant)
        arguments.setdefault("rollout_id", namespace)
    try:
        lm = dspy.LM(**arguments)
        lm._warned_zero_temp_rollout = True  # the id is ours; its owner need not hear of it
        _native(lm)  # finds out now what the first call would find out: a bad timeout
    except dspy.LMConfigurationError as exc:
        raise Fault("lm_not_configured", scrubbed(f"lm: {exc}", secrets)) from None
    except (TypeError, ValueError) as exc:
        raise InvalidArgument("lm", scrubbed(str(exc), secrets)) from None
    return Model(lm, secrets, namespace)


def _hosted(definition: Mapping[str, Any]) -> Any:
    """Make an LM that the host asks: no key, no address and no retry of its own."""
    from .hostlm import UNSUPPORTED, Failover, HostLM

    arguments = _arguments(definition)
    base = arguments.pop("api_base", None)
    arguments.pop("api_key", None)
    fallback = tuple(Failover(frozenset(to["on"]), _hosted(to["lm"])) for to in definition.get("fallback") or ())
    try:
        lm = HostLM(str(definition.get("host_id")), base, fallback, **{**arguments, "cache": False, "num_retries": 0})
        _native(lm)  # finds out now what the first call would find out
    except UNSUPPORTED as exc:
        raise InvalidArgument("lm", f"{exc} The host cannot carry that: set LM.Direct") from None
    except (TypeError, ValueError) as exc:
        raise InvalidArgument("lm", str(exc)) from None
    return lm


def _arguments(definition: Mapping[str, Any]) -> dict[str, Any]:
    model = definition.get("model")
    if not isinstance(model, str) or not model:
        raise InvalidArgument("lm.model", "must name provider and model, as in openai/gpt-4o-mini")
    if (kind := definition.get("model_type") or "chat") not in _MODEL_TYPES:
        raise InvalidArgument("lm.model_type", f"{kind!r:.40} is not one of {', '.join(_MODEL_TYPES)}")
    arguments = {"model": model, "model_type": kind, "cache": bool(definition.get("cache")), **_extra(definition)}
    for name in ("temperature", "max_tokens", "num_retries", "api_base", "api_key"):
        if definition.get(name) is not None:
            arguments[name] = definition[name]
    if timeout := definition.get("timeout_s"):
        arguments["timeout"] = timeout
    if "api_base" in arguments and "api_key" not in arguments and not _key_in_environment(model):
        arguments["api_key"] = "none"  # local servers want no key, but DSPy refuses to send none
    return arguments


def _extra(definition: Mapping[str, Any]) -> dict[str, Any]:
    extra = definition.get("extra") or {}
    if not isinstance(extra, dict):
        raise InvalidArgument("lm.extra", "must be an object")
    if taken := sorted(_TAKEN.intersection(extra)):
        raise InvalidArgument(f"lm.extra.{taken[0]}", "cannot be set here")
    if extra.get("n") not in (None, 1):
        raise InvalidArgument("lm.extra.n", "must be 1: a call has one answer; make several calls")
    return extra


def _key_in_environment(model: str) -> bool:
    provider = model.split("/", 1)[0] if "/" in model else "openai"
    return bool(os.environ.get(f"{re.sub(r'[^A-Za-z0-9]', '_', provider).upper()}_API_KEY"))


def _namespace(definition: Mapping[str, Any], tenant: str) -> int:
    # DSPy's cache key leaves the key and the address out: one tenant would be
    # given another's answers.
    return _digest(f"{tenant}\0{definition.get('api_base')}\0{definition.get('api_key')}\0{definition.get('extra')}")


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:6], "big")


def _prepare_cache() -> None:
    """Give DSPy a cache in memory, unless the user's own code has made one.

    Its cache on disk holds 48 descriptors open for every thread that uses it.
    """
    import dspy

    if "cache" not in vars(dspy):
        dspy.configure_cache(enable_disk_cache=False, memory_max_entries=_CACHE_ENTRIES_MAX)


def _native(lm: Any) -> bool:
    from dspy.clients.backend_selection import select_backend

    return bool(select_backend(lm).native)


async def _aclose(lm: Any) -> None:
    if lm is not None:
        await lm.aclose()
