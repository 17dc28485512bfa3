"""Frames against the golden vectors that the Go side reads too, torn, and mutated."""

from __future__ import annotations

import asyncio
import json
import pathlib
import random
import socket
from collections.abc import Callable
from typing import Any

import pytest
from host import PACKAGE, Worker

from dspool_worker import wire
from dspool_worker.connection import Connection

GOLDEN = pathlib.Path(PACKAGE).parent / "internal" / "wire" / "testdata" / "golden.json"
VECTORS: list[dict[str, Any]] = json.loads(GOLDEN.read_text())
LIMIT = 69_632
TYPES = {name: getattr(wire, name) for name in (
    "HELLO", "CALL", "RESULT", "ERROR", "EVENT", "CREDIT", "CANCEL", "NEED", "DEFINE", "PING", "PONG", "DRAIN",
    "GOODBYE", "HOSTCALL", "HOSTRESULT", "HOSTERROR", "HOSTCANCEL", "HOSTEVENT", "HOSTCREDIT", "RELEASE",
)}  # fmt: skip
DECODERS: dict[str, Callable[[bytes], Any]] = {
    "CALL": wire.decode_call, "CREDIT": wire.decode_credit, "CANCEL": wire.decode_cancel, "DEFINE": wire.decode_define,
    "RELEASE": wire.decode_release,
    "HOSTRESULT": wire.decode_host_answer, "HOSTEVENT": wire.decode_host_answer,
}  # fmt: skip


def raw(vector: dict[str, Any]) -> bytes:
    """Give the bytes of a vector."""
    fill = vector.get("fill", {"byte": "", "count": 0, "tail": ""})
    filled = bytes.fromhex(fill["byte"]) * int(fill["count"])
    return bytes.fromhex(vector["frame"]) + filled + bytes.fromhex(fill["tail"])


