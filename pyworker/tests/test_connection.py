"""Frames that are large, cut in odd places, or alike: what the reader does beyond small ones."""

from __future__ import annotations

import pytest
from host import Worker

from dspool_worker import wire
from dspool_worker.largeframe import LargeFrame

_LONG = 300_000


def test_a_large_input_comes_back_whole(worker: Worker) -> None:
    text = "ä" + "x" * _LONG
    assert worker.result("good:echo", {"text": text}) == text


@pytest.mark.parametrize("cut", [1, 15, 16, 17, 40, 70, 65_536, _LONG])
def test_a_large_frame_may_arrive_in_any_two_pieces(worker: Worker, cut: int) -> None:
    worker.result("good:echo", {"text": "x"})
    meta = b'{"p":"good:echo","k":"' + b"k" * 40 + b'"}'
    body = b'{"text":"' + b"y" * _LONG + b'"}'
    frame = wire.frame(wire.CALL, 900, meta, body)
    worker.sock.sendall(frame[:cut])
    worker.sock.sendall(frame[cut:])
    answer = worker.next()
    assert (answer.kind, answer.id) in {(wire.RESULT, 900), (wire.ERROR, 900)}, answer
    assert worker.result("good:echo", {"text": "afterwards"}) == "afterwards"


def test_a_large_frame_of_no_known_type_is_refused_and_read_away(worker: Worker) -> None:
    worker.sock.sendall(wire.frame(99, 7, b"", b"z" * _LONG) + wire.frame(wire.PING, 8))
    assert worker.next().kind == wire.ERROR
    assert (worker.next().kind) == wire.PONG


def test_calls_with_many_different_metas_are_all_read(worker: Worker) -> None:
    for budget in range(1_000_000, 1_000_700):
        worker.begin("good:echo", {"text": str(budget)}, b=budget)
    answers = [worker.next() for _ in range(700)]
    assert {answer.value for answer in answers} == {str(budget) for budget in range(1_000_000, 1_000_700)}


def test_a_large_frame_is_whole_only_at_its_end() -> None:
    frame = LargeFrame(wire.CALL, 0, 1, b"", b"abc", 3)
    assert frame.whole()
    assert bytes(frame.body) == b"abc"
    assert not LargeFrame(wire.CALL, 0, 1, b"", b"abc", 4).whole()
