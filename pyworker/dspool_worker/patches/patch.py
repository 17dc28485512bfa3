"""What a patch is, and the guard that refuses one which does not fit the DSPy that is there."""

from __future__ import annotations

import hashlib
import importlib
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

_DIGEST = 12


class Part(NamedTuple):
    """One name in DSPy that a patch replaces."""

    module: str
    name: str  # dotted, from the module
    make: Callable[[Any], Any]  # given what stands there, gives what is to stand there


class Patch(NamedTuple):
    """A change of how DSPy works, never of what it answers."""

    name: str
    reason: str
    #: The functions whose source was read when the patch was written, "module:name", and its digest.
    read: dict[str, str]
    parts: tuple[Part, ...]


class Changed(Exception):
    """DSPy is not what a patch was written for."""


def apply(patch: Patch) -> None:
    """Make the change, whole or not at all; raises Changed."""
    for where, known in patch.read.items():
        if digest(where) != known:
            raise Changed(where)
    ready = [(*_holder(part.module, part.name), part.make) for part in patch.parts]
    for holder, name, make in ready:
        setattr(holder, name, make(inspect.getattr_static(holder, name)))


def digest(where: str) -> str:
    """Give a short hash of a function's or class's source; an empty string if it cannot be read."""
    module, _, name = where.partition(":")
    try:
        holder, last = _holder(module, name)
        source = inspect.getsource(inspect.unwrap(getattr(holder, last)))
    except (AttributeError, ImportError, OSError, TypeError):
        return ""
    return hashlib.sha256(source.encode()).hexdigest()[:_DIGEST]


def _holder(module: str, name: str) -> tuple[Any, str]:
    """Find the module or class that has a name."""
    *path, last = name.split(".")
    holder: Any = importlib.import_module(module)
    for step in path:
        holder = getattr(holder, step)
    if not hasattr(holder, last):
        raise Changed(f"{module}:{name}")
    return holder, last
