"""What DSPy is given so that calls of one worker cannot harm each other. Unlike `patches` it cannot be left out."""

from __future__ import annotations


def install() -> None:
    """Protect this process, once. Imports dspy; call it before anything runs."""
    from . import markers, synctools

    markers.secure()
    synctools.install()
