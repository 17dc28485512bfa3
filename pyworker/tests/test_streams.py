"""Streams: items, credit, early ends."""

from __future__ import annotations

from typing import Any

import pytest
from host import Frame, Worker

from dspool_worker import wire


def collect(worker: Worker, credit: int) -> tuple[list[Any], Frame]:
    """Read a stream to its end, granting credit when it is used up."""
    items: list[Any] = []
    while True:
        frame = worker.next()
        if frame.kind != wire.EVENT:
            return items, frame
        assert frame.head == {"k": "item"}
        items.append(frame.value)
        if len(items) % credit == 0:
            worker.send(wire.CREDIT, frame.id, {"n": credit})


@pytest.mark.parametrize("credit", [1, 3, 100])
@pytest.mark.parametrize(("ref", "returned"), [("sample:numbers", 20), ("sample:numbers_async", None)])
def test_items_come_in_order_within_the_credit(worker: Worker, ref: str, returned: Any, credit: int) -> None:
    worker.begin(ref, {"count": 20}, s=credit)
    items, last = collect(worker, credit)
    assert items == list(range(20))
    assert (last.kind, last.value) == (wire.RESULT, returned)


@pytest.mark.parametrize("ref", ["sample:endless", "sample:endless_async"])
def test_without_credit_the_program_waits_and_stalls_only_itself(worker: Worker, ref: str) -> None:
    id = worker.begin(ref, s=2)
    assert [worker.next().id, worker.next().id] == [id, id]
    assert worker.silent(0.1)
    assert worker.result("good:echo", {"text": "x"}) == "x"
    worker.send(wire.CREDIT, id, {"n": 1})
    assert worker.next().id == id
    assert worker.silent(0.05)


@pytest.mark.parametrize("ref", ["sample:endless", "sample:endless_async"])
def test_a_cancelled_stream_closes_its_generator(worker: Worker, ref: str) -> None:
    id = worker.begin(ref, s=2)
    worker.next()
    worker.next()
    worker.send(wire.CANCEL, id, {"why": "canceled"})
    assert worker.next().value["code"] == "canceled"
    assert worker.result("sample:running") == []


def test_credit_nought_waits_for_the_first_grant(worker: Worker) -> None:
    worker.result("sample:numbers", {"count": 0})
    id = worker.begin("sample:numbers", {"count": 1}, s=0)
    assert worker.silent(0.1)
    worker.send(wire.CREDIT, id, {"n": 5})
    assert worker.next().value == 0


def test_an_exception_after_some_items_ends_the_stream_as_an_error(worker: Worker) -> None:
    worker.begin("sample:fails_after", {"count": 2}, s=10)
    items, last = collect(worker, 10)
    assert items == [0, 1]
    assert (last.value["code"], last.value["type"]) == ("program_error", "ValueError")


def test_a_plain_function_streams_nothing_but_its_result(worker: Worker) -> None:
    worker.begin("good:echo", {"text": "x"}, s=5)
    items, last = collect(worker, 5)
    assert (items, last.value) == ([], "x")


@pytest.mark.parametrize("ref", ["sample:numbers", "sample:numbers_async"])
def test_a_generator_called_without_a_stream_gives_a_list(worker: Worker, ref: str) -> None:
    assert worker.result(ref, {"count": 3}) == [0, 1, 2]


def test_bad_inputs_of_a_generator_are_refused(worker: Worker) -> None:
    worker.begin("sample:numbers", {"count": "many"}, s=5)
    assert worker.next().value["code"] == "invalid_argument"


def test_credit_for_an_unknown_call_is_dropped_and_a_senseless_one_refused(worker: Worker) -> None:
    worker.send(wire.CREDIT, 99, {"n": 1})
    id = worker.begin("sample:numbers", {"count": 1}, s=0)
    worker.send(wire.CREDIT, id, {"n": -5})
    frame = worker.next()
    assert (frame.kind, frame.id, frame.value["code"]) == (wire.ERROR, id, "protocol")
