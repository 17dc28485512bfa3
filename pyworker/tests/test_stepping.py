"""First steps and what a carrier could overlook: a cancel on its heels, foreign awaitables, StopIteration."""

from __future__ import annotations

import json
import time

import pytest
from host import Worker

from dspool_worker import wire


def _begin_and_cancel(worker: Worker, ref: str) -> dict[str, str]:
    """Send a CALL and its CANCEL in one write, so that one read takes both."""
    for _ in range(3):  # the definition, the carrier, and its first wait
        worker.result(ref, {"first": True})
    worker._last += 1
    body = json.dumps({"first": False}).encode()
    call = wire.frame(wire.CALL, worker._last, json.dumps({"p": ref}).encode(), body)
    worker.sock.sendall(call + wire.frame(wire.CANCEL, worker._last, b'{"why":"canceled"}'))
    frame = worker.next()
    assert (frame.id, frame.kind) == (worker._last, wire.ERROR)
    fault: dict[str, str] = frame.value
    return fault


def test_a_cancel_in_the_same_read_as_its_call(worker: Worker) -> None:
    began = time.monotonic()
    assert _begin_and_cancel(worker, "stepping:sleep")["code"] == "canceled"
    assert time.monotonic() - began < 5


def test_that_cancel_reaches_what_the_call_waits_for(worker: Worker) -> None:
    assert _begin_and_cancel(worker, "stepping:gather")["code"] == "canceled"
    seen = worker.result("stepping:gather", {"first": True})
    assert len(seen) in (0, 2)  # children that never began have nothing to undo


def test_stop_iteration_from_a_check_is_no_result(worker: Worker) -> None:
    for _ in range(3):
        assert "StopIteration" in json.dumps(worker.fault("stepping:check", {"value": [1]}))


@pytest.mark.parametrize("name", ["scheduled", "asynchronous", "instance"])
def test_whatever_can_be_awaited_is(worker: Worker, name: str) -> None:
    for _ in range(3):
        assert worker.result(f"stepping:{name}", {"text": "x"}) == "x"


def test_an_exception_that_cannot_be_described_ends_its_call(worker: Worker) -> None:
    for _ in range(3):
        assert worker.fault("stepping:nameless")["code"] == "program_error"
