"""The types of DSPy that a schema may name: only these, and by name alone."""

from __future__ import annotations

import re
from typing import Any

from .errors import InvalidArgument

_DSPY = frozenset({"Audio", "Code", "File", "History", "Image", "Reasoning"})
_CODE = re.compile(r"dspy\.Code\[(\w{1,20})\]")


def dspy_type(name: Any, path: str) -> Any:
    """Return the type that `x-dspy` names, or raise InvalidArgument."""
    import dspy

    if isinstance(name, str):
        if name.removeprefix("dspy.") in _DSPY and name.startswith("dspy."):
            return getattr(dspy, name.removeprefix("dspy."))
        if found := _CODE.fullmatch(name):
            return dspy.Code[found[1]]
    allowed = ", ".join(f"dspy.{one}" for one in sorted(_DSPY))
    raise InvalidArgument(path, f"x-dspy {name!r:.60} is not one of {allowed}, dspy.Code[language]")
