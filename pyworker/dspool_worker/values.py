"""Values on their way in and out of DSPy programs.

DSPy neither checks inputs nor enforces an output's constraints; this module
does both, and says by path what is wrong: `input.items[2].price: ...`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from .errors import InvalidArgument, OutputInvalid
from .shapes import Blob, Object
from .signature import Field

NESTING_MAX = 200
PROBLEMS_SHOWN = 3

# DSPy turns this text, wherever it finds it in a prompt, into content blocks:
# plain text of a caller could otherwise send an image address or a file id to
# the provider. Blanks for dashes keep it readable and cannot make a new marker.
_MARKERS = ("CUSTOM-TYPE-START-IDENTIFIER", "CUSTOM-TYPE-END-IDENTIFIER")
_NULL_WORDS = frozenset({"None", "null"})


def clean(value: Any, path: str) -> Any:
    """Return a JSON value whose texts are safe to put into a prompt.

    Markers of DSPy's content blocks are neutralised; lone surrogates, which
    no provider can receive, and absurd nesting are refused.
    """
    try:
        return _clean(value, path, 0)
    except RecursionError:
        raise InvalidArgument(path, "is nested too deeply") from None


def _clean(value: Any, path: str, depth: int) -> Any:
    if isinstance(value, str):
        return _clean_text(value, path)
    if isinstance(value, (dict, list)) and depth >= NESTING_MAX:
        raise InvalidArgument(path, f"is nested deeper than {NESTING_MAX} levels")
    if isinstance(value, dict):
        return {_clean_text(k, path): _clean(v, f"{path}.{k}", depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [_clean(one, f"{path}[{i}]", depth + 1) for i, one in enumerate(value)]
    return value


def _clean_text(text: str, path: str) -> str:
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as exc:
            what = f"U+{ord(text[exc.start]):04X} at position {exc.start}"
            raise InvalidArgument(path, f"is not Unicode text: lone surrogate {what}") from None
    if "CUSTOM-TYPE-" in text:
        for marker in _MARKERS:
            text = text.replace(marker, marker.replace("-", " "))
    return text


def check_inputs(fields: Mapping[str, Field], given: Mapping[str, Any]) -> dict[str, Any]:
    """Coerce a call's inputs to their types, or raise Fault naming every path at fault."""
    for name in given:
        if name not in fields:
            raise InvalidArgument(f"input.{name}", f"there is no such input; {_known(name, fields)}")
    checked = {}
    for name, field in fields.items():
        value = given.get(name)
        if value is None and (name not in given or not (field.required or field.nullable)):
            if field.has_default:
                checked[name] = field.adapter.validate_python(field.default)
            elif field.required:
                raise InvalidArgument(f"input.{name}", "is required and was not given")
            continue
        path = f"input.{name}"
        checked[name] = _validated(field.adapter, clean(value, path), path, InvalidArgument)
    return checked


def _known(name: str, fields: Mapping[str, Field]) -> str:
    near = difflib.get_close_matches(name, fields, n=1)
    names = ", ".join(fields) or "none"
    return f"the inputs are {names}" + (f"; did you mean {near[0]}?" if near else "")


def check_outputs(fields: Mapping[str, Field], given: Mapping[str, Any]) -> dict[str, Any]:
    """Check an answer against its types and constraints, or raise Fault output_invalid.

    Optional outputs without a value are left out, unless null is one of their values.
    """
    checked = {}
    for name, field in fields.items():
        path = f"output.{name}"
        if name not in given and field.required:
            raise OutputInvalid(path, "is missing from the program's answer")
        value = given.get(name)
        if field.text_or_null and isinstance(value, str) and value.strip() in _NULL_WORDS:
            value = None
        if value is None and not field.required and not field.nullable:
            continue
        checked[name] = plain(_validated(field.adapter, value, path, OutputInvalid))
    return checked


def _validated(adapter: TypeAdapter[Any], value: Any, path: str, failure: Callable[[str, str], Exception]) -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError as exc:
        raise failure(*_problems(exc, value, path)) from None
    except (TypeError, ValueError, AttributeError, OverflowError) as exc:
        # Some of DSPy's own types raise in their constructors.
        raise failure(path, str(exc)) from None


def _problems(exc: ValidationError, value: Any, path: str) -> tuple[str, str]:
    """Return the first path at fault, and what is wrong there and elsewhere."""
    lines: dict[str, str] = {}
    for error in exc.errors(include_url=False, include_context=False):
        where = _located(path, error["loc"], value, error["type"] == "missing")
        lines.setdefault(where, error["msg"].removeprefix("Value error, ") + _shown(error["input"]))
    (first, why), *others = lines.items()
    shown = [why, *(f"{where}: {text}" for where, text in others[: PROBLEMS_SHOWN - 1])]
    rest = len(lines) - len(shown)
    return first, "; ".join(shown) + (f"; and {rest} more" if rest > 0 else "")


def _located(path: str, loc: tuple[int | str, ...], value: Any, missing: bool) -> str:
    """Write pydantic's location as a path, without the names of union members in it."""
    for index, part in enumerate(loc):
        if isinstance(part, int) and isinstance(value, (list, tuple)):
            path, value = f"{path}[{part}]", value[part] if part < len(value) else None
        elif isinstance(value, dict) and (part in value or (missing and index == len(loc) - 1)):
            path, value = f"{path}.{part}", value.get(part)
    return path


def _shown(value: Any) -> str:
    if isinstance(value, (str, int, float, bool)) and len(text := repr(value)) <= 60:
        return f" (it is {text})"
    return ""


def plain(value: Any) -> Any:
    """Replace DSPy's and dspool's own types by JSON values; leave every other leaf as it is."""
    if isinstance(value, Blob):
        return Blob.text(value)
    if value is None or isinstance(value, (str, int, float, bytes)):
        return value
    if isinstance(value, Object):
        return {k: plain(v) for k, v in value.members().items()}
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(one) for one in value]
    return _of_dspy(value)


def plain_inputs(value: Any) -> Any:
    """Replace dspool's object types by dicts, for user code; keep DSPy's types."""
    if isinstance(value, Object):
        return {k: plain_inputs(v) for k, v in value.members().items()}
    if isinstance(value, dict):
        return {k: plain_inputs(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain_inputs(one) for one in value]
    return value


def _of_dspy(value: Any) -> Any:
    """Undo the serializers of DSPy's types: they write prompt markers, not JSON."""
    import dspy

    if isinstance(value, dspy.Reasoning):
        return value.content
    if isinstance(value, dspy.Code):
        return value.code
    if isinstance(value, (dspy.Type, dspy.History)):
        return {k: plain(getattr(value, k)) for k in type(value).model_fields}
    if isinstance(value, (dspy.Prediction, dspy.Example)):
        return {k: plain(v) for k, v in value.items()}
    return value
