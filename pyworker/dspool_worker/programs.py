"""From a definition to a program that can be called: `build` dispatches on the kind."""

from __future__ import annotations

from typing import Any

from . import functions, warmup
from .errors import InvalidArgument
from .lms import LoopLms
from .runtime import Runtime

_LMS = LoopLms()


def build(definition: dict[str, Any], runtime: Runtime) -> Any:
    """Make the program of a definition, or raise Fault. Imports user code; call it in a thread."""
    kind = definition.get("kind")
    if kind == "func":
        return functions.build(definition)
    warmup.import_dspy()
    from . import modules, objects, patches, predict, protection

    protection.install()
    patches.install()
    lms = _LMS.of(runtime.loop, runtime.settings.lms)
    if kind == "module":
        return modules.build(definition, lms)
    if kind == "object":
        return objects.build(definition, lms)
    if kind in predict.KINDS:
        return predict.build(definition, lms)
    known = ", ".join(sorted({*predict.KINDS, "func", "module", "object"}))
    raise InvalidArgument("kind", f"{kind!r:.40} is not one of {known}")
