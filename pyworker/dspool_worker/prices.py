"""DSPy's table of models: what it knows about one is looked up once, not at each request.

For a model that is not in its table, such as one on a server of the user's
own, DSPy goes through all entries, three times a prediction: a third of a
prediction's processor time.
"""

from __future__ import annotations

from typing import Any

_SIZE_MAX = 20_000


def loaded() -> bool:
    """Tell whether the table is in memory; loading it takes 20 ms, and may ask the network."""
    from dspy.clients import model_metadata

    return model_metadata._data is not None


def remember(lm: Any) -> None:
    """Enter what DSPy finds out about an LM's model as an entry of its own. Takes about a millisecond, once."""
    try:
        _remember(lm)
    except Exception:
        pass  # prices and hints are advice: a prediction never depends on them


def _remember(lm: Any) -> None:
    from dspy.clients import model_metadata
    from dspy.clients.backend_selection import select_backend

    route = select_backend(lm).resolution
    if route is None or route.declared:
        return
    known = model_metadata._load()
    names = [f"{name}/{route.model}" for name in model_metadata._provider_names(route.provider)]
    if len(known) >= _SIZE_MAX or any(name in known for name in names):
        return
    found = model_metadata.model_info(route.provider, route.model)
    # Published whole: threads of other calls may be reading the old one.
    model_metadata._data = {**known, names[0]: found}
