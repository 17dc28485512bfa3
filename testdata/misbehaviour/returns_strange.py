"""Returns values that JSON cannot hold."""

import threading


def nan() -> dict[str, list[float]]:
    """A NaN deep inside."""
    return {"scores": [1.0, float("nan")]}


def infinity() -> float:
    """Infinity at the top."""
    return float("inf")


def lock() -> dict[str, object]:
    """A lock."""
    return {"state": {"lock": threading.Lock()}}


def surrogate() -> str:
    """Half a character."""
    return "\ud800"


def cycle() -> list[object]:
    """A list that holds itself."""
    loop: list[object] = []
    loop.append(loop)
    return loop


def big(megabytes: int) -> str:
    """A string of that many MiB."""
    return "z" * (megabytes << 20)
