"""The life of one worker: readiness, drain, signals, the host's end."""

from __future__ import annotations

import signal
from collections.abc import Callable

from host import Worker

from dspool_worker import wire


def test_hello_is_the_first_frame_and_repeats_the_nonce(worker: Worker) -> None:
    assert worker.hello.kind == wire.HELLO
    value = worker.hello.value
    assert (value["version"], value["nonce"], value["pid"]) == (1, "n-1", worker.process.pid)
    assert "dspy" not in value


def test_a_version_that_is_not_spoken_ends_with_65(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker(versions=[2, 3])
    assert worker.hello.value["version"] == 1
    assert worker.exit() == 65


def test_drain_refuses_new_calls_finishes_the_old_and_says_goodbye(worker: Worker) -> None:
    worker.result("good:wait", {"seconds": 0})
    slow = worker.begin("good:wait", {"seconds": 0.2})
    worker.send(wire.DRAIN, 0)
    late = worker.begin("good:wait", {"seconds": 0})
    refused = worker.next()
    assert (refused.id, refused.value["code"], refused.value["started"]) == (late, "shutting_down", "no")
    assert worker.next().id == slow
    assert worker.next().head == {"why": "drained"}
    assert worker.exit() == 0


def test_drain_without_calls_ends_at_once(worker: Worker) -> None:
    worker.send(wire.DRAIN, 0)
    assert worker.next().kind == wire.GOODBYE
    assert worker.exit() == 0


def test_sigterm_ends_with_a_goodbye(worker: Worker) -> None:
    worker.result("good:wait", {"seconds": 0})
    worker.begin("good:wait", {"seconds": 60})
    worker.process.send_signal(signal.SIGTERM)
    assert worker.next().head == {"why": "terminated"}
    assert worker.exit() == 128 + signal.SIGTERM


def test_sigint_is_the_hosts_business(worker: Worker) -> None:
    worker.process.send_signal(signal.SIGINT)
    assert worker.result("good:echo", {"text": "x"}) == "x"


def test_end_of_file_ends_a_busy_worker(worker: Worker) -> None:
    worker.begin("sample:block", {"seconds": 60})
    worker.receive()  # NEED stays unanswered
    worker.sock.close()
    assert worker.exit() == 0


def test_end_of_file_ends_a_worker_whose_loop_is_blocked(worker: Worker) -> None:
    worker.result("sample:add", {"a": 1})
    blocked = worker.begin("sample:block", {"seconds": 60})
    worker.send(wire.DEFINE, 0, worker.receive().head, b'{"kind":"func","ref":"sample:block"}')
    while not worker.started(blocked):
        pass
    worker.sock.close()
    assert worker.exit() == 0


def test_ping_tells_lag_load_and_memory(worker: Worker) -> None:
    worker.result("good:wait", {"seconds": 0})
    worker.begin("good:wait", {"seconds": 60})
    worker.send(wire.PING, 77, None, b'{"at":1}')
    pong = worker.next()
    assert (pong.kind, pong.id, pong.body) == (wire.PONG, 77, b'{"at":1}')
    assert pong.head["running"] == 1
    assert pong.head["rss"] > 1 << 20
    assert 0 <= pong.head["lag"] < 5_000_000


def test_ping_lag_shows_a_blocked_loop(worker: Worker) -> None:
    worker.result("sample:block", {"seconds": 0})
    worker.begin("sample:block", {"seconds": 0.2})
    worker.send(wire.PING, 78)
    frames = {frame.kind: frame for frame in (worker.next(), worker.next())}
    assert frames[wire.PONG].head["lag"] + frames[wire.RESULT].head["r"] > 190_000


def test_unclosed_output_is_flushed_at_the_end(worker: Worker) -> None:
    worker.result("prints:everywhere", {"text": "hello"})
    worker.send(wire.DRAIN, 0)
    assert worker.exit() == 0
    out = worker.process.stdout
    assert out is not None
    assert out.read() == b"hello\n\x00\x01\x02 raw\nfrom the descriptor\nfrom a child\n"
