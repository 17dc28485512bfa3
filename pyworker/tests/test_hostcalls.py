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
