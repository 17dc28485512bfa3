"""Forks, and lets the child run on into code that is not its own."""

import os
import time


def returns_in_the_child(text: str) -> str:
    """Both processes return from here; only the parent may answer."""
    os.fork()
    return text


def child_lingers(seconds: float) -> int:
    """The child outlives the call."""
    pid = os.fork()
    if pid == 0:
        time.sleep(seconds)
        os._exit(0)
    return pid


async def returns_on_the_loop(text: str) -> str:
    """The same from the event loop's thread."""
    os.fork()
    return text
