"""Shared memory in which the worker notes which calls it has started (docs/PROTOCOL.md, section 4)."""

from __future__ import annotations

import mmap
import os
import sys


class Ledger:
    """Slots of 8 bytes, one for each call that can be in flight. One store marks a call as started."""

    def __init__(self, descriptor: int, slots: int) -> None:
        self.slots = slots
        size = slots * 8
        self._map = mmap.mmap(descriptor, size) if descriptor >= 0 else mmap.mmap(-1, size)
        if descriptor >= 0:
            os.close(descriptor)
        self.cells = memoryview(self._map).cast("Q")
        self._swap = sys.byteorder != "little"

    def mark(self, id: int) -> None:
        """Note that call id is about to run its first instruction of user code."""
        self.cells[id % self.slots] = _swapped(id) if self._swap else id


def _swapped(id: int) -> int:
    return int.from_bytes(id.to_bytes(8, "little"), "big")
