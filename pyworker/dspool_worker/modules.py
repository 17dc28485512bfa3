"""Programs of kind module: `dspy.Module` classes and other callables of the user's own."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import dspy

from .calls import Call, Event, Result
from .coerce import Arguments
from .errors import Fault, InvalidArgument, to_fault
from .freshness import fresh, keeps
from .functions import resolve
from .lms import Lms
from .predict import adapter_of
from .running import Adapter, running
from .signature import Fields, compile_fields
from .streams import Sink
from .syncruns import in_thread
from .values import check_inputs, check_outputs, clean, plain, plain_inputs

# Enough for BestOfN and Refine, which look at what their own run did.
_TRACE_MAX = 1000


def build(definition: Mapping[str, Any], lms: Lms) -> Module:
    """Import and construct what a definition names. Runs user code; call it in a thread."""
    ref = definition.get("ref")
    if not isinstance(ref, str):
        raise InvalidArgument("ref", "a program of kind module needs one, like package.module:Class")
    options = _options(definition)
    found = resolve(ref)
    made = _construct(ref, found, options) if inspect.isclass(found) else found
    if not callable(made):
        raise Fault("not_found", f"{ref} is neither a class nor callable")
    signature = definition.get("signature")
    fields = None
    if isinstance(signature, Mapping) and (signature.get("inputs") or signature.get("outputs")):
        fields = compile_fields(clean(dict(signature), "signature"), "module")
    adapter = adapter_of(definition) if definition.get("adapter") else None
    return Module(ref, made, fields, adapter, lms)


class Module:
    """One object of the user's, shared by all calls of its program."""

    def __init__(self, ref: str, made: Any, fields: Fields | None, adapter: Adapter | None, lms: Lms) -> None:
        self._made = made
        self._fields = fields
        self._adapter = adapter
        self._lms = lms
        self._run_async = _async_entry(made)
        self._keeps = keeps(made)
        entry = _entry(made)
        try:
            self._arguments = Arguments(entry)
            self._annotated = _annotated(entry)
        except (TypeError, ValueError) as exc:
            raise Fault("unsupported", f"{ref} cannot be called with inputs by name: {exc}") from exc

    async def call(self, inputs: dict[str, Any], call: Call) -> Result:
        """Run the object once."""
        return await self._run(inputs, call, None)

    async def stream(self, inputs: dict[str, Any], call: Call) -> AsyncIterator[Event | Result]:
        """Do the same, sending the text of its predictors as it comes; the result is the last item."""
        yield await self._run(inputs, call, Sink(call, self._made))

    async def _run(self, inputs: dict[str, Any], call: Call, sink: Sink | None) -> Result:
        bound = self._bind(inputs, call)
        settings = {"max_trace_size": _TRACE_MAX, **(sink.settings() if sink else {})}
        async with running(call, self._lms, self._adapter, settings) as run:
            made, run_async = self._mine()
            if run_async is not None:
                answer = await run_async(**bound)
            else:
                answer = await in_thread(call, sink, lambda: made(**bound))
                if inspect.isawaitable(answer):
                    answer = await answer
            return Result(self._answer(answer), run.usage())

    def _mine(self) -> tuple[Any, Callable[..., Any] | None]:
        """Give the object, or the call's own copy of it, and what runs it on the loop."""
        if not self._keeps:
            return self._made, self._run_async
        made = fresh(self._made)
        return made, _async_entry(made)

    def _bind(self, inputs: dict[str, Any], call: Call) -> dict[str, Any]:
        """Check the inputs by the signature, then coerce them by the annotations that there are."""
        given: dict[str, Any] = clean(inputs, "input")
        if self._fields is not None:
            checked = check_inputs(self._fields.inputs, inputs)
            given = {
                name: given[name] if name in self._annotated and given.get(name) is not None else plain_inputs(value)
                for name, value in checked.items()
            }
        if self._arguments.runs_user_code:
            call.mark_started()
        return self._arguments.bind(given)

    def _answer(self, answer: Any) -> Any:
        if isinstance(answer, (dspy.Prediction, dspy.Example)):
            answer = dict(answer.items())
        if self._fields is None or not self._fields.outputs:
            return plain(answer)
        if not isinstance(answer, dict):
            kind = type(answer).__qualname__
            raise Fault("output_invalid", f"output: the module answered with {kind}, not a dspy.Prediction or a dict")
        return check_outputs(self._fields.outputs, answer)


def _options(definition: Mapping[str, Any]) -> dict[str, Any]:
    options = definition.get("options") or {}
    if unknown := sorted(set(options) - {"init"}):
        raise InvalidArgument(f"options.{unknown[0]}", "is not known; a module takes init, its constructor's arguments")
    init = options.get("init") or {}
    if not isinstance(init, dict):
        raise InvalidArgument("options.init", "must be an object")
    return init


def _construct(ref: str, cls: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    try:
        # Not the class's own signature: for modules that is their metaclass's.
        inspect.signature(cls.__init__).bind(None, **arguments)
    except TypeError as exc:
        raise InvalidArgument("options.init", f"does not fit {ref}: {exc}") from None
    except ValueError:
        pass  # it has no signature that could be read
    try:
        return cls(**arguments)
    except Exception as exc:
        fault = to_fault(exc)
        fault.message = f"constructing {ref} failed: {fault.message}"
        raise fault from None


def _entry(made: Any) -> Callable[..., Any]:
    """Find the method whose parameters are the program's inputs."""
    for name in ("aforward", "forward"):
        if isinstance(made, dspy.Module) and hasattr(made, name):
            found: Callable[..., Any] = getattr(made, name)
            return found
    return made if inspect.isroutine(made) else made.__call__


def _annotated(entry: Callable[..., Any]) -> frozenset[str]:
    parameters = inspect.signature(entry).parameters.values()
    return frozenset(one.name for one in parameters if one.annotation is not one.empty)


def _async_entry(made: Any) -> Callable[..., Any] | None:
    """Find what runs on the loop; None if it has to run in a thread."""
    if isinstance(made, dspy.Module):
        return made.acall if inspect.iscoroutinefunction(getattr(made, "aforward", None)) else None
    call = made if inspect.isroutine(made) else made.__call__
    return made if inspect.iscoroutinefunction(call) else None