def named(vectors: list[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", [pytest.param(vector, id=vector["name"]) for vector in vectors])


class Recorder:
    """A receiver that writes down what arrives."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    def on_call(self, id: int, meta: Any, body: Any, arrived: float) -> None:
        self.seen.append((wire.CALL, 0, id, bytes(meta), bytes(body)))

    def on_frame(self, kind: int, flags: int, id: int, meta: Any, body: Any) -> None:
        self.seen.append((kind, flags, id, bytes(meta), bytes(body)))

    def on_malformed(self, kind: int, id: int, why: str) -> None:
        self.seen.append(("protocol", id))

    def on_oversize(self, kind: int, id: int, length: int) -> None:
        self.seen.append(("resource_exhausted", id))

    def on_lost(self, reason: str, host_gone: bool) -> None:
        self.seen.append(("lost", host_gone))


def receive(chunks: list[bytes]) -> list[tuple[Any, ...]]:
    """Feed chunks through a connection, each as a read of its own."""
    loop = asyncio.new_event_loop()
    ours, theirs = socket.socketpair()
    try:
        recorder = Recorder()
        connection = Connection(theirs, loop, LIMIT)
        connection.start(recorder)
        for chunk in chunks:
            feed(ours, connection, chunk)
        return recorder.seen
    finally:
        loop.remove_reader(theirs.fileno())
        loop.close()
        ours.close()
        theirs.close()


def feed(ours: socket.socket, connection: Connection, chunk: bytes) -> None:
    ours.sendall(chunk)
    for _ in range(len(chunk) // 4096 + 2):
        connection._readable()


SOUND = [vector for vector in VECTORS if "error" not in vector]
BROKEN = [vector for vector in VECTORS if vector.get("error", {}).get("stage") == "frame"]
SHORT = [vector for vector in SOUND if "fill" not in vector]


@named(SHORT)
def test_frames_are_built_as_in_the_golden_vectors(vector: dict[str, Any]) -> None:
    parts = bytes.fromhex(vector["meta"]), bytes.fromhex(vector["body"])
    assert wire.frame(TYPES[vector["type"]], vector["id"], *parts, vector["flags"]) == raw(vector)


@named(SOUND)
def test_frames_are_read_as_in_the_golden_vectors(vector: dict[str, Any]) -> None:
    (kind, flags, id, meta, body), following = receive([raw(vector) + wire.frame(wire.DRAIN, 0)])
    assert (kind, flags, id) == (TYPES[vector["type"]], vector["flags"], vector["id"])
    assert following == (wire.DRAIN, 0, 0, b"", b"")
    if "fill" not in vector:
        assert (meta, body) == (bytes.fromhex(vector["meta"]), bytes.fromhex(vector["body"]))


@named([vector for vector in SHORT if vector["type"] in DECODERS and vector["meta"]])
def test_meta_is_understood_as_in_the_golden_vectors(vector: dict[str, Any]) -> None:
    meta = DECODERS[vector["type"]](bytes.fromhex(vector["meta"]))
    for name, value in vector.get("fields", {}).items():
        found = getattr(meta, name)
        assert (json.loads(json.dumps(found)) if name == "a" else found) == value
    if "attachments" in vector:
        rest, state = wire.cut_state(bytes.fromhex(vector["body"]), meta.d)
        value, attachments = wire.split_attachments(rest, meta.a or [])
        parts = {**attachments, "state": bytes(state)} if meta.d else attachments
        assert value.hex() == vector["value"]
        assert [[name, data.hex()] for name, data in parts.items()] == vector["attachments"]


@named(BROKEN)
def test_broken_frames_are_refused_and_the_next_one_is_read(vector: dict[str, Any]) -> None:
    error = vector["error"]
    seen = receive([raw(vector) + wire.frame(wire.DRAIN, 0)])
    if error["fatal"]:
        assert seen == [("lost", False)]
    else:
        assert seen == [(error["code"], error["id"]), (wire.DRAIN, 0, 0, b"", b"")]


@named([v for v in VECTORS if v.get("error", {}).get("stage") == "meta" and v["type"] in DECODERS])
def test_broken_meta_is_refused(vector: dict[str, Any]) -> None:
    ((_, _, _, meta, body),) = receive([raw(vector)])
    with pytest.raises(wire.META_ERRORS):  # noqa: PT012 - either step may be the one that refuses
        decoded = DECODERS[vector["type"]](meta)
        if vector["type"] == "CALL":
            rest, _ = wire.cut_state(body, decoded.d)
            wire.split_attachments(rest, decoded.a or [])


@named([vector for vector in VECTORS if vector.get("error", {}).get("stage") == "torn"])
def test_torn_frames_are_never_handed_on(vector: dict[str, Any]) -> None:
    assert receive([raw(vector)]) == []


def test_frames_do_not_depend_on_how_the_stream_is_cut() -> None:
    stream = b"".join(raw(vector) for vector in SOUND + [v for v in BROKEN if not v["error"]["fatal"]])
    whole = receive([stream[at : at + 200_000] for at in range(0, len(stream), 200_000)])
    rng = random.Random(4711)
    for _ in range(10):
        cuts = sorted(rng.sample(range(len(stream)), 60))
        chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
        assert receive(chunks) == whole
    short = b"".join(raw(vector) for vector in SHORT)
    assert receive([short[i : i + 1] for i in range(len(short))]) == receive([short])


def test_a_worker_survives_mutated_frames_and_serves_on() -> None:
    rng = random.Random(2024)
    seeds = [raw(vector) for vector in VECTORS if "fill" not in vector and vector.get("type") in DECODERS]
    worker = Worker()
    try:
        for _ in range(1500):
            worker.sock.sendall(mutated(rng, rng.choice(seeds)))
        worker.send(wire.PING, 1 << 50, None, b'"end"')
        while (frame := worker.receive()).kind != wire.PONG or frame.id != 1 << 50:
            assert frame.kind in (wire.ERROR, wire.NEED, wire.PONG)
        assert worker.process.poll() is None
    finally:
        worker.close()


def mutated(rng: random.Random, frame: bytes) -> bytes:
    """Change some bytes, never the length: the framing stays sound."""
    changed = bytearray(frame)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(4, len(changed))
        changed[at] = rng.choice((rng.randrange(256), changed[at] ^ 1 << rng.randrange(8)))
    if changed[4] == wire.DRAIN:
        changed[4] = wire.CALL
    return bytes(changed)


@pytest.mark.parametrize(
    ("kind", "flags", "meta", "code", "id"),
    [
        (wire.CALL, 0, b"[]", "protocol", 9),
        (wire.CALL, 1, b'{"p":"x"}', "protocol", 9),
        (wire.CALL, 2, b'{"p":"x"}', "protocol", 9),
        (wire.RESULT, 0, b"", "protocol", 0),
        (wire.HELLO, 0, b"", "protocol", 0),
        (99, 0, b"", "protocol", 0),
        (wire.DEFINE, 0, b'{"k":"tool","h":"x"}', "protocol", 0),
    ],
)
def test_what_is_no_message_is_answered_once(
    worker: Worker, kind: int, flags: int, meta: bytes, code: str, id: int
) -> None:
    worker.send(kind, 9, meta, b"{}", flags)
    answer = worker.receive()
    assert (answer.kind, answer.id, answer.value["code"]) == (wire.ERROR, id, code)
    worker.send(wire.ERROR, 9, None, b"{", 0)
    assert worker.result("good:echo", {"text": "x"}) == "x"


def test_a_frame_over_the_limit_is_read_away_and_refused(worker: Worker) -> None:
    worker.sock.sendall(wire.frame(wire.CALL, 9, b'{"p":"x"}', b"x" * (65 << 20)))
    answer = worker.receive()
    assert (answer.id, answer.value["code"], answer.value["started"]) == (9, "resource_exhausted", "no")
    assert worker.result("good:echo", {"text": "x"}) == "x"


def test_a_frame_beyond_all_limits_ends_the_connection(worker: Worker) -> None:
    worker.sock.sendall(wire.HEADER.pack(1 << 31, wire.CALL, 0, 0, 9))
    assert worker.next().kind == wire.GOODBYE
    assert worker.at_end()
    assert worker.exit() == 70


def test_a_call_with_an_id_in_flight_is_refused_without_harm(worker: Worker) -> None:
    worker.result("good:wait", {"seconds": 0})
    id = worker.begin("good:wait", {"seconds": 0.1})
    worker.send(wire.CALL, id, {"p": "good:wait"}, b'{"seconds":0}')
    assert (worker.next().id, worker.next().id) == (0, id)
