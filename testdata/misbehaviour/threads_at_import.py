"""Starts a thread while it is imported: not safe to fork afterwards."""

import threading

READY = threading.Event()
THREAD = threading.Thread(target=READY.wait, name="left-behind", daemon=True)
THREAD.start()


def alive() -> bool:
    """Tell whether the thread runs in this process."""
    return THREAD.is_alive()
