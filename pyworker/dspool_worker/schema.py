"""JSON Schema to Python types: what the fields of a signature are made of.

One `Types` serves one direction (inputs or outputs) of one definition. Every
type it returns validates, says what is wrong with a path, and shows itself to
the LM as a JSON Schema again. What is not understood and cannot change the
meaning of a value (titles, examples, unknown formats) is ignored; what cannot
be served is refused with the path of the schema at fault.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timezone
from typing import Annotated, Any, Literal, Optional, Union
from uuid import UUID

import pydantic

from .dspytypes import dspy_type
from .errors import InvalidArgument
from .limits import limited
from .shapes import Blob, object_type

DEPTH_MAX = 32

Schema = Mapping[str, Any]

_PLAIN: Mapping[str, Any] = {"string": str, "integer": int, "boolean": bool, "null": type(None)}
_NUMBERS = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
}
_CONSTRAINTS: Mapping[str, Mapping[str, str]] = {
    "integer": {**_NUMBERS, "multipleOf": "multiple_of"},
    "number": _NUMBERS,
    "string": {"minLength": "min_length", "maxLength": "max_length", "pattern": "pattern"},
    "array": {"minItems": "min_length", "maxItems": "max_length"},
    "object": {"minProperties": "min_length", "maxProperties": "max_length"},
}
#: How the host writes that the keys of a map are integers: JSON itself has only strings.
_WHOLE_NUMBERS = "^-?(0|[1-9][0-9]*)$"


def _aware(value: datetime) -> datetime:
    # `date-time` is RFC 3339, which needs an offset; LMs rarely write one.
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("JSON has no NaN and no infinity")
    return value


class _Check(pydantic.AfterValidator):
    """A validator with a name for prompts, which would else show its address: another one in each worker."""

    @property
    def __name__(self) -> str:
        return str(getattr(self.func, "__name__", "")).strip("_")


_FORMATS: Mapping[str, Any] = {
    "date-time": Annotated[datetime, _Check(_aware)],
    "date": date,
    "time": time,
    "uuid": UUID,
}


class Types:
    """The types of one direction of one definition; not shared between threads."""

    def __init__(self, defs: Schema, output: bool) -> None:
        self._defs = defs
        self._output = output
        self._memo: dict[str, Any] = {}

    def field(self, schema: Any, path: str) -> tuple[Any, dict[str, Any]]:
        """Return a top-level field's type and its constraints, apart.

        Apart because DSPy shows a field's own constraints to the LM in words,
        and drops those it finds inside a top-level `Annotated`.
        """
        bare = self._resolve(schema)
        kind = bare.get("type") if isinstance(bare, Mapping) else None
        if not isinstance(kind, str) or "enum" in bare or "const" in bare:
            return self.type(schema, path), {}
        found = self._constraints(bare, kind)
        if not found:
            return self.type(bare, path), {}
        rest = {k: v for k, v in bare.items() if k not in _CONSTRAINTS.get(kind, {})}
        return self.type(rest, path), found

    def type(self, schema: Any, path: str, depth: int = 0) -> Any:
        """Return the type that a schema describes, constraints included."""
        if depth > DEPTH_MAX:
            raise InvalidArgument(path, f"the schema is nested deeper than {DEPTH_MAX} levels")
        if schema is True:
            return Any
        if not isinstance(schema, Mapping):
            raise InvalidArgument(path, f"a schema must be an object, not {schema!r:.40}")
        if "x-dspy" in schema:
            return dspy_type(schema["x-dspy"], path)
        if "$ref" in schema:
            return self._ref(schema, path, depth)
        if "enum" in schema or "const" in schema:
            return _literal(schema.get("enum", [schema.get("const")]), path)
        return self._combined(schema, path, depth)

    def _combined(self, schema: Schema, path: str, depth: int) -> Any:
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return self._union(schema[key], f"{path}.{key}", depth)
        if "allOf" in schema:
            return self.type(self._merged(schema, path), path, depth + 1)
        kind = schema.get("type")
        if isinstance(kind, list):
            return self._union([{**schema, "type": one} for one in kind], path, depth)
        base = limited(self._simple(schema, kind, path, depth), schema, path)
        found = self._constraints(schema, kind)
        return Annotated[base, pydantic.Field(**found)] if found else base

    def _simple(self, schema: Schema, kind: Any, path: str, depth: int) -> Any:
        if kind == "object" or (kind is None and "properties" in schema):
            return self._object(schema, path, depth)
        if kind == "array" or (kind is None and "items" in schema):
            return self._array(schema, path, depth)
        if kind is None:
            return Any
        if kind == "string":
            return _string(schema)
        if kind == "number":
            return Annotated[float, _Check(_finite)]
        if isinstance(kind, str) and kind in _PLAIN:
            return _PLAIN[kind]
        raise InvalidArgument(path, f"unknown type {kind!r:.40} in the schema")

    def _union(self, choices: Any, path: str, depth: int) -> Any:
        if not isinstance(choices, list) or not choices:
            raise InvalidArgument(path, "must be a list that is not empty")
        members = tuple(self.type(one, f"{path}[{i}]", depth + 1) for i, one in enumerate(choices))
        return Union[members]  # noqa: UP007

    def _array(self, schema: Schema, path: str, depth: int) -> Any:
        prefix = schema.get("prefixItems")
        if isinstance(prefix, list) and schema.get("items", False) is False:
            parts = tuple(self.type(one, f"{path}.prefixItems[{i}]", depth + 1) for i, one in enumerate(prefix))
            return tuple[parts]  # type: ignore[valid-type]
        return list[self.type(schema.get("items", True), f"{path}.items", depth + 1)]  # type: ignore[misc]

    def _object(self, schema: Schema, path: str, depth: int) -> Any:
        more = schema.get("additionalProperties", None)
        if not schema.get("properties"):
            value = Any if more in (None, False) else self.type(more, f"{path}.additionalProperties", depth + 1)
            return dict[self._key(schema.get("propertyNames"), path, depth), value]  # type: ignore[misc]
        required = frozenset(schema.get("required") or ())
        properties: dict[str, Any] = {}
        for name, sub in schema["properties"].items():
            kind = self.type(sub, f"{path}.{name}", depth + 1)
            properties[name] = (kind if name in required else Optional[kind], sub)  # noqa: UP045
        return object_type(_title(schema, path), properties, required, self._extra(more))

    def _key(self, names: Any, path: str, depth: int) -> Any:
        if not isinstance(names, Mapping):
            return str
        if names.get("pattern") == _WHOLE_NUMBERS:
            return int
        return self.type({"type": "string", **names}, f"{path}.propertyNames", depth + 1)

    def _extra(self, more: Any) -> Literal["allow", "ignore", "forbid"]:
        # A caller's surplus member is a mistake worth telling; an LM's is noise
        # that must not fail an otherwise good answer.
        if self._output:
            return "allow" if more not in (None, False) else "ignore"
        return "forbid" if more is False else "allow"

    def _ref(self, schema: Schema, path: str, depth: int) -> Any:
        key = str(schema["$ref"]).rsplit("/", 1)[-1]
        if key not in self._defs:
            raise InvalidArgument(path, f"the schema refers to {schema['$ref']!r:.80}, which is not defined")
        if key not in self._memo:
            self._memo[key] = Any  # what a type that contains itself sees of itself
            self._memo[key] = self.type(self._defs[key], f"{path}({key})", depth + 1)
        return self._memo[key]

    def _resolve(self, schema: Any) -> Any:
        """Follow references at the top, so that their constraints count as the field's own."""
        for _ in range(DEPTH_MAX):
            if not isinstance(schema, Mapping) or "$ref" not in schema:
                return schema
            key = str(schema["$ref"]).rsplit("/", 1)[-1]
            if key not in self._defs or self._is_object(key):
                return schema
            schema = self._defs[key]
        return schema

    def _is_object(self, key: str) -> bool:
        # Objects have no constraints to lift, and may contain themselves.
        return isinstance(self._defs[key], Mapping) and "properties" in self._defs[key]

    def _merged(self, schema: Schema, path: str) -> Schema:
        parts = [self._resolve(one) for one in schema["allOf"]]
        merged = {k: v for k, v in schema.items() if k != "allOf"}
        for part in parts:
            if not isinstance(part, Mapping) or ("$ref" in part and len(parts) > 1):
                raise InvalidArgument(f"{path}.allOf", "can only be served for plain object schemas")
            properties = {**merged.get("properties", {}), **part.get("properties", {})}
            required = [*merged.get("required", ()), *part.get("required", ())]
            merged = {**merged, **part, "properties": properties, "required": required}
            if not properties:
                del merged["properties"]
        return merged

    def _constraints(self, schema: Schema, kind: Any) -> dict[str, Any]:
        names = _CONSTRAINTS.get(kind, {}) if isinstance(kind, str) else {}
        if (kind == "array" and "prefixItems" in schema) or _typed_string(schema, kind):
            return {}
        if kind == "object" and schema.get("properties"):
            return {}  # pydantic counts the members of dicts only
        return {names[k]: v for k, v in schema.items() if k in names and not isinstance(v, bool)}


def _typed_string(schema: Schema, kind: Any) -> bool:
    return kind == "string" and (schema.get("format") in _FORMATS or schema.get("contentEncoding") == "base64")


def _string(schema: Schema) -> Any:
    if schema.get("contentEncoding") == "base64":
        return Blob
    return _FORMATS.get(str(schema.get("format")), str)


def _literal(values: Any, path: str) -> Any:
    if not isinstance(values, list) or not values:
        raise InvalidArgument(f"{path}.enum", "must be a list that is not empty")
    if any(isinstance(one, (list, dict)) for one in values):
        raise InvalidArgument(f"{path}.enum", "members must be strings, numbers, booleans or null")
    return Literal[tuple(values)]


def _title(schema: Schema, path: str) -> str:
    words = re.findall(r"\w+", str(schema.get("title") or path))
    return "_".join(words)[:80] or "Object"
