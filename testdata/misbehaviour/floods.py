"""Writes far more than anybody reads."""

import sys


def stderr(megabytes: int) -> int:
    """Write that much to stderr, in lines of 100 bytes."""
    line = "x" * 99 + "\n"
    for _ in range(megabytes * 10_486):
        sys.stderr.write(line)
    sys.stderr.flush()
    return megabytes


def one_line(megabytes: int) -> int:
    """Write a single line of that length to stdout."""
    sys.stdout.write("y" * (megabytes << 20))
    sys.stdout.flush()
    return megabytes
