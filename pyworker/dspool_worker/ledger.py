"""Shared memory in which the worker notes which calls it has started (docs/PROTOCOL.md, section 4)."""

from __future__ import annotations

import mmap
import os


class Ledger:
    """Slots of 8 bytes, one for each call that can be in flight. One store marks a call as started."""

    def __init__(self, descriptor: int, slots: int) -> None:
        self.slots = slots
        size = slots * 8
        self._map = mmap.mmap(descriptor, size) if descriptor >= 0 else mmap.mmap(-1, size)
        if descriptor >= 0:
            os.close(descriptor)
        #: Native 64-bit cells. Little-endian is what the protocol asks for and what every supported machine is.
        self.cells = memoryview(self._map).cast("Q")
