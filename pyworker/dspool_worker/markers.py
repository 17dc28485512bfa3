"""Marks of content blocks in prompts that nobody but DSPy can write.

DSPy writes an image, a file or a sound into a prompt as text between two marks
and later turns what stands between them into blocks for the provider. The marks
are known to everybody, so any text that reaches a prompt could send an image
address or the id of a file: inputs, what a tool or a search has found, what a
language model has answered. Here they get a part that is made up for this
process. Text with the plain marks in it then stays text.
"""

from __future__ import annotations

import importlib
import logging
import secrets
import threading
from typing import Any

#: Where DSPy has the marks: where it writes them, and where it looks for them.
PLACES = ("dspy.adapters.types.base_type", "dspy.adapters._legacy_type_markers")
#: The marks by their names there, as DSPy has them.
PLAIN = {
    "CUSTOM_TYPE_START_IDENTIFIER": "<<CUSTOM-TYPE-START-IDENTIFIER>>",
    "CUSTOM_TYPE_END_IDENTIFIER": "<<CUSTOM-TYPE-END-IDENTIFIER>>",
}
_SECRET_BYTES = 16

_securing = threading.Lock()


def secure() -> bool:
    """Make the marks this process's own, once. Imports dspy.

    False if this DSPy has other marks, or none: then only what callers give is
    searched for them (`values.clean`).
    """
    with _securing:
        places = _places()
        if places is None:
            return False
        made = secrets.token_hex(_SECRET_BYTES)
        for name, plain in PLAIN.items():
            for place in places:
                if getattr(place, name) == plain:
                    setattr(place, name, f"{plain[:-2]}-{made}>>")
    return True


def _places() -> list[Any] | None:
    try:
        places = [importlib.import_module(name) for name in PLACES]
        fits = all(getattr(place, name).startswith(plain[:-2]) for place in places for name, plain in PLAIN.items())
    except (AttributeError, ImportError):
        fits = False
    if fits:
        return places
    logging.getLogger("dspool").warning(
        "DSPy writes images in prompts in another way: only inputs are searched for marks"
    )
    return None
