"""The text of an LM's answer while it is written.

DSPy sends the pieces of a stream to the object in its setting `send_stream`.
Here that object is this module's `Sink`, which reads the fields out of the
pieces and sends them to the caller, one at a time and in the task that runs the
program: a slow caller holds up the LM's stream and nothing else, and cancelling
the call cancels everything. (`dspy.streamify` runs the program in another task,
and leaving its generator early cancels the task around it.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import dspy

from .calls import Call
from .chunks import ChatReader, Piece, Reader, XmlReader
from .jsonchunks import JsonReader
from .values import plain


class Sink:
    """Takes the stream of one call. New for each call."""

    def __init__(self, call: Call, module: Any) -> None:
        self._call = call
        self._names: dict[int, str] = {}
        self._fields: dict[int, frozenset[str]] = {}
        self._readers: dict[int, Reader | None] = {}
        self._sending: set[asyncio.Task[Any]] = set()
        self._listeners: list[Any] = []
        for name, predictor in _predictors(module):
            if texts := _text_fields(predictor.signature):
                self._names[id(predictor)] = name
                self._fields[id(predictor)] = texts
                self._listeners.append(SimpleNamespace(predict=predictor))

    def settings(self) -> dict[str, Any]:
        """Give DSPy's settings for a run that streams; none if there is no text to stream."""
        if not self._listeners:
            return {}
        return {"send_stream": self, "stream_listeners": self._listeners}

    async def send(self, chunk: Any) -> None:
        """Take one piece of an LM's stream. Called by DSPy, also on behalf of threads."""
        task: asyncio.Task[Any] = asyncio.current_task()  # type: ignore[assignment]  # there is one: it awaits
        self._sending.add(task)
        try:
            if not hasattr(chunk, "choices"):  # the user's own, from a program that streams by itself
                await self._call.emit("item", plain(chunk))
                return
            for field, text, last in self._pieces(chunk):
                name = self._names[chunk.predict_id]
                await self._call.emit("chunk", {"predict": name, "field": field, "text": text, "last": last})
        finally:
            self._sending.discard(task)

    def release(self) -> None:
        """Let go of threads that wait for the caller to take a piece."""
        for task in self._sending:
            task.cancel()

    def _pieces(self, chunk: Any) -> Iterator[Piece]:
        key = getattr(chunk, "predict_id", None)
        if key not in self._names or not chunk.choices:
            return
        if key not in self._readers:
            self._readers[key] = _reader(dspy.settings.adapter, self._fields[key])
        reader = self._readers[key]
        choice = chunk.choices[0]
        if reader is not None and (text := getattr(choice.delta, "content", None)):
            yield from reader.feed(text)
        if getattr(choice, "finish_reason", None):
            # The predictor may ask the LM again: a new answer, a new reader.
            del self._readers[key]
            if reader is not None:
                yield from reader.close()


def _predictors(module: Any) -> list[tuple[str, Any]]:
    return module.named_predictors() if isinstance(module, dspy.Module) else []


def _text_fields(signature: Any) -> frozenset[str]:
    return frozenset(name for name, field in signature.output_fields.items() if field.annotation is str)


def _reader(adapter: Any, fields: frozenset[str]) -> Reader | None:
    """Choose the reader for an adapter; None for one whose format is not known."""
    if isinstance(adapter, dspy.JSONAdapter):
        return JsonReader(fields)
    if isinstance(adapter, dspy.XMLAdapter):
        return XmlReader(fields)
    return ChatReader(fields) if adapter is None or isinstance(adapter, dspy.ChatAdapter) else None
