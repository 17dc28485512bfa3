"""Objects that live in the worker: made once for each session, restored, released, bounded."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from typing import Any

import pytest
from host import Frame, Worker

from dspool_worker import wire


def begin(worker: Worker, method: str, inputs: Any = None, *, session: str = "s", knows: str = "new",
          state: Any = None, ref: str = "stateful:Counter", options: Any = None, **meta: Any) -> int:  # fmt: skip
    """Send a call of an object's method."""
    hash = f"{ref}.{method}{json.dumps(options)}"
    worker.definitions[hash] = {"kind": "object", "ref": ref, "method": method, "options": options or {}}
    body = json.dumps(inputs or {}).encode()
    if state is not None:
        raw = json.dumps(state).encode()
        body, meta = body + raw, {**meta, "d": len(raw)}
    return worker.begin(hash, body=body, k=session, o=knows, **meta)


def call(worker: Worker, method: str, inputs: Any = None, **more: Any) -> Frame:
    """Call a method and wait for the answer."""
    id = begin(worker, method, inputs, **more)
    frame = worker.next()
    assert frame.id == id
    return frame


def parts(frame: Frame) -> tuple[Any, Any]:
    """Give the value and the snapshot of a RESULT."""
    assert frame.kind == wire.RESULT, frame
    size = frame.head.get("d", 0)
    cut = len(frame.body) - size
    return json.loads(frame.body[:cut]), json.loads(frame.body[cut:]) if size else None


def value(worker: Worker, method: str, inputs: Any = None, **more: Any) -> Any:
    return parts(call(worker, method, inputs, **more))[0]


def fault(worker: Worker, method: str, inputs: Any = None, **more: Any) -> tuple[str, str, str]:
    frame = call(worker, method, inputs, **more)
    assert frame.kind == wire.ERROR, frame
    return frame.value["code"], frame.value["started"], frame.value["message"]


def test_an_object_keeps_its_state_from_call_to_call(worker: Worker) -> None:
    assert [value(worker, "add", {"n": n}) for n in (1, 2, 3)] == [1, 3, 6]
    assert value(worker, "add_later", {"n": 4}, knows="live") == 10
    assert value(worker, "total", knows="live") == 1


def test_sessions_do_not_share_objects(worker: Worker) -> None:
    assert [value(worker, "add", {"n": 5}, session=key) for key in ("a", "b", "a")] == [5, 5, 10]
    assert value(worker, "add", session="a", ref="stateful:Kept") == 1


def test_constructor_arguments_come_from_the_call_or_the_definition(worker: Worker) -> None:
    assert value(worker, "add", session="a", options={"init": {"start": 10}}) == 11
    assert value(worker, "add", session="b", state={"start": 20}) == 21
    assert value(worker, "add", session="b", state={"start": 90}) == 22
    code, started, message = fault(worker, "add", session="c", state={"begin": 1})
    assert (code, started, message.startswith("init: ")) == ("invalid_argument", "no", True)
    code, started, message = fault(worker, "add", session="c", state={"start": -1})
    assert (code, started) == ("program_error", "yes")
    assert "constructing stateful:Counter failed: cannot start below zero" in message
    assert value(worker, "add", session="c") == 1


def test_calls_that_arrive_together_make_one_object(worker: Worker) -> None:
    ids = [begin(worker, "add", {"n": 1}) for _ in range(8)]
    frames = {frame.id: frame.value for frame in (worker.next() for _ in ids)}
    assert sorted(frames) == ids
    assert sorted(frames.values()) == list(range(1, 9))
    assert value(worker, "total") == 1


def test_what_the_host_believes_to_be_there_and_is_not_is_lost(worker: Worker) -> None:
    assert fault(worker, "add", knows="live")[:2] == ("session_lost", "no")
    assert value(worker, "add") == 1


@pytest.mark.parametrize(("ref", "first"), [("stateful:Kept", {"value": 7, "more": ""}), ("stateful:KeptLater", 7)])
def test_a_snapshot_travels_back_and_makes_the_object_again(worker: Worker, ref: str, first: Any) -> None:
    for method in ("add", "add_later"):
        got, state = parts(call(worker, method, {"n": 7}, session=method, ref=ref))
        assert (got, state) == (7, first)
        restored = call(worker, "add", {"n": 1}, session=f"{method} again", ref=ref, knows="restore", state=state)
        assert parts(restored)[0] == 8


def test_snapshots_come_as_often_as_asked_for(worker: Worker) -> None:
    every = {"snapshot_every": 3}
    states = [parts(call(worker, "add", ref="stateful:Kept", options=every))[1] for _ in range(6)]
    assert [state and state["value"] for state in states] == [None, None, 3, None, None, 6]


