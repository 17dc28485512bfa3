"""Programs of kind object: methods of instances that live in this worker for as long as their session does.

A class may give `__dspool_snapshot__(self)`, a JSON value that holds all that matters, and then has to give
`__dspool_restore__(cls, state)`, which makes an instance of it: in another worker, after this one was lost.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from .calls import Call, Event, Result
from .encoding import decode, encode
from .errors import Fault, InvalidArgument, to_fault
from .functions import Function, resolve
from .instances import Instance

_SNAPSHOT = "__dspool_snapshot__"
_RESTORE = "__dspool_restore__"
_NONE = b"null"


def build(definition: Mapping[str, Any], lms: Any) -> Object:
    """Import the class that a definition names. Runs user code; call it in a thread."""
    ref, method = definition.get("ref"), definition.get("method")
    if not isinstance(ref, str) or not isinstance(method, str):
        raise InvalidArgument("ref", "a program of kind object needs a ref like package.module:Class, and a method")
    cls = resolve(ref)
    if not inspect.isclass(cls):
        raise Fault("not_found", f"{ref} is not a class")
    if method.startswith("_") and method != "__call__":
        raise InvalidArgument("method", f"{method!r} is private to {ref}")
    if not callable(getattr(cls, method, None)):
        raise Fault("not_found", f"{ref} has no method {method!r}")
    if hasattr(cls, _SNAPSHOT) and not hasattr(cls, _RESTORE):
        raise Fault("unsupported", f"{ref} has {_SNAPSHOT} and therefore needs {_RESTORE}(cls, state), a classmethod")
    return Object(ref, cls, method, definition, lms)


class Object:
    """One method of a class, to be called on the instance of the call's session."""

    def __init__(self, ref: str, cls: type, method: str, definition: Mapping[str, Any], lms: Any) -> None:
        options = definition.get("options") or {}
        if unknown := sorted(set(options) - {"init", "concurrent", "snapshot_every"}):
            raise InvalidArgument(f"options.{unknown[0]}", "is not known; an object takes init and snapshot_every")
        self._ref = ref
        self._class = cls
        self._method = method
        self._init = options.get("init") or {}
        self._in_thread = not options.get("concurrent")
        self._every = max(1, int(options.get("snapshot_every") or 1))
        self._adapter = _adapter(definition)
        self._lms = lms

    async def call(self, inputs: dict[str, Any], call: Call) -> Result:
        """Run the method once."""
        instance = call.runtime.objects.enter(call, self._ref)
        try:
            async with self._settings(call) as usage:
                function = await self._function(instance, call)
                result = await function.call(inputs, call)
                return await self._finished(instance, function, call, Result(result.value, usage()))
        finally:
            call.runtime.objects.settle(instance)

    async def stream(self, inputs: dict[str, Any], call: Call) -> AsyncIterator[Event | Result]:
        """Give what the method yields as items."""
        instance = call.runtime.objects.enter(call, self._ref)
        source: Any = None
        try:
            async with self._settings(call) as usage:
                function = await self._function(instance, call)
                source, result = function.stream(inputs, call), Result()
                async for event in source:
                    if isinstance(event, Event):
                        yield event
                    else:
                        result = event
                yield await self._finished(instance, function, call, Result(result.value, usage()))
        finally:
            if source is not None:
                await source.aclose()
            call.runtime.objects.settle(instance)

    @asynccontextmanager
    async def _settings(self, call: Call) -> AsyncIterator[Callable[[], Any]]:
        """Set DSPy up for the call if it has a language model."""
        if not call.lm_hash:
            yield lambda: None
            return
        from .running import running

        async with running(call, self._lms, self._adapter, {}) as run:
            yield run.usage

    # The instance

    async def _function(self, instance: Instance, call: Call) -> Function:
        """Give the bound method, of an instance that is made first if there is none."""
        async with instance.lock:
            if not instance.made:
                instance.target = await self._make(call)
                instance.made = True
        function = instance.methods.get(self._method)
        if function is None:
            bound = getattr(instance.target, self._method)
            try:
                function = Function(bound)
            except (TypeError, ValueError) as exc:
                message = f"{self._ref}.{self._method} cannot be called with inputs by name: {exc}"
                raise Fault("unsupported", message) from exc
            instance.methods[self._method] = function
        return function

    async def _make(self, call: Call) -> Any:
        given = decode(call.state) if call.state is not None and len(call.state) else None
        call.state = None
        if call.meta.o == "restore":
            return await self._restored(given, call)
        arguments = self._init if given is None else given
        if not isinstance(arguments, dict):
            raise InvalidArgument("init", "must be an object")
        try:
            inspect.signature(self._class).bind(**arguments)
        except TypeError as exc:
            raise InvalidArgument("init", f"does not fit {self._ref}: {exc}") from None
        except ValueError:
            pass  # it has no signature that could be read
        call.mark_started()
        return await _told(f"constructing {self._ref}", call.in_thread(lambda: self._class(**arguments)))

    async def _restored(self, state: Any, call: Call) -> Any:
        call.mark_started()
        restore = getattr(self._class, _RESTORE)
        if inspect.iscoroutinefunction(restore):
            return await _told(f"restoring {self._ref}", restore(state))
        return await _told(f"restoring {self._ref}", call.in_thread(restore, state))

    # What the host keeps

    async def _finished(self, instance: Instance, function: Function, call: Call, result: Result) -> Result:
        """Add the snapshot to a result, when it is time for one."""
        instance.calls += 1
        hook = getattr(instance.target, _SNAPSHOT, None)
        if hook is None or instance.calls % self._every:
            return result
        sync = function.coroutine is None and not function.is_async_generator
        if sync and self._in_thread:
            result.state = await call.in_thread(self._snapshot, hook, call)
        else:  # without a wait before the answer, so that snapshots and answers have one order
            result.state = self._snapshot(hook, call)
        return result

    def _snapshot(self, hook: Callable[[], Any], call: Call) -> bytes:
        """Give the snapshot as JSON; null if there can be none: an old one must not come back then."""
        limit = call.runtime.settings.object_state
        try:
            state = encode(hook())
        except Exception as exc:
            _complain(f"{_SNAPSHOT} of {self._ref} failed: {to_fault(exc).message}")
            return _NONE
        if len(state) > limit:
            _complain(f"the snapshot of {self._ref} takes {len(state)} bytes, more than the limit of {limit}")
            return _NONE
        return state


def _complain(message: str) -> None:
    sys.stderr.write(f"dspool: {message}; the object will be lost with this worker\n")


async def _told(doing: str, making: Any) -> Any:
    try:
        return await making
    except asyncio.CancelledError:
        raise
    except Exception as exc:
        fault = to_fault(exc)
        fault.message = f"{doing} failed: {fault.message}"
        raise fault from None


def _adapter(definition: Mapping[str, Any]) -> Any:
    if not definition.get("adapter"):
        return None
    from .predict import adapter_of

    return adapter_of(definition)
