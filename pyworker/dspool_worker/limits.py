"""Limits of JSON Schema that pydantic has no words for.

The host checks the same ones, with the same paths and the same expressions:
internal/validate/testdata/verdicts.json holds both sides to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Annotated, Any

import pydantic
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from .errors import InvalidArgument
from .shapes import Blob, Object

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"

#: What text of a format looks like. Meant to catch what is no address at all.
_SHAPES: Mapping[str, tuple[re.Pattern[str], str]] = {
    "email": (
        re.compile(r"[^@\t\n\r ]+@[^@\t\n\r .]+(\.[^@\t\n\r .]+)+"),
        "an e-mail address such as name@example.org",
    ),
    "uri": (re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\t\n\r ]+"), "a URI such as https://example.org/path"),
    "hostname": (re.compile(rf"{_LABEL}(\.{_LABEL})*"), "a host's name such as www.example.org"),
    "ipv4": (re.compile(rf"({_OCTET}\.){{3}}{_OCTET}"), "an address such as 192.0.2.1"),
}


def limited(kind: Any, schema: Mapping[str, Any], path: str) -> Any:
    """Return the type with the limits of its schema that pydantic itself has no words for.

    They stay in the JSON Schema that the LM is shown. InvalidArgument says that a limit is none.
    """
    try:
        checks = list(_checks(schema))
    except (ValueError, TypeError) as exc:
        raise InvalidArgument(path, f"the schema cannot be served: {exc}") from None
    if not checks:
        return kind
    shown = {key: schema[key] for _, keys in checks for key in keys}
    for check, _ in checks:
        kind = Annotated[kind, pydantic.AfterValidator(check)]
    return Annotated[kind, pydantic.Field(json_schema_extra=shown)]


def in_words(schema: Any) -> str:
    """Write a schema's own limits of this module as DSPy, which does not look for them, can show them."""
    if not isinstance(schema, Mapping):
        return ""
    return ", ".join(f"{key}: {schema[key]}" for _, keys in _checks(schema) for key in keys)


def _checks(schema: Mapping[str, Any]) -> Iterator[tuple[Callable[[Any], Any], tuple[str, ...]]]:
    if schema.get("uniqueItems") is True:
        yield different, ("uniqueItems",)
    if (form := schema.get("format")) in _SHAPES:
        yield _shaped(str(form)), ("format",)
    if schema.get("type") == "number" and "multipleOf" in schema:
        yield _multiple(schema["multipleOf"]), ("multipleOf",)
    keys = tuple(key for key in ("minProperties", "maxProperties") if key in schema)
    if keys and schema.get("properties"):
        yield _counted(schema.get("minProperties", 0), schema.get("maxProperties")), keys


def different(value: Any) -> Any:
    """Refuse a list in which an item stands twice, at the place of the second one."""
    if not isinstance(value, list):
        return value
    seen = set()
    again: list[InitErrorDetails] = []
    for index, item in enumerate(value):
        if (key := _identity(item)) in seen:
            why = PydanticCustomError("twice", "stands twice in an array of different items")
            again.append({"type": why, "loc": (index,), "input": item})
        seen.add(key)
    if again:
        raise ValidationError.from_exception_data("list", again)
    return value


def _identity(value: Any) -> Any:
    """Give what two values share exactly when they are the same JSON."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, Object):
        value = value.members()
    if isinstance(value, dict):
        return ("object", frozenset((key, _identity(one)) for key, one in value.items()))
    if isinstance(value, (list, tuple)):
        return ("array", tuple(_identity(one) for one in value))
    if isinstance(value, Blob):
        return Blob.text(value)
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value


def _shaped(form: str) -> Callable[[Any], Any]:
    pattern, like = _SHAPES[form]

    def check(value: Any) -> Any:
        if isinstance(value, str) and not pattern.fullmatch(value):
            raise ValueError(f"expected {like}")
        return value

    return check


def _multiple(step: float) -> Callable[[Any], Any]:
    # As decimals, which is how people write them: 0.3 is a multiple of 0.1.
    exact = Fraction(repr(step))
    if exact <= 0:
        raise ValueError(f"multipleOf is {step}, it has to be above 0")

    def check(value: Any) -> Any:
        if isinstance(value, (int, float)) and (Fraction(repr(value)) / exact).denominator != 1:
            raise ValueError(f"expected a multiple of {step}")
        return value

    return check


def _counted(low: Any, high: Any) -> Callable[[Any], Any]:
    if not isinstance(low, int) or not isinstance(high, int | None):
        raise TypeError("minProperties and maxProperties are whole numbers")

    def check(value: Any) -> Any:
        if isinstance(value, Object):
            found = len(value.model_fields_set)
            if found < low or (high is not None and found > high):
                bounds = f"at least {low}" if found < low else f"at most {high}"
                raise ValueError(f"expected {bounds} members, found {found}")
        return value

    return check
