"""Cancelling: the answer comes when the work has stopped, and not before."""

from __future__ import annotations

from collections.abc import Callable

from host import Worker

from dspool_worker import wire


def begun(worker: Worker, ref: str, inputs: dict[str, object] | None = None) -> int:
    """Begin a call and wait until its code runs; its module is imported before, as that counts as a start."""
    worker.fault(ref.partition(":")[0] + ":missing")
    id = worker.begin(ref, inputs)
    worker.send(wire.PING, 1 << 40)
    while True:
        frame = worker.next()
        if frame.kind == wire.PONG and worker.started(id):
            return id
        worker.send(wire.PING, 1 << 40)


def test_a_coroutine_is_cancelled(worker: Worker) -> None:
    id = begun(worker, "good:wait", {"seconds": 3600})
    worker.send(wire.CANCEL, id, {"why": "canceled"})
    fault = worker.next().value
    assert (fault["code"], fault["started"]) == ("canceled", "yes")
    assert worker.result("good:echo", {"text": "next"}) == "next"


def test_the_answer_waits_for_the_clean_up(worker: Worker) -> None:
    id = begun(worker, "sample:slow_to_stop")
    worker.send(wire.CANCEL, id, {"why": "deadline"})
    assert worker.silent(0.1)
    assert worker.next().value["code"] == "deadline_exceeded"


def test_a_sync_function_is_interrupted_and_its_clean_up_waited_for(worker: Worker) -> None:
    id = begun(worker, "sample:spin")
    worker.send(wire.CANCEL, id, {"why": "canceled"})
    assert worker.silent(0.05)
    frame = worker.next()
    assert (frame.id, frame.value["code"]) == (id, "canceled")
    assert worker.result("sample:running") == []


def test_an_interrupt_that_is_swallowed_is_repeated(worker: Worker) -> None:
    id = begun(worker, "sample:stubborn", {"times": 2})
    worker.send(wire.CANCEL, id, {"why": "canceled"})
    assert worker.next().id == id
    assert worker.result("sample:wait_in_thread", {"seconds": 0}) == "dspool-1"


def test_work_that_ignores_the_cancel_is_not_answered_and_neighbours_are_served(worker: Worker) -> None:
    ids = [begun(worker, "ignores_cancel:on_the_loop"), begun(worker, "ignores_cancel:in_a_thread")]
    for id in ids:
        worker.send(wire.CANCEL, id, {"why": "canceled"})
    for _ in range(3):
        assert worker.result("good:echo", {"text": "x"}) == "x"
    assert worker.silent(0.3)


def test_a_call_that_waits_for_a_thread_is_given_up_at_once(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker(threads=1)
    first = begun(worker, "sample:spin")
    second = worker.begin("sample:spin")
    worker.send(wire.PING, 1 << 40)
    assert worker.next().kind == wire.PONG
    worker.send(wire.CANCEL, second, {"why": "canceled"})
    frame = worker.next()
    assert (frame.id, frame.value["started"]) == (second, "no")
    worker.send(wire.CANCEL, first, {"why": "canceled"})
    assert worker.next().id == first


def test_a_call_that_waits_for_its_definition_is_given_up_at_once(worker: Worker) -> None:
    id = worker.begin("good:echo", {"text": "x"})
    worker.send(wire.CANCEL, id, {"why": "canceled"})
    assert worker.receive().kind == wire.NEED
    frame = worker.receive()
    assert (frame.id, frame.value["code"], frame.value["started"]) == (id, "canceled", "no")
    worker.send(wire.DEFINE, 0, {"k": "program", "h": "good:echo"}, b'{"kind":"func","ref":"good:echo"}')
    assert worker.result("good:echo", {"text": "y"}) == "y"


def test_a_cancel_right_behind_its_call_is_not_lost(worker: Worker) -> None:
    worker.result("good:wait", {"seconds": 0})
    frame = wire.frame(wire.CALL, 90, b'{"p":"good:wait"}', b'{"seconds":3600}')
    worker.sock.sendall(frame + wire.frame(wire.CANCEL, 90, b'{"why":"canceled"}'))
    answer = worker.next()
    assert (answer.id, answer.value["code"]) == (90, "canceled")


def test_a_cancel_for_nobody_is_dropped(worker: Worker) -> None:
    worker.send(wire.CANCEL, 5, {"why": "canceled"})
    assert worker.result("good:echo", {"text": "x"}) == "x"


def test_interrupts_never_hit_the_next_job(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker(threads=1)
    worker.result("sample:wait_in_thread", {"seconds": 0})
    for round in range(200):
        id = worker.begin("sample:wait_in_thread", {"seconds": 0.0002 * (round % 5)})
        worker.send(wire.CANCEL, id, {"why": "canceled"})
        assert worker.next().id == id
        assert worker.result("sample:wait_in_thread", {"seconds": 0}) == "dspool-1"
