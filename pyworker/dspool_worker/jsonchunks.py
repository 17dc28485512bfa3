"""JSONAdapter's format as it streams: the strings of one JSON object, decoded."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .chunks import Piece

_PLAIN = re.compile(r'[^"\\]+')
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class JsonReader:
    """Reads one answer; fields that are not strings are passed over."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self._depth = 0
        self._key: str | None = None  # the member whose value comes next
        self._expects_key = False
        self._reading = False  # inside a string
        self._string: list[str] = []  # what has been read of it
        self._emits: str | None = None  # the field whose text it is
        self._ended = False
        self._rest = ""

    def feed(self, text: str) -> Iterator[Piece]:
        """Take the next piece of the answer."""
        text, self._rest = self._rest + text, ""
        position = 0
        while position < len(text):
            if self._reading:
                position = self._inside(text, position)
                yield from self._flush()
            else:
                position = self._between(text, position)
        if self._emits is not None and self._string:
            yield self._emits, "".join(self._string), False
            self._string.clear()

    def close(self) -> Iterator[Piece]:
        """Take note that the answer is complete."""
        if self._emits is not None:
            yield self._emits, "", True
        self._emits, self._reading = None, False

    def _between(self, text: str, position: int) -> int:
        """Read one character outside of strings."""
        character = text[position]
        if character in "{[":
            self._expects_key = self._depth == 0 and character == "{"
            # What stands before the object, such as a code fence, does not count.
            self._depth += 1 if self._depth or character == "{" else 0
        elif character in "}]":
            self._depth = max(0, self._depth - 1)
        elif character == "," and self._depth == 1:
            self._expects_key, self._key = True, None
        elif character == '"' and self._depth:
            self._reading, self._string = True, []
            if self._depth == 1 and not self._expects_key and self._key in self._wanted:
                self._emits = self._key
        return position + 1

    def _inside(self, text: str, position: int) -> int:
        """Read more of a string; the whole rest where an escape is not complete."""
        if found := _PLAIN.match(text, position):
            self._string.append(found[0])
            return found.end()
        if text[position] == '"':
            self._ended = True
            return position + 1
        length = self._escape(text[position:])
        if length == 0:
            self._rest = text[position:]
            return len(text)
        return position + length

    def _flush(self) -> Iterator[Piece]:
        """Act on the end of a string."""
        if not self._ended:
            return
        self._ended = False
        text, self._reading = "".join(self._string), False
        if self._emits is not None:
            yield self._emits, text, True
            self._wanted -= {self._emits}
            self._emits = None
        elif self._depth == 1 and self._expects_key:
            self._key, self._expects_key = text, False

    def _escape(self, text: str) -> int:
        """Decode the escape that text begins with; 0 if its end has not come."""
        if len(text) < 2:
            return 0
        if text[1] != "u":
            self._string.append(_ESCAPES.get(text[1], text[1]))
            return 2
        if len(text) < 6:
            return 0
        unit = _unit(text[2:6])
        if 0xD800 <= unit < 0xDC00:
            if (len(text) < 12 and "\\u".startswith(text[6:8])) or (text[6:8] == "\\u" and len(text) < 12):
                return 0
            low = _unit(text[8:12]) if text[6:8] == "\\u" else 0
            if 0xDC00 <= low < 0xE000:
                self._string.append(chr(0x10000 + ((unit - 0xD800) << 10) + low - 0xDC00))
                return 12
        self._string.append(chr(unit) if not 0xD800 <= unit < 0xE000 else "\ufffd")
        return 6


def _unit(digits: str) -> int:
    try:
        return int(digits, 16)
    except ValueError:
        return 0xFFFD
