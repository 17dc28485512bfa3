"""Modules that keep something of a call in themselves: each call gets a copy of its own.

`dspy.BestOfN` and `dspy.Refine` count failures down in the object that all
calls share, and `dspy.Parallel` keeps the examples that have failed: the
failures of one caller would use up the tries of another.
"""

from __future__ import annotations

from typing import Any

import dspy

_KEEPING = (dspy.BestOfN, dspy.Refine, dspy.Parallel)
_KEPT = ("failed_examples", "exceptions")
_DEPTH = 8


def keeps(made: Any, depth: int = _DEPTH) -> bool:
    """Tell whether an object is, or holds, a module that keeps something of a call."""
    if isinstance(made, _KEEPING):
        return True
    if depth <= 0 or not isinstance(made, (dspy.Module, list, dict)):
        return False
    return any(keeps(one, depth - 1) for one in _held(made))


def fresh(made: Any, depth: int = _DEPTH) -> Any:
    """Copy an object as far as it leads to modules that keep something; all else stays shared, as it was."""
    if depth <= 0 or not keeps(made, depth):
        return made
    if isinstance(made, list):
        return [fresh(one, depth - 1) for one in made]
    if isinstance(made, dict):
        return {name: fresh(one, depth - 1) for name, one in made.items()}
    copied = object.__new__(type(made))
    copied.__dict__.update({name: fresh(one, depth - 1) for name, one in vars(made).items()})
    if isinstance(made, dspy.Parallel):
        copied.__dict__.update({name: [] for name in _KEPT})
    return copied


def _held(made: Any) -> Any:
    if isinstance(made, list):
        return made
    return (made if isinstance(made, dict) else vars(made)).values()
