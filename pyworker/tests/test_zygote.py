"""The fork server: readiness, orders, reports, and nobody left behind."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable

import pytest
from host import Peer, Zygote
from test_guard import gone

from dspool_worker import wire

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the fork server is for Linux")

Make = Callable[..., Zygote]


@pytest.fixture
def zygote(make_zygote: Make) -> Zygote:
    """A fork server without dspy."""
    return make_zygote()


def run(peer: Peer, ref: str, inputs: bytes = b"{}") -> None:
    """Have a fresh worker begin a call."""
    peer.send(wire.CALL, 1, {"p": ref}, inputs)
    need = peer.receive()
    assert need.kind == wire.NEED
    peer.send(wire.DEFINE, 0, need.head, b'{"kind":"func","ref":"%s"}' % ref.encode())


def test_hello_tells_what_was_loaded_and_what_failed(make_zygote: Make) -> None:
    hello = make_zygote(["good", "nosuch", "fails_at_import", "exits_at_import"]).hello
    assert (hello["ev"], hello["version"], hello["nonce"], hello["unsafe"]) == ("hello", 1, "z-1", [])
    assert hello["import_us"] > 0
    failed = {one["module"]: one["error"] for one in hello["failed"]}
    assert failed["nosuch"] == "ModuleNotFoundError: No module named 'nosuch'"
    assert "the model file is missing" in failed["fails_at_import"]
    assert failed["exits_at_import"].startswith("SystemExit: 3")


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("threads_at_import", "threads_at_import left the thread 'left-behind' running"),
        ("opens_socket_at_import", "opens_socket_at_import left socket:"),
        ("opens_loop_at_import", "opens_loop_at_import left anon_inode:[eventpoll]"),
    ],
)
def test_what_makes_forking_unsafe_is_named(make_zygote: Make, module: str, reason: str) -> None:
    unsafe = make_zygote(["good", module]).hello["unsafe"]
    assert any(one.startswith(reason) for one in unsafe), unsafe


def test_a_forked_worker_serves_with_preloaded_modules(make_zygote: Make) -> None:
    zygote = make_zygote(["good"])
    pid, peer = zygote.fork(7)
    hello = peer.receive()
    assert (hello.kind, hello.value["pid"], hello.value["nonce"]) == (wire.HELLO, pid, "n-1")
    run(peer, "good:pid")
    assert peer.receive().value == pid
    assert os.getpgid(pid) == pid


def test_workers_are_apart(zygote: Zygote) -> None:
    peers = [zygote.fork(order)[1] for order in range(4)]
    for peer in peers:
        peer.receive()
        run(peer, "sample:random_number")
    assert len({peer.receive().value for peer in peers}) == 4


@pytest.mark.parametrize(
    ("ref", "inputs", "code", "signal_number"),
    [("exits:impolitely", b'{"code":3}', 3, 0), ("segfaults:now", b"{}", -1, signal.SIGSEGV)],
)
def test_deaths_are_reported(zygote: Zygote, ref: str, inputs: bytes, code: int, signal_number: int) -> None:
    pid, peer = zygote.fork()
    peer.receive()
    run(peer, ref, inputs)
    event = zygote.receive()
    assert (event["ev"], event["pid"], event["code"], event["signal"]) == ("exited", pid, code, signal_number)
    assert event["maxrss_kb"] > 1000
    assert event["utime_us"] >= 0
    assert event["stime_us"] >= 0


def test_a_dead_workers_children_are_killed_before_the_report(zygote: Zygote) -> None:
    pid, peer = zygote.fork()
    peer.receive()
    run(peer, "sample:leaves_a_subprocess")
    child = peer.receive().value
    os.kill(pid, signal.SIGKILL)
    assert zygote.receive()["signal"] == signal.SIGKILL
    assert gone(child)


def test_a_closed_connection_ends_the_worker(zygote: Zygote) -> None:
    pid, peer = zygote.fork()
    peer.receive()
    peer.sock.close()
    assert zygote.receive()["pid"] == pid


def test_stop_waits_for_the_last_child(zygote: Zygote) -> None:
    _, peer = zygote.fork()
    peer.receive()
    zygote.send({"op": "stop"})
    zygote.send({"op": "fork", "order": 2, "settings": {}}, (0, 1, 2, 0))
    assert zygote.receive() == {"ev": "refused", "order": 2, "error": "the fork server is stopping"}
    peer.send(wire.DRAIN, 0)
    assert peer.receive().kind == wire.GOODBYE
    assert zygote.receive()["code"] == 0
    assert zygote.process.wait(20) == 0


@pytest.mark.parametrize("how", ["end of file", "SIGKILL"])
def test_no_child_outlives_the_fork_server(zygote: Zygote, how: str) -> None:
    pids = []
    for order in range(3):
        pid, peer = zygote.fork(order)
        peer.receive()
        run(peer, "holds_gil:sleep", b'{"seconds":60}')
        pids.append((pid, peer))
    if how == "SIGKILL":
        zygote.process.kill()
    else:
        zygote.control.close()
    zygote.process.wait(20)
    assert all(gone(pid) for pid, _ in pids)


@pytest.mark.parametrize("packet", [b"{", b"[]", b'{"op":5}', b'{"op":"dance","order":4}', b"\xff"])
def test_malformed_orders_are_refused(zygote: Zygote, packet: bytes) -> None:
    zygote.send(packet)
    assert zygote.receive()["ev"] == "refused"
    assert zygote.fork()[0] > 0


def test_orders_without_all_descriptors_or_with_bad_settings_are_refused(zygote: Zygote) -> None:
    zygote.send({"op": "fork", "order": 1, "settings": {}}, (1, 2))
    assert "descriptors" in zygote.receive()["error"]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        zygote.send({"op": "fork", "order": 2, "settings": {"slots": "many"}}, (theirs.fileno(), 1, 2))
        assert zygote.receive()["order"] == 2
    assert len(os.listdir(f"/proc/{zygote.process.pid}/fd")) < 12


def test_sigint_is_ignored(zygote: Zygote) -> None:
    zygote.process.send_signal(signal.SIGINT)
    assert zygote.fork()[0] > 0
