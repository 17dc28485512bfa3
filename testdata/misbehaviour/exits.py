"""Ends the interpreter, politely and impolitely."""

import os
import sys


def politely(code: int) -> None:
    """Raise SystemExit in a thread."""
    sys.exit(code)


async def politely_async(code: int) -> None:
    """Raise SystemExit on the loop."""
    sys.exit(code)


def interrupt() -> None:
    """Raise KeyboardInterrupt."""
    raise KeyboardInterrupt


def impolitely(code: int) -> None:
    """End the process without any clean-up."""
    print("last words", file=sys.stderr, flush=True)
    os._exit(code)
