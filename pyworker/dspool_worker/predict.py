"""Programs that DSPy makes of a signature: Predict, ChainOfThought, ReAct."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import dspy

from .calls import Call, Event, Result
from .errors import Fault, InvalidArgument
from .lms import Lms
from .running import Adapter, no_lm, running
from .signature import Fields, compile_fields, to_dspy
from .streams import Sink
from .values import check_inputs, check_outputs, clean, plain

_ADDED: Mapping[str, str | None] = {"predict": None, "chain_of_thought": "reasoning", "react": "trajectory"}
KINDS = frozenset(_ADDED)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return _text(value) or (isinstance(value, list) and all(_text(one) for one in value))


# Options of one LM request. Addresses and keys are not among them: a program
# must not be able to send an LM's key elsewhere.
_OPTIONS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "temperature": (_number, "a number"),
    "max_tokens": (_count, "a positive integer"),
    "top_p": (_number, "a number"),
    "top_k": (_count, "a positive integer"),
    "presence_penalty": (_number, "a number"),
    "frequency_penalty": (_number, "a number"),
    "seed": (lambda value: isinstance(value, int), "an integer"),
    "stop": (_texts, "a string or a list of strings"),
    "reasoning_effort": (_text, "a string"),
    "verbosity": (_text, "a string"),
    "rollout_id": (lambda value: isinstance(value, int), "an integer"),
    "n": (lambda value: value == 1, "1: a call has one answer; make several calls"),
}


def adapter_of(definition: Mapping[str, Any]) -> Adapter:
    """Make the adapter that a definition names; it is stateless and shared by all calls."""
    name = definition.get("adapter") or "chat"
    adapters = {"chat": dspy.ChatAdapter, "json": dspy.JSONAdapter, "xml": dspy.XMLAdapter}
    if name not in adapters:
        raise InvalidArgument("adapter", f"{name!r:.40} is not one of {', '.join(adapters)}")
    made: Adapter = adapters[name]()
    return made


def build(definition: Mapping[str, Any], lms: Lms) -> Predictor:
    """Make the program of a definition, or raise Fault."""
    kind = definition["kind"]
    signature = definition.get("signature")
    if not isinstance(signature, Mapping):
        raise InvalidArgument("signature", f"a program of kind {kind} needs one")
    if definition.get("tools"):
        raise Fault("unsupported", "tools cannot be served by this worker")
    fields = compile_fields(clean(dict(signature), "signature"), kind)
    options = _options(definition.get("options") or {}, kind)
    module = _module(kind, fields, options)
    _show(module, _demos(definition.get("demos") or [], fields, _ADDED[kind]))
    return Predictor(kind, fields, module, adapter_of(definition), lms, options.get("rollout_id"))


class Predictor:
    """One program, callable by many calls at once: DSPy's modules keep nothing of a call."""

    def __init__(self, kind: str, fields: Fields, module: Any, adapter: Adapter, lms: Lms, rollout: int | None) -> None:
        self._fields = fields
        self._module = module
        self._adapter = adapter
        self._lms = lms
        self._added = _ADDED[kind]
        self._rollout = rollout

    async def call(self, inputs: dict[str, Any], call: Call) -> Result:
        """Ask the LM and give the checked answer, with the tokens it took."""
        return await self._run(inputs, call, {})

    async def stream(self, inputs: dict[str, Any], call: Call) -> AsyncIterator[Event | Result]:
        """Do the same, sending the answer's text as it comes; the result is the last item."""
        sink = Sink(call, self._module)
        yield await self._run(inputs, call, sink.settings())

    async def _run(self, inputs: dict[str, Any], call: Call, settings: dict[str, Any]) -> Result:
        checked = check_inputs(self._fields.inputs, inputs)
        if call.lm is None:
            raise no_lm()
        settings = {"callbacks": [], "max_trace_size": 0, "warn_on_type_mismatch": False, **settings}
        async with running(call, self._lms, self._adapter, settings) as run:
            if self._rollout is not None:
                checked["config"] = {"rollout_id": run.model.rollout(self._rollout)}
            prediction = await self._module.acall(**checked)
            return Result(self._answer(dict(prediction.items())), run.usage())

    def _answer(self, found: dict[str, Any]) -> dict[str, Any]:
        checked = check_outputs(self._fields.outputs, found)
        if self._added is None or self._added in checked:
            return checked
        return {self._added: plain(found.get(self._added)), **checked}


def _options(given: Any, kind: str) -> dict[str, Any]:
    known = {**_OPTIONS, **({"max_iters": (_count, "a positive integer")} if kind == "react" else {})}
    if not isinstance(given, Mapping):
        raise InvalidArgument("options", "must be an object")
    for name, value in given.items():
        if name not in known:
            raise InvalidArgument(f"options.{name}", f"is not known; options are {', '.join(sorted(known))}")
        right, what = known[name]
        if not right(value):
            raise InvalidArgument(f"options.{name}", f"must be {what}")
    return dict(given)


def _module(kind: str, fields: Fields, options: dict[str, Any]) -> Any:
    signature = to_dspy(fields)
    if kind == "predict":
        return dspy.Predict(signature, **options)
    if kind == "chain_of_thought":
        return dspy.ChainOfThought(signature, **options)
    module = dspy.ReAct(signature, tools=[], max_iters=options.pop("max_iters", 20))
    for predictor in module.predictors():
        predictor.update_config(**options)
    return module


def _demos(given: Any, fields: Fields, added: str | None) -> list[Any]:
    if not isinstance(given, list):
        raise InvalidArgument("demos", "must be a list of objects")
    known = {*fields.inputs, *fields.outputs, *([added] if added else [])}
    demos = []
    for index, demo in enumerate(given):
        path = f"demos[{index}]"
        if not isinstance(demo, Mapping):
            raise InvalidArgument(path, "must be an object")
        if unknown := sorted(set(demo) - known):
            raise InvalidArgument(f"{path}.{unknown[0]}", "is neither an input nor an output")
        demos.append(dspy.Example(**clean(dict(demo), path)).with_inputs(*fields.inputs))
    return demos


def _show(module: Any, demos: list[Any]) -> None:
    """Give the examples to the predictor that writes the outputs: the last one."""
    module.predictors()[-1].demos = demos
