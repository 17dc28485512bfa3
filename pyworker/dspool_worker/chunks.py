"""From the raw text of an LM's stream to pieces of its text fields.

One reader a format, each fed whatever pieces the provider sends. For every
field the pieces put together are the field's value, exactly as DSPy's adapter
of that format will read it from the whole answer; DSPy's own listeners lose
fields that arrive in one piece, and pass on JSON's quotes and escapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

#: A field's name, a piece of its text, and whether it is the last one.
Piece = tuple[str, str, bool]

_HEADER = re.compile(r"\[\[ ## (\w+) ## \]\]")
_HEADER_BEGUN = re.compile(r"\[(?:\[(?: (?:#(?:#(?: (?:\w+(?: (?:#(?:#(?: (?:\]\]?)?)?)?)?)?)?)?)?)?)?)?")
# What str.splitlines() breaks lines at, and ChatAdapter with it.
_BREAKS = str.maketrans(dict.fromkeys("\r\v\f\x1c\x1d\x1e\x85\u2028\u2029", "\n"))


class Reader(Protocol):
    """Reads one answer. Belongs to one LM request."""

    def feed(self, text: str) -> Iterator[Piece]:
        """Take the next piece of the answer."""

    def close(self) -> Iterator[Piece]:
        """Take note that the answer is complete."""


class _Field:
    """The text of the field that is being read, without the blanks around it."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self._seen: set[str] = set()
        self._name: str | None = None
        self._begun = False
        self._held = ""

    def open(self, name: str) -> Iterator[Piece]:
        """End the field before, begin this one. Only the first of a name counts."""
        yield from self.close()
        self._name = name if name in self._wanted and name not in self._seen else None
        self._seen.add(name)
        self._begun, self._held = False, ""

    def text(self, text: str) -> Iterator[Piece]:
        """Take more of the field's text."""
        if self._name is None or not text:
            return
        if not self._begun:
            text = text.lstrip()
        stripped = text.rstrip()
        if not stripped:
            self._held += text
            return
        self._begun = True
        yield self._name, self._held + stripped, False
        self._held = text[len(stripped) :]

    def close(self) -> Iterator[Piece]:
        """End the field; blanks at its end are not part of it."""
        if self._name is not None:
            yield self._name, "", True
        self._name = None


class ChatReader:
    """ChatAdapter's format: a line `[[ ## name ## ]]` begins each field."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self._field = _Field(wanted)
        self._line = ""  # a line that may still turn out to be a header
        self._free = False  # the line is text for sure
        self._return = False  # a carriage return whose line feed may follow

    def feed(self, text: str) -> Iterator[Piece]:
        """Take the next piece of the answer."""
        if self._return:
            text = "\r" + text
        self._return = text.endswith("\r")
        text = text[: len(text) - self._return].replace("\r\n", "\n").translate(_BREAKS)
        for line in text.splitlines(keepends=True):
            yield from self._take(line)

    def close(self) -> Iterator[Piece]:
        """Take note that the answer is complete."""
        yield from self._settle()
        yield from self._field.close()

    def _take(self, part: str) -> Iterator[Piece]:
        if self._free:
            yield from self._field.text(part)
        else:
            self._line += part
            if part.endswith("\n") or not self._may_be_header():
                yield from self._settle()
                self._free = True
        if part.endswith("\n"):
            self._free = False

    def _may_be_header(self) -> bool:
        begun = self._line.lstrip()
        return not begun or _HEADER_BEGUN.fullmatch(begun) is not None

    def _settle(self) -> Iterator[Piece]:
        line, self._line = self._line, ""
        if found := _HEADER.match(line.lstrip()):
            yield from self._field.open(found[1])
            line = line.lstrip()[found.end() :]
        yield from self._field.text(line)


class XmlReader:
    """XMLAdapter's format: `<name>text</name>`."""

    _TAG = re.compile(r"<(/?)(\w+)>")
    _ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&"))

    def __init__(self, wanted: frozenset[str]) -> None:
        self._field = _Field(wanted)
        self._open: str | None = None
        self._rest = ""

    def feed(self, text: str) -> Iterator[Piece]:
        """Take the next piece of the answer."""
        text = self._rest + text
        position = 0
        for found in self._TAG.finditer(text):
            closing, name = bool(found[1]), found[2]
            if closing != (name == self._open) or (self._open is not None and not closing):
                continue  # markup inside a field's text
            yield from self._text(text[position : found.start()])
            position = found.end()
            yield from self._field.close() if closing else self._field.open(name)
            self._open = None if closing else name
        keep = self._unfinished(text, position)
        self._rest = text[keep:]
        yield from self._text(text[position:keep])

    def close(self) -> Iterator[Piece]:
        """Take note that the answer is complete."""
        yield from self._text(self._rest)
        yield from self._field.close()

    def _text(self, text: str) -> Iterator[Piece]:
        for entity, character in self._ENTITIES:
            text = text.replace(entity, character)
        yield from self._field.text(text)

    @staticmethod
    def _unfinished(text: str, position: int) -> int:
        """Find where a tag or entity begins whose end has not come."""
        for mark, end, longest in (("<", ">", 70), ("&", ";", 6)):
            at = text.rfind(mark, max(position, len(text) - longest))
            if at >= 0 and end not in text[at:]:
                return at
        return len(text)
