"""The worker's part of a trace: what a traced call did, and when.

Only calls whose traceparent has the sampled flag have any of this. The list that goes back to the host is bounded
(docs/PROTOCOL.md, section 3); prompts, answers and keys are never in it.
"""

from __future__ import annotations

import itertools
import re
import time
from typing import Any

from .encoding import encode

_MAX = 126  # of the protocol's 128, which queue and run are part of
_BYTES = 32 * 1024
_TEXT = 200
_RUN = 1  # the index of the span that all others are below
_SAMPLED = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f][13579bdf]")


def sampled(trace: str) -> bool:
    """Tell whether a traceparent asks for spans."""
    return bool(trace) and _SAMPLED.match(trace) is not None


class Spans:
    """The spans of one call. May be used from any thread: each step is one operation on a dict or a counter."""

    def __init__(self) -> None:
        self._numbers = itertools.count(_RUN + 1)
        self._spans: dict[int, list[Any]] = {}
        self._open: dict[str, int] = {}

    def begin(self, key: str, parent: str | None, name: str, attributes: dict[str, str]) -> None:
        """Begin a span; key names it until its end, parent is the key of the one around it."""
        if len(self._spans) >= _MAX:
            return
        number = next(self._numbers)
        short = {name: text[:_TEXT] for name, text in attributes.items()}
        self._spans[number] = [name, self._open.get(parent or "", _RUN), time.time_ns() // 1000, -1, "", short]
        self._open[key] = number

    def end(self, key: str, exception: BaseException | None) -> None:
        """End a span. Its key goes on naming it: a thread that it has started may still be at work."""
        span = self._spans.get(self._open.get(key, -1))
        if span is not None:
            span[3] = time.time_ns() // 1000 - span[2]
            if exception is not None:
                span[4] = type(exception).__name__[:_TEXT]

    def finished(self) -> list[list[Any]]:
        """Give the spans in order, numbered for a list that begins with queue and run; an open one ends now."""
        now = time.time_ns() // 1000
        known: dict[int, int] = {}
        found: list[list[Any]] = []
        for number, span in sorted(self._spans.items()):
            known[number] = len(found) + _RUN + 1
            name, parent, start, took, *rest = span
            found.append([name, known.get(parent, _RUN), start, took if took >= 0 else max(now - start, 0), *rest])
        return found


def written(spans: Spans | None, arrived: float, began: float, error: str = "") -> bytes:
    """Write what the host gets: how long the call waited here, how long it ran, and what it did.

    arrived and began are of time.monotonic; began is 0 for a call that has not begun.
    """
    now, at = time.monotonic(), time.time_ns() // 1000
    start = at - int((now - arrived) * 1e6)
    middle = at - int((now - began) * 1e6) if began else at
    listed: list[list[Any]] = [["queue", -1, start, max(middle - start, 0)]]
    if began:
        listed.append(["run", -1, middle, max(at - middle, 0), error[:_TEXT]])
        listed += spans.finished() if spans is not None else []
    while len(body := encode(listed)) > _BYTES:
        listed = listed[: max(len(listed) // 2, 1)]
    return body
