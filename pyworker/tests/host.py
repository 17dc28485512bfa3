"""A small host for tests: starts a real worker over a socketpair and speaks the protocol with it."""

from __future__ import annotations

import json
import os
import pathlib
import select
import socket
import subprocess
import sys
import tempfile
import time
from typing import Any, NamedTuple

from dspool_worker import wire

PACKAGE = pathlib.Path(__file__).resolve().parents[1]
MISBEHAVIOUR = PACKAGE.parent / "testdata" / "misbehaviour"
PROGRAMS = PACKAGE / "tests" / "programs"
PATH = (str(MISBEHAVIOUR), str(PROGRAMS))
TIMEOUT = 20.0
SLOTS = 64


class Frame(NamedTuple):
    """One frame as it arrived."""

    kind: int
    id: int
    meta: bytes
    body: bytes

    @property
    def value(self) -> Any:
        """The body's JSON value."""
        return json.loads(self.body)

    @property
    def head(self) -> Any:
        """The meta object."""
        return json.loads(self.meta or b"{}")


class Peer:
    """The host's end of a connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.settimeout(TIMEOUT)
        self._buffer = b""

    def send(self, kind: int, id: int, meta: Any = None, body: bytes = b"", flags: int = 0) -> None:
        raw = meta if isinstance(meta, bytes) else json.dumps(meta).encode() if meta is not None else b""
        self.sock.sendall(wire.frame(kind, id, raw, body, flags))

    def receive(self) -> Frame:
        length, kind, _, cut, id = wire.HEADER.unpack(self._read(wire.HEADER_SIZE))
        payload = self._read(length)
        return Frame(kind, id, payload[:cut], payload[cut:])

    def silent(self, seconds: float) -> bool:
        """Tell whether nothing at all arrives for so long."""
        return not self._buffer and not select.select([self.sock], [], [], seconds)[0]

    def at_end(self) -> bool:
        """Wait for the worker to close its end."""
        try:
            return self.sock.recv(1) == b""
        except ConnectionResetError:
            return True

    def _read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            data = self.sock.recv(1 << 20)
            if not data:
                raise EOFError("the worker closed the connection")
            self._buffer += data
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data


class Worker(Peer):
    """A worker process and the calls made to it."""

    def __init__(self, loop: str = "uvloop", hello: bool = True, **settings: Any) -> None:
        ours, theirs = socket.socketpair()
        super().__init__(ours)
        self.ledger = shared_memory()
        given = {
            "versions": [1, 1], "nonce": "n-1", "worker": "w-1", "socket": theirs.fileno(),
            "ledger": self.ledger, "slots": SLOTS, "path": list(PATH), "loop": loop, **settings,
        }  # fmt: skip
        with theirs:
            self.process = start("worker", given, (theirs.fileno(), self.ledger))
        self.errors = self.process.stderr
        self.definitions: dict[str, dict[str, Any]] = {}
        self._last = 0
        if hello:
            self.hello = self.receive()

    def begin(self, ref: str, inputs: Any = None, body: bytes | None = None, **meta: Any) -> int:
        """Send a CALL of a function; the definition follows when the worker asks."""
        self._last += 1
        self.definitions.setdefault(ref, {"kind": "func", "ref": ref})
        raw = json.dumps(inputs or {}).encode() if body is None else body
        self.send(wire.CALL, self._last, {"p": ref, **meta}, raw)
        return self._last

    def next(self) -> Frame:
        """Give the next frame, after answering the worker's questions for definitions."""
        while True:
            frame = self.receive()
            if frame.kind != wire.NEED:
                return frame
            hash = frame.head["h"]
            definition = json.dumps(self.definitions[hash]).encode()
            self.send(wire.DEFINE, 0, {"k": frame.head["k"], "h": hash}, definition)

    def call(self, ref: str, inputs: Any = None, **meta: Any) -> Frame:
        """Make a call and wait for its end."""
        id = self.begin(ref, inputs, **meta)
        frame = self.next()
        assert frame.id == id, frame
        return frame

    def result(self, ref: str, inputs: Any = None, **meta: Any) -> Any:
        """Make a call that must succeed."""
        frame = self.call(ref, inputs, **meta)
        assert frame.kind == wire.RESULT, frame
        return frame.value

    def fault(self, ref: str, inputs: Any = None, **meta: Any) -> dict[str, Any]:
        """Make a call that must fail."""
        frame = self.call(ref, inputs, **meta)
        assert frame.kind == wire.ERROR, frame
        fault: dict[str, Any] = frame.value
        return fault

    def started(self, id: int) -> bool:
        """Read the ledger as the host does."""
        return int.from_bytes(os.pread(self.ledger, 8, id % SLOTS * 8), "little") == id

    def exit(self) -> int:
        """Wait for the process to end and give its code."""
        return self.process.wait(TIMEOUT)

    def close(self) -> None:
        """End the worker whatever state it is in."""
        self.sock.close()
        os.close(self.ledger)
        finish(self.process)


class Zygote:
    """A fork server process."""

    def __init__(self, preload: list[str] | None = None, **settings: Any) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control = ours
        self._peers: list[Peer] = []
        ours.settimeout(TIMEOUT)
        given = {"nonce": "z-1", "path": list(PATH), "preload": preload or [], "warm": False, **settings}
        with theirs:
            self.process = start("zygote", given, (theirs.fileno(),), "--control", str(theirs.fileno()))
        self.hello = self.receive()

    def send(self, message: Any, descriptors: tuple[int, ...] = ()) -> None:
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        socket.send_fds(self.control, [data], list(descriptors))

    def receive(self) -> Any:
        data = self.control.recv(1 << 16)
        if not data:
            raise EOFError("the fork server closed its control socket")
        return json.loads(data)

    def fork(self, order: int = 1, **settings: Any) -> tuple[int, Peer]:
        """Order a worker; give its pid and the connection, HELLO still unread."""
        ours, theirs = socket.socketpair()
        ledger = shared_memory()
        given = {"nonce": "n-1", "slots": SLOTS, "path": list(PATH), **settings}
        with theirs:
            self.send({"op": "fork", "order": order, "settings": given}, (theirs.fileno(), 1, 2, ledger))
        os.close(ledger)
        answer = self.receive()
        assert answer["ev"] == "forked", answer
        assert answer["order"] == order
        self._peers.append(Peer(ours))
        return answer["pid"], self._peers[-1]

    def close(self) -> None:
        """End the fork server; its children end with it."""
        for peer in self._peers:
            peer.sock.close()
        self.control.close()
        finish(self.process)


def start(mode: str, settings: dict[str, Any], descriptors: tuple[int, ...], *extra: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dspool_worker", mode, *extra, "--settings", json.dumps(settings)]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE), "DSPOOL_TEST_RUN": str(os.getpid())}
    return subprocess.Popen(
        command, pass_fds=descriptors, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(TIMEOUT)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def shared_memory() -> int:
    with tempfile.TemporaryFile() as file:
        file.truncate(SLOTS * 8)
        return os.dup(file.fileno())


def leftovers(pause: float = 2.0) -> list[str]:
    """Name the processes of this test run that are still alive after `pause` seconds."""
    end = time.monotonic() + pause
    while (found := _alive()) and time.monotonic() < end:
        select.select([], [], [], 0.02)
    return found


def _alive() -> list[str]:
    mark = f"DSPOOL_TEST_RUN={os.getpid()}".encode()
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(f"{entry.name}: {(entry / 'cmdline').read_bytes()!r}")
        except OSError:
            continue
    return found
