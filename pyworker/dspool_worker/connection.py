"""The protocol's socket: frames in, frames out, one write for all that is ready."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from typing import Any, Protocol

from . import wire
from .largeframe import LargeFrame

_READ_SIZE = 64 * 1024
_BUFFER_SIZE = 4 << 20
_JOIN_BELOW = 128 * 1024
_PIECES = 512
_pack = wire.HEADER.pack
_LOST = frozenset((errno.EBADF, errno.ENOTSOCK, errno.EINVAL))


class Receiver(Protocol):
    """Who gets what arrives. Nothing here may block or raise."""

    def on_call(self, id: int, meta: Any, body: Any, arrived: float) -> None:
        """Take a CALL."""

    def on_frame(self, kind: int, flags: int, id: int, meta: Any, body: Any) -> None:
        """Take any other frame whose header is sound."""

    def on_malformed(self, kind: int, id: int, why: str) -> None:
        """Take note of bytes that are no frame; reading goes on behind them."""

    def on_oversize(self, kind: int, id: int, length: int) -> None:
        """Take note of a frame beyond the limit; its payload is read away."""

    def on_lost(self, reason: str, host_gone: bool) -> None:
        """The connection is over."""


class Connection:
    """A stream socket on an event loop. Used from the loop's thread only."""

    def __init__(self, sock: socket.socket, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        sock.setblocking(False)
        _enlarge(sock)
        self._sock = sock
        self._recv = sock.recv
        self._loop = loop
        self._soon = loop.call_soon
        self._limit = limit
        self._rest = b""  # the start of a frame whose end has not arrived
        self._large: LargeFrame | None = None  # received in place
        self._skip = 0  # bytes of a refused frame that are still to be read away
        self._out: list[Any] = []
        self._flushing = False
        self._blocked = False
        self._closed = False

    def start(self, receiver: Receiver) -> None:
        """Begin to read. Frames go to receiver."""
        self._receiver = receiver
        self._loop.add_reader(self._sock.fileno(), self._readable)

    def close(self) -> None:
        """Stop reading and writing. Frames that were not sent are lost; see flush."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._sock.fileno())

    def send_frame(self, kind: int, id: int, meta: bytes, body: Any, flags: int = 0) -> None:
        """Queue one frame; it leaves with all others of this turn of the loop."""
        header = _pack(len(meta) + len(body), kind, flags, len(meta), id)
        self._out += (header, meta, body)
        if not self._flushing:
            self._flushing = True
            self._soon(self.flush)

    def flush_soon(self) -> None:
        """Flush once everything that is ready to run now has run."""
        if not self._flushing:
            self._flushing = True
            self._soon(self.flush)

    def flush(self) -> None:
        """Write what is queued, as far as the socket takes it."""
        self._flushing = False
        if self._blocked or not self._out or self._closed:
            return
        pieces, self._out = self._out, []
        try:
            rest = _write(self._sock, pieces)
        except OSError as exc:
            self._fail(exc)
            return
        if rest:
            self._out = rest + self._out
            self._blocked = True
            self._loop.add_writer(self._sock.fileno(), self._writable)

    def finish(self) -> None:
        """Write the rest, waiting up to a second for a slow reader, and stop."""
        self._sock.settimeout(1.0)
        try:
            self._sock.sendall(b"".join(self._out))
        except OSError:
            pass  # the host is gone or does not read: nobody to tell
        self._out = []

    def _writable(self) -> None:
        self._blocked = False
        self._loop.remove_writer(self._sock.fileno())
        self.flush()

    def _readable(self) -> None:
        try:
            if self._large is not None:
                self._fill(self._large)
                return
            data = self._recv(_READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as exc:
            self._fail(exc)
            return
        if not data:
            self._end("the host closed the connection", host_gone=True)
            return
        if self._skip:
            data = self._discard(data)
        self._parse(self._rest + data if self._rest else data)

    def _parse(self, data: bytes) -> None:
        """Hand on every whole frame in data and keep the rest."""
        unpack, receiver = wire.HEADER.unpack_from, self._receiver
        head, size, now = 0, len(data), time.monotonic()
        self._flushing = True  # what is answered on the way leaves in one write, below
        while size - head >= 16:
            length, kind, flags, cut, id = unpack(data, head)
            start = head + 16
            end = start + length
            if end > size or length > self._limit:
                if length > self._limit:
                    head = self._refuse(data, kind, id, start, length)
                    continue
                if length > _READ_SIZE and self._begin_large(data, head):
                    head = size
                break
            middle = start + cut
            if kind == 2 and flags == 0 and middle <= end:
                receiver.on_call(id, data[start:middle], data[middle:end], now)
            else:
                self._dispatch(kind, flags, id, cut, data[start:end])
            head = end
        self._rest = data[head:] if head < size else b""
        self.flush()

    def _dispatch(self, kind: int, flags: int, id: int, cut: int, payload: Any) -> None:
        why = wire.unsound(kind, flags, cut, len(payload))
        if why:
            self._receiver.on_malformed(kind, id, why)
            return
        self._receiver.on_frame(kind, flags, id, payload[:cut], payload[cut:])

    def _refuse(self, data: bytes, kind: int, id: int, start: int, length: int) -> int:
        """Skip a frame that is too long; give where the next one starts in data."""
        if length > wire.LENGTH_MAX:
            self._end(f"a frame of {length} bytes: the framing is not sound", host_gone=False)
            return len(data)
        self._receiver.on_oversize(kind, id, length)
        here = min(length, len(data) - start)
        self._skip = length - here
        return start + here

    def _discard(self, data: bytes) -> bytes:
        here = min(self._skip, len(data))
        self._skip -= here
        return data[here:]

    def _begin_large(self, data: bytes, head: int) -> bool:
        """Receive the rest of the frame at head in place, unless its meta is not all here yet."""
        length, kind, flags, cut, id = wire.HEADER.unpack_from(data, head)
        start = head + 16
        if why := wire.unsound(kind, flags, cut, length):
            self._receiver.on_malformed(kind, id, why)
            self._skip = length - (len(data) - start)
            return True
        if start + cut > len(data):
            return False
        self._large = LargeFrame(kind, flags, id, data[start : start + cut], data[start + cut :], length - cut)
        return True

    def _fill(self, frame: LargeFrame) -> None:
        """Receive as long as there is something, and hand the frame on when it is whole."""
        while not frame.whole():
            if frame.receive(self._sock) == 0:
                self._end("the host closed the connection", host_gone=True)
                return
        self._large = None
        if frame.kind == wire.CALL and frame.flags == 0:
            self._receiver.on_call(frame.id, frame.meta, frame.body, time.monotonic())
        else:
            self._receiver.on_frame(frame.kind, frame.flags, frame.id, frame.meta, frame.body)
        self.flush_soon()

    def _fail(self, exc: OSError) -> None:
        if exc.errno in _LOST:
            self._end(f"the protocol's descriptor was closed by user code ({exc})", host_gone=False)
        else:
            self._end(f"the host is gone ({exc})", host_gone=True)

    def _end(self, reason: str, *, host_gone: bool) -> None:
        self._receiver.on_lost(reason, host_gone)


def _enlarge(sock: socket.socket) -> None:
    """Ask for buffers that hold several large frames; the kernel gives what it allows."""
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        if sock.getsockopt(socket.SOL_SOCKET, option) < _BUFFER_SIZE:
            sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER_SIZE)


def _write(sock: socket.socket, pieces: list[Any]) -> list[Any]:
    """Write pieces in order; give those that did not fit."""
    if sum(map(len, pieces)) < _JOIN_BELOW:
        pieces = [b"".join(pieces)]
    while pieces:
        try:
            sent = sock.send(pieces[0]) if len(pieces) == 1 else sock.sendmsg(pieces[:_PIECES])
        except (BlockingIOError, InterruptedError):
            return pieces
        pieces = _after(pieces, sent)
    return pieces


def _after(pieces: list[Any], sent: int) -> list[Any]:
    for index, piece in enumerate(pieces):
        if sent < len(piece):
            return [memoryview(piece)[sent:], *pieces[index + 1 :]] if sent else pieces[index:]
        sent -= len(piece)
    return []
