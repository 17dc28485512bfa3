"""Inputs of a function: checked and coerced by its annotations before anything runs."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any

from .encoding import encode
from .errors import InvalidArgument, OutputInvalid

_EXACT = (str, int, float, bool)
_ANY = (Any, object, inspect.Parameter.empty)


class Arguments:
    """The parameters of one function. Immutable; use it from any thread."""

    def __init__(self, function: Callable[..., Any]) -> None:
        signature = inspect.signature(function)
        hints = _hints(function)
        self._exact: dict[str, Any] = {}
        self._adapters: dict[str, Any] = {}
        self._required: set[str] = set()
        self._open = False
        for name, parameter in signature.parameters.items():
            self._add(name, parameter, hints.get(name, parameter.annotation))
        self._types = None if self._open else self._exact
        #: Whether checking these inputs can run code of the user's own (a model's validator).
        self.runs_user_code = any(self._adapters.values())

    def _add(self, name: str, parameter: inspect.Parameter, hint: Any) -> None:
        if parameter.kind is parameter.VAR_KEYWORD:
            self._open = True
            return
        if parameter.kind is parameter.VAR_POSITIONAL:
            return
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise TypeError(f"parameter {name} is positional only; inputs are passed by name")
        self._exact[name] = hint if hint in _EXACT else None
        if parameter.default is parameter.empty:
            self._required.add(name)
        if hint not in _EXACT and not any(hint is anything for anything in _ANY):
            self._adapters[name] = _adapter(hint)

    def fits(self, inputs: dict[str, Any]) -> bool:
        """Tell whether inputs are all there and exactly of their types, so that nothing is left to do."""
        types = self._types
        if types is None or len(inputs) != len(types):
            return False
        for name, value in inputs.items():  # noqa: SIM110 - a generator costs more than the whole loop
            if type(value) is not types.get(name):
                return False
        return True

    def bind(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Give the keyword arguments, or raise InvalidArgument with the path of the first fault."""
        self._check_names(inputs)
        return {name: self._coerce(name, value) for name, value in inputs.items()}

    def _check_names(self, inputs: dict[str, Any]) -> None:
        for name in inputs:
            if name not in self._exact and not self._open:
                known = ", ".join(self._exact) or "no inputs"
                raise InvalidArgument(f"input.{name}", f"unexpected; the function takes {known}")
        for name in self._exact:
            if name in self._required and name not in inputs:
                raise InvalidArgument(f"input.{name}", "missing")

    def _coerce(self, name: str, value: Any) -> Any:
        exact = self._exact.get(name)
        if exact is not None and type(value) is exact:
            return value
        adapter = self._adapters.get(name) or (_scalar(exact) if exact else None)
        return value if adapter is None else validate(adapter, value, f"input.{name}")


def validate(adapter: Any, value: Any, path: str) -> Any:
    """Coerce value with a pydantic TypeAdapter, by JSON's rules; InvalidArgument tells the path."""
    import pydantic

    try:
        if isinstance(value, bytes):  # an attachment
            return adapter.validate_python(value)
        return adapter.validate_json(encode(value))
    except pydantic.ValidationError as exc:
        raise _described(exc, path) from None
    except OutputInvalid as exc:
        raise InvalidArgument(path, exc.why) from None


def _described(exc: Any, path: str) -> InvalidArgument:
    errors = exc.errors(include_url=False, include_context=False)
    first = errors[0]
    for part in first["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    why = f"{first['msg']} (got {_short(first['input'])})"
    if len(errors) > 1:
        why += f", and {len(errors) - 1} more"
    return InvalidArgument(path, why)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _adapter(hint: Any) -> Any:
    """Give what checks a type, or None for a type that pydantic cannot describe: such inputs pass unchecked."""
    import pydantic

    try:
        return pydantic.TypeAdapter(hint, config=pydantic.ConfigDict(val_json_bytes="base64"))
    except (pydantic.PydanticUserError, pydantic.PydanticUndefinedAnnotation):
        pass  # a model brings its own configuration
    try:
        return pydantic.TypeAdapter(hint)
    except (pydantic.PydanticUserError, pydantic.PydanticUndefinedAnnotation):
        return None


@functools.cache
def _scalar(exact: type) -> Any:
    """Give what checks one of _EXACT: made once, when a value is first of another type."""
    return _adapter(exact)


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except Exception:  # names that only a type checker can resolve
        return {}
