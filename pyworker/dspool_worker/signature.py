"""From a definition's signature to the fields a program takes and gives.

Signatures are built with `dspy.make_signature` from types, never from a
string: DSPy imports modules named in signature strings and looks names up in
the callers' frames.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Optional, Union, get_args, get_origin

import pydantic
from pydantic import TypeAdapter

from .errors import InvalidArgument
from .limits import in_words
from .schema import Types
from .shapes import admits_null

_NAME = re.compile(r"[A-Za-z]\w{0,63}")
# Keyword arguments that DSPy takes for itself when a program is called.
_INPUTS_TAKEN = frozenset({"config", "demos", "lm", "new_signature", "prediction", "self", "signature"})
_BY_KIND: Mapping[str, frozenset[str]] = {
    "chain_of_thought": frozenset({"reasoning"}),
    "react": frozenset({"max_iters", "next_thought", "next_tool_args", "next_tool_name", "reasoning", "trajectory"}),
}
_NO_DEFAULT = object()


@dataclass(frozen=True)
class Field:
    """One input or output: how to check it, and what its absence means."""

    name: str
    kind: Any
    adapter: TypeAdapter[Any]
    required: bool
    nullable: bool
    default: Any
    description: str | None
    constraints: Mapping[str, Any]

    @property
    def has_default(self) -> bool:
        """Tell whether the schema names a value for when none is given."""
        return self.default is not _NO_DEFAULT

    @property
    def text_or_null(self) -> bool:
        """Tell whether both text and null are values: LMs then write null as a word."""
        return get_origin(self.kind) is Union and {str, type(None)} <= {_bare(arg) for arg in get_args(self.kind)}

    @property
    def dspy_type(self) -> Any:
        """The type as DSPy is told it: constraints travel beside it."""
        kind = _bare(self.kind)
        return kind if self.required else Optional[kind]  # noqa: UP045


@dataclass(frozen=True)
class Fields:
    """The inputs and outputs of a program, in the signature's order; immutable."""

    name: str
    instructions: str | None
    inputs: Mapping[str, Field]
    outputs: Mapping[str, Field]


def compile_fields(signature: Mapping[str, Any], kind: str) -> Fields:
    """Read a definition's signature for a program of `kind`, or raise InvalidArgument."""
    defs = {**(signature.get("$defs") or {}), **(signature.get("defs") or {})}
    _check_names(signature, kind)
    inputs = _fields(signature.get("inputs") or (), "input", defs)
    outputs = _fields(signature.get("outputs") or (), "output", defs)
    if not outputs and kind != "module":
        raise InvalidArgument("signature", "there must be at least one output field")
    name = signature.get("name")
    safe = name if isinstance(name, str) and _NAME.fullmatch(name) else "Program"
    return Fields(safe, signature.get("instructions") or None, inputs, outputs)


def to_dspy(fields: Fields) -> Any:
    """Build the `dspy.Signature` class of these fields (about a millisecond)."""
    import dspy

    members: dict[str, Any] = {}
    for make, part in ((dspy.InputField, fields.inputs), (dspy.OutputField, fields.outputs)):
        for field in part.values():
            about = {"desc": field.description} if field.description else {}
            members[field.name] = (field.dspy_type, make(**about, **field.constraints))
    try:
        return dspy.make_signature(members, fields.instructions, fields.name)
    except (TypeError, ValueError, AttributeError, pydantic.errors.PydanticUserError) as exc:
        raise InvalidArgument("signature", f"DSPy cannot serve it: {exc}") from exc


def _fields(parts: Iterable[Any], side: str, defs: Mapping[str, Any]) -> Mapping[str, Field]:
    types: dict[str, Types] = {}
    found = {}
    for part in parts:
        schema = part.get("schema", True)
        local = (schema.get("$defs") or {}) if isinstance(schema, Mapping) else {}
        # References resolve per field: two Go types may share a name.
        key = part["name"] if local else ""
        maker = types.setdefault(key, Types({**defs, **local}, output=side == "output"))
        found[part["name"]] = _field(part, schema, maker, side)
    return found


def _field(part: Mapping[str, Any], schema: Any, types: Types, side: str) -> Field:
    path = f"{side}.{part['name']}"
    kind, constraints = types.field(schema, path)
    about = schema if isinstance(schema, Mapping) else {}
    field_type = Annotated[kind, pydantic.Field(**constraints)] if constraints else kind
    required = part.get("required", True) is not False
    try:
        adapter = _adapter(field_type if required else Optional[field_type])  # noqa: UP045
    except Exception as exc:  # pydantic reports bad patterns and constraints by many classes
        raise InvalidArgument(path, f"the schema cannot be served: {exc}") from exc
    default = about.get("default", _NO_DEFAULT) if side == "input" else _NO_DEFAULT
    if default is not _NO_DEFAULT:
        _check_default(adapter, default, path)
    return Field(
        name=part["name"],
        kind=kind,
        adapter=adapter,
        required=required,
        nullable=admits_null(schema),
        default=default,
        description=_described(part.get("desc") or about.get("description"), in_words(schema)),
        constraints=constraints,
    )


def _described(description: str | None, limits: str) -> str | None:
    # DSPy tells the LM in words only of limits that pydantic itself knows.
    return f"{description or ''} ({limits})".lstrip() if limits else description


def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _check_default(adapter: TypeAdapter[Any], default: Any, path: str) -> None:
    try:
        adapter.validate_python(default)
    except (ValueError, TypeError) as exc:
        raise InvalidArgument(path, f"the default {default!r:.60} breaks its own schema: {exc}") from exc


def _check_names(signature: Mapping[str, Any], kind: str) -> None:
    seen: set[str] = set()
    for side in ("inputs", "outputs"):
        parts = signature.get(side) or ()
        if not isinstance(parts, (list, tuple)):
            raise InvalidArgument(f"signature.{side}", "must be a list of fields")
        for part in parts:
            name = part.get("name") if isinstance(part, Mapping) else None
            why = _name_problem(name, side, kind)
            if why is None and name in seen:
                why = "is used twice; inputs and outputs share one set of names"
            if why is not None:
                raise InvalidArgument(f"signature.{side}", f"field name {name!r:.80} {why}")
            seen.add(str(name))


def _name_problem(name: Any, side: str, kind: str) -> str | None:
    """Say what is wrong with a field's name, None if nothing is."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return "must be a letter followed by at most 63 letters, digits or underscores"
    if name == "self":
        return "is reserved by Python"
    if kind == "module":
        return None
    if side == "inputs" and name in _INPUTS_TAKEN:
        return f"is reserved by DSPy; use another, for example {name}_value"
    if name in _BY_KIND.get(kind, ()) and (side == "inputs" or kind == "react"):
        return f"is reserved by {kind}"
    if name.startswith(("model_", "dspy_")) or _belongs_to_signature(name):
        return f"is reserved by DSPy; use another, for example {name}_value"
    return None


def _belongs_to_signature(name: str) -> bool:
    import dspy

    # Names of the metaclass (fields, instructions, ...) fail only much later.
    return hasattr(dspy.Signature, name) or hasattr(type(dspy.Signature), name)


def _bare(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind
