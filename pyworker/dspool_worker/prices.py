"""DSPy's table of models, made quick to search.

Of a model that is not in the table, such as one on a server of the user's own,
DSPy looks whether an entry names it as an alias, and goes through all 4,500
entries for it, three times a prediction: half of a prediction's processor
time, and in a forked worker a copy of the memory they are in.
"""

from __future__ import annotations

from collections.abc import ItemsView
from typing import Any


class Table(dict[str, Any]):
    """The table, whose `items` are those that have aliases: DSPy reads them for nothing else."""

    def __init__(self, entries: dict[str, Any]) -> None:
        super().__init__(entries)
        self._aliased = {
            name: entry for name, entry in entries.items() if isinstance(entry, dict) and entry.get("aliases")
        }

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        """Give the entries that a search for an alias has to look at."""
        return self._aliased.items()


def ready() -> bool:
    """Tell whether the table has been prepared."""
    from dspy.clients import model_metadata

    return isinstance(model_metadata._data, Table)


def prepare() -> None:
    """Load and prepare the table; takes 25 ms, once. Without LITELLM_LOCAL_MODEL_COST_MAP it asks the network."""
    try:
        from dspy.clients import model_metadata

        entries = model_metadata._load()
        if not isinstance(entries, Table):
            model_metadata._data = Table(entries)
    except Exception:
        pass  # prices and hints are advice: a prediction never depends on them
