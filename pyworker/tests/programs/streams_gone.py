"""Takes Python's own stdout away, with a thread left that never ends."""

from __future__ import annotations

import os
import sys
import threading
import time


def taken(how: str) -> str:
    """Close the stream, or put None in its place."""
    _take(how)
    threading.Thread(target=time.sleep, args=(3600,), daemon=False).start()
    return "taken"


def in_a_child(how: str) -> int:
    """Do it in a child that then returns into code that is not its own."""
    child = os.fork()
    if child == 0:
        _take(how)
    return child


def _take(how: str) -> None:
    if how == "close":
        sys.stdout.close()
    else:
        sys.stdout = None
