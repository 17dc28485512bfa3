"""Programs of kind func: plain functions of the user's own Python."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import msgspec

from .calls import Call, Event, Result
from .coerce import Arguments
from .encoding import encode
from .errors import Fault, to_fault

_END = object()


def build(definition: dict[str, Any]) -> Function:
    """Import the function that a definition names. Runs user code; call it in a thread."""
    ref = definition.get("ref")
    if not isinstance(ref, str):
        raise Fault("invalid_argument", "a program of kind func needs a ref like package.module:function")
    function = resolve(ref)
    if not callable(function) or inspect.isclass(function):
        raise Fault("not_found", f"{ref} is not a function")
    try:
        return Function(function)
    except (TypeError, ValueError) as exc:
        raise Fault("unsupported", f"{ref} cannot be called with inputs by name: {exc}") from exc


def resolve(ref: str) -> Any:
    """Import package.module and give the attribute after the colon."""
    module_name, colon, path = ref.partition(":")
    if not colon or not module_name or not path:
        raise Fault("invalid_argument", f"{ref!r} is not of the form package.module:name")
    found: Any = _import(module_name)
    for name in path.split("."):
        if not hasattr(found, name):
            raise Fault("not_found", f"module {module_name} has no {path!r}{_similar(name, found)}")
        found = getattr(found, name)
    return found


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as exc:
        if exc.name and (name == exc.name or name.startswith(exc.name + ".")):
            raise Fault("not_found", f"there is no Python module {exc.name!r} on the path") from None
        raise _import_fault(name, exc) from exc
    except BaseException as exc:
        raise _import_fault(name, exc) from exc


def _import_fault(name: str, exc: BaseException) -> Fault:
    fault = to_fault(exc)
    fault.message = f"importing {name} failed: {fault.message}"
    return fault


def _similar(name: str, owner: Any) -> str:
    close = difflib.get_close_matches(name, dir(owner), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


class Function:
    """One function, callable by many calls at once."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.arguments = Arguments(function)
        self.fits = self.arguments.fits
        self._function = function
        outside = inspect.iscoroutinefunction(function)
        code = function if outside else inspect.unwrap(function)
        self.is_async_generator = inspect.isasyncgenfunction(code)
        self.is_generator = inspect.isgeneratorfunction(code)
        #: The function itself if it is a coroutine function: the server awaits it without detours.
        self.coroutine = function if inspect.iscoroutinefunction(code) else None
        #: Whether its calls are worth a carrier: it gives a coroutine, no other awaitable, and has never waited.
        self.carried = outside

    def bind(self, inputs: dict[str, Any], call: Call) -> dict[str, Any]:
        """Check the inputs; afterwards the call counts as started."""
        if not self.fits(inputs):
            arguments = self.arguments
            if arguments.runs_user_code:
                call.mark_started()
            inputs = arguments.bind(inputs)
        call.mark_started()
        return inputs

    async def call(self, inputs: dict[str, Any], call: Call) -> Result:
        """Run the function; a generator's items become a list."""
        if self.is_generator or self.is_async_generator:
            items = [event.data async for event in self.stream(inputs, call) if isinstance(event, Event)]
            return Result(items)
        if self.coroutine is not None:
            return Result(await self.coroutine(**self.bind(inputs, call)))
        result: Result = await call.in_thread(self._run, inputs, call)
        # Only the call tells for a callable object; and what it gives belongs to the loop.
        return Result(await result.value) if inspect.isawaitable(result.value) else result

    def _run(self, inputs: dict[str, Any], call: Call) -> Result:
        value = self._function(**self.bind(inputs, call))
        if inspect.isawaitable(value):
            return Result(value)
        if inspect.isgenerator(value):
            value = list(value)
        return Result(_written(value))

    async def stream(self, inputs: dict[str, Any], call: Call) -> AsyncIterator[Event | Result]:
        """Give what the function yields as items."""
        if self.is_async_generator:
            bound = self.bind(inputs, call)
            source = self._function(**bound)
            try:
                async for item in source:
                    yield Event("item", item)
            finally:
                await source.aclose()
            yield Result()
        elif self.is_generator:
            async for event in self._stream_in_thread(inputs, call):
                yield event
        else:
            yield await self.call(inputs, call)

    async def _stream_in_thread(self, inputs: dict[str, Any], call: Call) -> AsyncIterator[Event | Result]:
        source: Iterator[Any] = await call.in_thread(lambda: self._function(**self.bind(inputs, call)))
        try:
            while True:
                item, value = await call.in_thread(_advance, source)
                if item is _END:
                    break
                yield Event("item", item)
        finally:
            await call.in_thread(getattr(source, "close", int))
        yield Result(value)


def _advance(source: Iterator[Any]) -> tuple[Any, Any]:
    try:
        return _written(next(source)), None
    except StopIteration as end:
        return _END, end.value


def _written(value: Any) -> Any:
    """Write JSON here, in the thread, so that a large value does not hold up the loop."""
    return value if isinstance(value, bytes) else msgspec.Raw(encode(value))
