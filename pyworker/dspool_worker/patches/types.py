"""Types are compiled once: DSPy builds a validator for every value that it writes or reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .fixed import is_fixed
from .patch import Part, Patch

_TYPES_MAX = 1024


def _adapters(plain: Callable[[Any], Any]) -> Any:
    # By identity: types that are equal may differ in the order of their members, which decides what fits first.
    known: dict[int, tuple[Any, Any]] = {}

    def adapter(type: Any) -> Any:
        found = known.get(id(type))
        if found is not None:
            return found[1]
        made = plain(type)
        if is_fixed(type):
            if len(known) >= _TYPES_MAX:
                known.clear()
            known[id(type)] = (type, made)  # which keeps the type, and so its identity
        return made

    return adapter


def _fields(_: Any) -> Any:
    def fields(cls: Any, field_type: str) -> dict[str, Any]:
        return {
            name: field
            for name, field in cls.__pydantic_fields__.items()
            if field.json_schema_extra["__dspy_field_type"] == field_type
        }

    return fields


def patch() -> Patch:
    """Give the patch."""
    utils = "dspy.adapters.utils"
    return Patch(
        name="types",
        reason="building a validator takes many times as long as using it",
        read={
            f"{utils}:serialize_for_json": "989096592c12",
            f"{utils}:parse_value": "95a949226a90",
            "dspy.adapters.xml_adapter:XMLAdapter.parse": "6d24aa400c6a",
            "dspy.adapters.xml_adapter:XMLAdapter._xml_schema": "6ea3858f8787",
            "dspy.signatures.signature:SignatureMeta._get_fields_with_type": "03583acaf34b",
        },
        parts=(
            Part(utils, "TypeAdapter", _adapters),
            Part("dspy.adapters.xml_adapter", "TypeAdapter", _adapters),
            Part("dspy.signatures.signature", "SignatureMeta._get_fields_with_type", _fields),
        ),
    )
