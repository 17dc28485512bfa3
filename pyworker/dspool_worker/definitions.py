"""Programs and LMs by hash: asked for once, kept while there is room."""

from __future__ import annotations

import collections
from typing import Any


class Definitions:
    """A least-recently-used table. Entries above `size` are forgotten, oldest use first."""

    def __init__(self, size: int) -> None:
        self._size = max(1, size)
        self._entries: collections.OrderedDict[str, Any] = collections.OrderedDict()
        self._newest = ""  # the entry used last: no need to move it
        self._waiting: dict[str, list[Any]] = {}
        self._running_user_code: set[str] = set()

    def get(self, hash: str) -> Any:
        """Give the entry, or None."""
        if hash == self._newest and hash:
            return self._entries[hash]
        found = self._entries.get(hash)
        if found is not None:
            self._entries.move_to_end(hash)
            self._newest = hash
        return found

    def put(self, hash: str, entry: Any) -> None:
        """Keep an entry, as the one used last."""
        self._entries[hash] = entry
        self._entries.move_to_end(hash)
        self._newest = hash
        while len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def wait(self, hash: str, call: Any) -> bool:
        """Let call wait for hash; True if it is the first, who has to ask for it."""
        waiting = self._waiting.setdefault(hash, [])
        waiting.append(call)
        if hash in self._running_user_code:
            call.mark_started()
        return len(waiting) == 1

    def begin(self, hash: str, runs_user_code: bool) -> None:
        """Note that hash is being built.

        If that runs user code, every call that waits has started: code that ends the process
        while it is imported must not be tried again on the next worker.
        """
        if runs_user_code:
            self._running_user_code.add(hash)
            for call in self._waiting.get(hash, ()):
                call.mark_started()

    def waiters(self, hash: str) -> list[Any]:
        """Take out all calls that wait for hash."""
        self._running_user_code.discard(hash)
        return self._waiting.pop(hash, [])

    def expects(self, hash: str) -> bool:
        """Tell whether a call waits for hash."""
        return hash in self._waiting

    def drop(self, call: Any) -> bool:
        """Take one call out of every queue; True if it was waiting."""
        for waiting in self._waiting.values():
            if call in waiting:
                waiting.remove(call)
                return True
        return False
