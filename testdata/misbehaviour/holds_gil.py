"""Stays inside C code that never lets go of the interpreter."""

import ctypes


def sleep(seconds: int) -> None:
    """Sleep in C with the GIL held: no other Python code runs meanwhile."""
    ctypes.PyDLL(None).sleep(seconds)
