"""Calls itself for ever."""


def deep(n: int) -> int:
    """Hit Python's recursion limit."""
    return deep(n + 1) + 1
