"""Says what this process has imported."""

from __future__ import annotations

import sys


def names() -> list[str]:
    return sorted(sys.modules)
