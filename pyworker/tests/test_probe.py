"""Health checks: the function that does nothing, on the way of every call."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from host import Worker

from dspool_worker import probe, wire

REF = "dspool_worker.probe:ready"


def test_the_probe_answers_null_and_goes_through_the_ledger(worker: Worker) -> None:
    id = worker.begin(REF)
    frame = worker.next()
    assert (frame.kind, frame.id, frame.value) == (wire.RESULT, id, None)
    assert worker.started(id)


def test_the_probe_does_not_wait_for_a_thread(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker(threads=1)
    slow = worker.begin("health:block", {"seconds": 1})
    worker.send(wire.PING, 1 << 20)
    while (frame := worker.next()).kind != wire.PONG:
        pass
    assert frame.head["running"] == 1
    ready = worker.begin(REF)
    assert [worker.next().id for _ in range(2)] == [ready, slow]


def test_the_probe_takes_no_inputs(worker: Worker) -> None:
    assert worker.fault(REF, {"text": "x"})["code"] == "invalid_argument"


@pytest.mark.parametrize(
    "definition", [{}, {"kind": "func"}, {"kind": "func", "ref": "good:echo"}, {"kind": "predict", "ref": REF}]
)
def test_other_programs_are_not_the_probe(definition: dict[str, str]) -> None:
    assert probe.build(definition) is None
