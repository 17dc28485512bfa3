"""Takes memory and keeps it."""

KEPT: list[bytearray] = []


def keep(megabytes: int) -> int:
    """Hold on to that much more; say how much in all."""
    KEPT.append(bytearray(megabytes << 20))
    return sum(len(b) for b in KEPT) >> 20


def explode() -> int:
    """Ask for more than any machine has."""
    return len(bytearray(1 << 50))
