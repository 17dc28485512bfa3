"""JSON in and out: exact integers, no NaN, and the path of whatever cannot travel."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import msgspec

from . import longtext
from .errors import Fault, OutputInvalid

_SCALARS = frozenset((str, int, bool, type(None)))
_SAFE = _SCALARS | {msgspec.Raw, bytes}
_DEPTH_LIMIT = 200


class Malformed(Fault):
    """Bytes that are not one JSON value."""

    def __init__(self, why: str) -> None:
        super().__init__("invalid_argument", f"the input is not valid JSON: {why}")


def _plain(value: Any) -> Any:
    """Turn what msgspec does not know into something that it knows."""
    dump = getattr(type(value), "model_dump", None)
    if dump is not None:
        return dump(value, mode="python", by_alias=True)
    import pydantic_core

    try:
        return pydantic_core.to_jsonable_python(value, bytes_mode="base64")
    except pydantic_core.PydanticSerializationError:
        raise NotImplementedError(type(value)) from None


_encode = msgspec.json.Encoder(enc_hook=_plain).encode

#: Reads one JSON value like decode, but raises whatever msgspec raises.
decode_unchecked = msgspec.json.Decoder().decode


def decode(data: bytes | bytearray | memoryview) -> Any:
    """Read one JSON value; integers of any size stay exact."""
    if len(data) >= longtext.LONG and (found := longtext.read(data)) is not None:
        return found
    try:
        return decode_unchecked(data)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as exc:
        raise Malformed(str(exc)) from None


def encode(value: Any) -> bytes:
    """Write value as JSON, or raise OutputInvalid with the path of what cannot travel."""
    kind = type(value)
    if (kind is str and len(value) >= longtext.LONG) or kind is dict:
        long = longtext.write(value)
        if long is not None:
            return long
    try:
        data = _encode(value)
    except Exception as exc:
        raise _blame(value, exc) from None
    # msgspec writes NaN and infinity as null, so only output that holds a null is looked at again.
    if kind is not str and kind not in _SAFE and not _flat(value, kind) and b"null" in data:
        _refuse_unreal(value)
    return data


def _flat(value: Any, kind: type) -> bool:
    """Tell whether value holds only strings and the like, without a search through its text."""
    if kind is dict:
        return all(type(item) in _SCALARS for item in value.values())
    return False


def _refuse_unreal(value: Any) -> None:
    found = _find(value, "output", 0, [])
    if found is not None:
        raise OutputInvalid(*found)


def _blame(value: Any, exc: Exception) -> OutputInvalid:
    try:
        found = _find(value, "output", 0, [])
    except Exception as other:
        return OutputInvalid("output", f"cannot be written as JSON: {other}")
    return OutputInvalid(*(found or ("output", f"cannot be written as JSON: {exc}")))


def _find(value: Any, path: str, depth: int, above: list[int]) -> tuple[str, str] | None:
    """Search depth-first for the first value that JSON cannot hold."""
    if depth > _DEPTH_LIMIT or id(value) in above:
        return path, "is nested too deeply or holds itself"
    if isinstance(value, float):
        return None if math.isfinite(value) else (path, f"{value!r} is not a JSON number")
    if isinstance(value, str):
        return _find_surrogate(value, path)
    children = _children(value, path)
    if children is None:
        return _find_by_trial(value, path)
    above.append(id(value))
    for name, child in children:
        found = _find(child, name, depth + 1, above)
        if found is not None:
            return found
    above.pop()
    return None


def _children(value: Any, path: str) -> list[tuple[str, Any]] | None:
    if isinstance(value, dict):
        return _entries(value, path)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [(f"{path}[{i}]", item) for i, item in enumerate(value)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return [(f"{path}.{name}", getattr(value, name)) for name in names if hasattr(value, name)]
    if isinstance(value, msgspec.Struct):
        return [(f"{path}.{name}", getattr(value, name)) for name in value.__struct_fields__]
    if hasattr(type(value), "model_dump"):
        return _entries(_plain(value), path)
    return None


def _entries(value: dict[Any, Any], path: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, item in value.items():
        if not isinstance(key, str):
            found.append((f"{path}.(key {key!r:.60})", _Key(key)))
        else:
            found.append((f"{path}.(key)", key))
        found.append((f"{path}.{str(key)[:60]}", item))
    return found


class _Key:
    """A dictionary key that is not a string: checked as one, not as a value."""

    def __init__(self, key: Any) -> None:
        self.key = key


def _find_surrogate(text: str, path: str) -> tuple[str, str] | None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as exc:
        return path, f"holds half a character (a lone surrogate) at position {exc.start}"
    return None


def _find_by_trial(value: Any, path: str) -> tuple[str, str] | None:
    if isinstance(value, _Key):
        if isinstance(value.key, float) and not math.isfinite(value.key):
            return path, f"{value.key!r} is not a JSON number"
        value = {value.key: None}
    try:
        _encode(value)
    except Exception as exc:
        kind = type(value)
        return path, f"a value of type {kind.__module__}.{kind.__qualname__} cannot be sent: {exc}"
    return None
