"""The two types that plain Python lacks: bytes as base64, and JSON objects.

Both behave the same on the way in, in the prompt, in the LM's answer and on
the way out, so that validating a value twice never changes it.
"""

from __future__ import annotations

import base64
import binascii
import keyword
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, create_model
from pydantic_core import core_schema

_SAFE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Blob(bytes):
    """Bytes that are base64 text in JSON and in prompts.

    Plain `bytes` would take base64 text for its own characters.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Accept bytes as they are and strings as base64."""
        text = core_schema.plain_serializer_function_ser_schema(cls.text, when_used="always")
        return core_schema.no_info_plain_validator_function(cls._decoded, serialization=text)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Say to the LM what it has to write."""
        return {"type": "string", "contentEncoding": "base64"}

    @classmethod
    def _decoded(cls, value: Any) -> Blob:
        if isinstance(value, (bytes, bytearray, memoryview)):
            return value if isinstance(value, cls) else cls(value)
        if not isinstance(value, str):
            raise ValueError("should be base64 text")
        try:
            return cls(base64.b64decode("".join(value.split()), validate=True))
        except (binascii.Error, ValueError) as exc:
            raise ValueError(f"is not base64: {exc}") from None

    @staticmethod
    def text(value: bytes) -> str:
        """Return the base64 text of bytes."""
        return base64.b64encode(value).decode("ascii")


class Object(BaseModel):
    """A JSON object with known members; the base of all object types.

    An optional member that has no value is left out of the prompt and of the
    result: null is not a value of its type.
    """

    model_config = ConfigDict(protected_namespaces=(), validate_by_name=True, validate_by_alias=True)

    dropped: ClassVar[frozenset[str]] = frozenset()

    @pydantic.model_serializer(mode="plain")
    def members(self) -> dict[str, Any]:
        """Return the members by their JSON names, in the schema's order."""
        found = {
            (info.alias or name): getattr(self, name)
            for name, info in type(self).model_fields.items()
            if getattr(self, name) is not None or name not in type(self).dropped
        }
        return {**found, **(self.model_extra or {})}


class _Open(Object):
    model_config = ConfigDict(extra="allow")


class _Tolerant(Object):
    model_config = ConfigDict(extra="ignore")


class _Closed(Object):
    model_config = ConfigDict(extra="forbid")


_BASES: Mapping[str, type[Object]] = {"allow": _Open, "ignore": _Tolerant, "forbid": _Closed}


def object_type(
    name: str,
    properties: Mapping[str, tuple[Any, Any]],
    required: frozenset[str],
    extra: Literal["allow", "ignore", "forbid"],
) -> type[Object]:
    """Build the type of a JSON object from `{member: (type, schema)}`."""
    fields: dict[str, Any] = {}
    dropped = set()
    for index, (member, (kind, schema)) in enumerate(properties.items()):
        attribute = _attribute(member, index, properties)
        about = schema if isinstance(schema, Mapping) else {}
        default = ... if member in required else about.get("default")
        alias = None if attribute == member else member
        fields[attribute] = (kind, Field(default, description=about.get("description"), alias=alias))
        if member not in required and not admits_null(about):
            dropped.add(attribute)
    model: type[Object] = create_model(name, __base__=_BASES[extra], **fields)
    model.dropped = frozenset(dropped)
    return model


def admits_null(schema: Any) -> bool:
    """Tell whether null is a value of a schema, as far as that can be read off."""
    if not isinstance(schema, Mapping):
        return schema is True
    if "enum" in schema or "const" in schema:
        return None in schema.get("enum", [schema.get("const")])
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return any(admits_null(one) for one in schema[key])
    kind = schema.get("type")
    if isinstance(kind, list):
        return "null" in kind
    return kind == "null" or not schema


def _attribute(member: str, index: int, taken: Mapping[str, Any]) -> str:
    """Find a Python name for a JSON member: JSON allows any text, and BaseModel has names of its own."""
    if _SAFE.fullmatch(member) and not keyword.iskeyword(member) and not hasattr(Object, member):
        return member
    name = f"member_{index}"
    while name in taken:
        name += "_"
    return name
