"""A program asks the host."""

from __future__ import annotations

import json

import pytest
from host import Worker

from dspool_worker import wire

REFS = pytest.mark.parametrize("ref", ["sample:asks_host", "sample:asks_host_sync"])


@REFS
def test_the_answer_of_the_host_comes_back(worker: Worker, ref: str) -> None:
    id = worker.begin(ref, {"method": "add", "args": [1, 2]})
    asked = worker.next()
    assert (asked.kind, asked.head, asked.value) == (wire.HOSTCALL, {"m": "add", "c": id}, [1, 2])
    worker.send(wire.HOSTRESULT, asked.id, None, b"3")
    assert worker.next().value == 3


@REFS
def test_a_refusal_of_the_host_is_a_fault_in_the_program(worker: Worker, ref: str) -> None:
    worker.begin(ref, {"method": "add", "args": None})
    fault = {"code": "unsupported", "message": "no such method"}
    worker.send(wire.HOSTERROR, worker.next().id, None, json.dumps(fault).encode())
    got = worker.next().value
    assert (got["code"], got["message"]) == ("unsupported", "no such method")


@REFS
def test_cancelling_a_call_cancels_its_host_call(worker: Worker, ref: str) -> None:
    id = worker.begin(ref, {"method": "wait", "args": None})
    asked = worker.next()
    worker.send(wire.CANCEL, id, {"why": "canceled"})
    frames = [worker.next(), worker.next()]
    assert {(frame.kind, frame.id) for frame in frames} == {(wire.HOSTCANCEL, asked.id), (wire.ERROR, id)}


def test_many_host_calls_at_once_keep_their_answers_apart(worker: Worker) -> None:
    for number in range(10):
        worker.begin("sample:asks_host", {"method": "same", "args": number})
    for asked in reversed([worker.next() for _ in range(10)]):
        worker.send(wire.HOSTRESULT, asked.id, None, asked.body)
    frames = [worker.next() for _ in range(10)]
    assert {frame.id: frame.value for frame in frames} == {number + 1: number for number in range(10)}


def test_answers_for_nobody_are_dropped_and_broken_ones_are_errors(worker: Worker) -> None:
    worker.send(wire.HOSTRESULT, 99, None, b"1")
    worker.begin("sample:asks_host", {"method": "m", "args": None})
    worker.send(wire.HOSTRESULT, worker.next().id, None, b"{")
    assert worker.next().value["code"] == "protocol"


def test_an_answer_comes_in_pieces_with_credit_for_more(worker: Worker) -> None:
    worker.begin("sample:asks_host_for_pieces", {"count": 40})
    asked = worker.next()
    assert asked.head == {"m": "pieces", "c": 1, "s": 32, "x": ["some"]}
    assert asked.body == b"\xff"
    for number in range(32):
        worker.send(wire.HOSTEVENT, asked.id, {"x": number}, b"p", flags=wire.RAW)
    credit = worker.next()
    assert (credit.kind, credit.id, credit.head) == (wire.HOSTCREDIT, asked.id, {"n": 16})
    worker.send(wire.HOSTRESULT, asked.id, {"x": 32}, b"p", flags=wire.RAW)
    frames = [worker.next(), worker.next()]
    assert frames[0].head == {"n": 16}
    assert frames[1].value == [list(range(33)), "p" * 33]


def test_a_reader_that_leaves_its_pieces_tells_the_host(worker: Worker) -> None:
    worker.begin("sample:asks_host_for_pieces", {"count": 2})
    asked = worker.next()
    for number in range(2):
        worker.send(wire.HOSTEVENT, asked.id, {"x": number}, b"p", flags=wire.RAW)
    frames = {frame.kind: frame for frame in (worker.next(), worker.next())}
    assert frames[wire.HOSTCANCEL].id == asked.id
    assert frames[wire.RESULT].value == [[0, 1], "pp"]


def test_a_failure_between_pieces_is_a_fault_in_the_program(worker: Worker) -> None:
    worker.begin("sample:asks_host_for_pieces", {"count": 9})
    asked = worker.next()
    worker.send(wire.HOSTEVENT, asked.id, {"x": 0}, b"p", flags=wire.RAW)
    worker.send(wire.HOSTERROR, asked.id, None, b'{"code":"lm_timeout","message":"too slow"}')
    got = worker.next().value
    assert (got["code"], got["message"]) == ("lm_timeout", "too slow")
    worker.begin("sample:asks_host_for_pieces", {"count": 9})
    worker.send(wire.HOSTEVENT, worker.next().id, b"[", b"p", flags=wire.RAW)
    frames = {frame.kind: frame for frame in (worker.next(), worker.next())}
    assert wire.HOSTCANCEL in frames
    assert frames[wire.ERROR].value["code"] == "protocol"
