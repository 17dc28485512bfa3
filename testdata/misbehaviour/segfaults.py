"""Reads address zero."""

import ctypes
import sys


def now() -> None:
    """Die by SIGSEGV."""
    print("about to fall", file=sys.stderr, flush=True)
    ctypes.string_at(0)
