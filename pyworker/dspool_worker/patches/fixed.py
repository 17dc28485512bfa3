"""What of a signature can change, so that work on one that has not is not done again.

A signature's class stays the same while its instructions, its fields and their
descriptions may be exchanged at any time: optimizers do that. So nothing is
remembered of a signature without what it was made of.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import types
import uuid
import weakref
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from ..shapes import Blob, Object

_PLAIN = frozenset({
    Any, bool, bytes, complex, datetime.date, datetime.datetime, datetime.time, datetime.timedelta, decimal.Decimal,
    dict, float, frozenset, int, list, set, str, tuple, type(None), uuid.UUID, Blob,
})  # fmt: skip
_CONTAINERS = frozenset({dict, frozenset, list, set, tuple, Union, types.UnionType})
_SEEN: weakref.WeakKeyDictionary[Any, Seen] = weakref.WeakKeyDictionary()


class Seen:
    """A signature as it was, and what was worked out from it then."""

    __slots__ = ("_doc", "_fields", "fixed", "values")

    def __init__(self, signature: Any) -> None:
        self._doc = signature.__doc__
        self._fields = [
            (name, field, field.annotation, len(field.metadata), _extra(field))
            for name, field in signature.model_fields.items()
        ]
        #: Whether all types are such that nobody can change what they say of themselves.
        self.fixed = all(is_fixed(field[2]) for field in self._fields)
        self.values: dict[Any, Any] = {}

    def still(self, signature: Any) -> bool:
        """Tell whether the signature is as it was."""
        fields = signature.__pydantic_fields__
        if signature.__doc__ != self._doc or len(fields) != len(self._fields):
            return False
        for (name, field), (was_name, was, annotation, metadata, extra) in zip(
            fields.items(), self._fields, strict=True
        ):
            if name != was_name or field is not was or field.annotation is not annotation:
                return False
            if len(field.metadata) != metadata or _extra(field) != extra:
                return False
        return True


def seen(signature: Any) -> Seen:
    """Give what is remembered of a signature: nothing yet, if it has changed."""
    found = _SEEN.get(signature)
    if found is None or not found.still(signature):
        _SEEN[signature] = found = Seen(signature)
    return found


def is_fixed(annotation: Any) -> bool:
    """Tell whether a type always means the same. A class of the user's own may say something else tomorrow."""
    try:
        if annotation in _PLAIN:
            return True
    except TypeError:
        return False  # not hashable
    origin = get_origin(annotation)
    if origin is Literal:
        return True
    if origin is Annotated:
        return is_fixed(get_args(annotation)[0])
    if origin in _CONTAINERS:
        return all(one is ... or is_fixed(one) for one in get_args(annotation))
    return isinstance(annotation, type) and _is_known(annotation)


def _is_known(cls: type) -> bool:
    if issubclass(cls, enum.Enum):
        return True
    # Those that dspool makes of a definition, and DSPy's own.
    return issubclass(cls, Object) or cls.__module__.startswith("dspy.")


def _extra(field: Any) -> tuple[Any, ...]:
    extra = field.json_schema_extra
    return extra.get("desc"), extra.get("constraints"), extra.get("__dspy_field_type")
