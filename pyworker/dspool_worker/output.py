"""What user code prints: descriptors 1 and 2, line by line, never the protocol's socket."""

from __future__ import annotations

import io
import logging
import sys
from typing import TextIO


def prepare() -> None:
    """Make stdout and stderr line buffered and send unconfigured logging to stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    if not logging.root.handlers:
        logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")


def flush() -> None:
    """Write what is still in the buffers; streams that user code closed are passed over."""
    for stream in (sys.stdout, sys.stderr):
        _flush(stream)


def _flush(stream: TextIO | None) -> None:
    try:
        if stream is not None:
            stream.flush()
    except (OSError, ValueError):
        pass
