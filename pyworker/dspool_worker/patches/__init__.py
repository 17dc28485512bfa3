"""Where DSPy is patched to be faster: what it does again and again is done once.

A patch changes how DSPy gets to an answer and never which: prompts are the
same, byte for byte. Each names the functions that were read when it was written
and is left out, with one line to the log, where DSPy has other ones. A user's
own code, types and adapters are never touched.

`DSPOOL_DSPY_PATCHES` leaves patches out: `off` for all, or names with commas.
"""

from __future__ import annotations

import importlib
import logging
import os
import threading

from .patch import Changed, Patch, apply

#: Leaves patches out.
SWITCH = "DSPOOL_DSPY_PATCHES"
NAMES = ("selection", "hops", "types", "prompts")

_applied: dict[str, str] = {}
_installing = threading.Lock()


def install() -> dict[str, str]:
    """Apply every patch that is wanted, once. Give what has become of each by name: applied, off or what changed.

    Imports dspy. Call it before anything runs in this process.
    """
    with _installing:
        if _applied:
            return dict(_applied)
        left_out = {name.strip() for name in os.environ.get(SWITCH, "").split(",")}
        for name in NAMES:
            _applied[name] = "off" if left_out & {"off", name} else _outcome(name)
    return dict(_applied)


def made(name: str) -> Patch:
    """Give a patch by its name."""
    found: Patch = importlib.import_module(f"{__name__}.{name}").patch()
    return found


def _outcome(name: str) -> str:
    try:
        apply(made(name))
    except Changed as exc:
        why = f"{exc} is not what it was"
    except (AttributeError, ImportError) as exc:
        why = str(exc)
    else:
        return "applied"
    logging.getLogger("dspool").warning("DSPy runs without the patch %s, slower but right: %s", name, why)
    return why