def test_a_snapshot_that_cannot_be_is_null_so_that_no_old_one_comes_back(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker(object_state=10_000)
    for n in (665, 20_000):
        frame = call(worker, "add", {"n": n + 1}, ref="stateful:Kept", session=str(n))
        assert frame.body.endswith(b"null")
        assert (frame.head["d"], frame.body[:-4]) == (4, str(n + 1).encode())
    assert worker.errors is not None
    told = worker.errors.readline() + worker.errors.readline()
    assert b"cannot be written" in told
    assert b"more than the limit of 10000" in told


def test_an_output_of_bytes_and_a_snapshot_travel_together(worker: Worker) -> None:
    frame = call(worker, "data", ref="stateful:Kept")
    assert frame.head["a"] == [["", 2]]
    assert frame.body == b'\x00\x01{"value":0,"more":""}'


@pytest.mark.parametrize("method", ["count", "count_later"])
def test_methods_that_yield_are_streams(worker: Worker, method: str) -> None:
    begin(worker, method, ref="stateful:Kept", s=16)
    frames = [worker.next() for _ in range(4)]
    assert [frame.value for frame in frames[:3]] == [1, 2, 3]
    assert parts(frames[3]) == (None, {"value": 3, "more": ""})


def test_a_failed_method_leaves_the_object_alive_and_sends_no_snapshot(worker: Worker) -> None:
    assert fault(worker, "fail", ref="stateful:Kept")[:2] == ("program_error", "yes")
    assert value(worker, "add", ref="stateful:Kept", knows="live") == 101


def test_release_closes_what_the_session_had(worker: Worker, tmp_path: pathlib.Path) -> None:
    log = tmp_path / "log"
    for ref in ("stateful:Counter", "stateful:KeptLater"):
        value(worker, "add", ref=ref, state={"start": 4, "log": str(log)})
    worker.send(wire.RELEASE, 0, {"k": "s"})
    worker.send(wire.RELEASE, 0, {"k": "nobody"})
    assert fault(worker, "add", knows="live")[0] == "session_lost"
    worker.send(wire.DRAIN, 0)
    assert worker.next().kind == wire.GOODBYE
    assert log.read_text() == "closed at 5\n" * 2


def test_drain_closes_objects_before_goodbye(worker: Worker, tmp_path: pathlib.Path) -> None:
    log = tmp_path / "log"
    value(worker, "add", state={"log": str(log)})
    begin(worker, "add_slowly", {"n": 1, "ms": 50}, knows="live")
    worker.send(wire.DRAIN, 0)
    assert [worker.next().kind, worker.next().kind] == [wire.RESULT, wire.GOODBYE]
    assert log.read_text() == "closed at 2\n"
    assert worker.exit() == 0


def test_the_number_of_objects_is_bounded(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker(objects=2)
    assert [value(worker, "add", session=key) for key in ("a", "b")] == [1, 1]
    code, started, message = fault(worker, "add", session="c")
    assert (code, started, "2 objects" in message) == ("resource_exhausted", "no", True)
    worker.send(wire.RELEASE, 0, {"k": "a"})
    assert value(worker, "add", session="c") == 1
    for _ in range(3):
        assert fault(worker, "add", session="b", ref="stateful:Kept", state={"start": -1})[0] == "resource_exhausted"


def test_a_cancelled_call_leaves_the_object(worker: Worker) -> None:
    value(worker, "add")
    id = begin(worker, "add_later", {"n": 1, "ms": 60_000}, knows="live")
    worker.send(wire.CANCEL, id, {"why": "canceled"})
    assert worker.next().value["code"] == "canceled"
    assert value(worker, "add", knows="live") == 2


@pytest.mark.parametrize(
    ("ref", "method", "code", "says"),
    [
        ("stateful:Counter", "subtract", "not_found", "no method 'subtract'"),
        ("stateful:Counter", "_private", "invalid_argument", "private"),
        ("stateful:os", "getcwd", "not_found", "not a class"),
        ("stateful:HalfKept", "get", "unsupported", "__dspool_restore__"),
        ("stateful:Absent", "get", "not_found", "Absent"),
    ],
)
def test_what_cannot_be_an_object_is_refused(worker: Worker, ref: str, method: str, code: str, says: str) -> None:
    found, started, message = fault(worker, method, ref=ref)
    assert (found, says in message) == (code, True)
    assert started in ("no", "yes")


def test_class_methods_are_called_like_others(worker: Worker) -> None:
    assert value(worker, "name") == "Counter"


def test_a_call_that_says_nothing_of_the_object_is_refused(worker: Worker) -> None:
    worker.definitions["x"] = {"kind": "object", "ref": "stateful:Counter", "method": "add"}
    worker.begin("x", {}, k="s")
    assert worker.next().value["code"] == "protocol"
