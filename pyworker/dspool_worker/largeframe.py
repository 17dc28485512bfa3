"""A frame too large to be read with others: its body is received where it stays."""

from __future__ import annotations

import socket


class LargeFrame:
    """The head of a frame, and as much of its body as has arrived."""

    __slots__ = ("_room", "body", "flags", "id", "kind", "meta")

    def __init__(self, kind: int, flags: int, id: int, meta: bytes, begun: bytes, length: int) -> None:
        self.kind = kind
        self.flags = flags
        self.id = id
        self.meta = meta
        self.body = bytearray(length)
        self._room = memoryview(self.body)
        self._room[: len(begun)] = begun
        self._room = self._room[len(begun) :]

    def receive(self, sock: socket.socket) -> int:
        """Take what the socket has for this frame; give how many bytes that was."""
        count = sock.recv_into(self._room)
        self._room = self._room[count:]
        return count

    def whole(self) -> bool:
        """Tell whether everything has arrived."""
        return not self._room
