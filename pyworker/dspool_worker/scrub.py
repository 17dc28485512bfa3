"""Secrets of language models: which there are, and texts without them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_SECRET_NAME = re.compile(r"key|token|secret|password|authorization|credential|header", re.IGNORECASE)
_CREDENTIALS = re.compile(r"//[^/@]*:([^/@]+)@")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")


def secrets_of(definition: Mapping[str, Any]) -> Iterator[str]:
    """Give all that a definition holds and nobody else is to know."""
    yield from _texts(definition.get("api_key"))
    for name, value in (definition.get("extra") or {}).items():
        if _SECRET_NAME.search(name):
            yield from _texts(value)
    yield from _CREDENTIALS.findall(str(definition.get("api_base") or ""))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= 6:
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def scrubbed(text: str, secrets: tuple[str, ...]) -> str:
    """Take keys and credentials out of a text that leaves the process."""
    for secret in secrets:
        text = text.replace(secret, "[redacted]")
    return _BEARER.sub(r"\1 [redacted]", text)
