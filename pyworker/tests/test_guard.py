"""The worker's own end, and what becomes of children that user code makes."""

from __future__ import annotations

import os
import pathlib
import select
import signal
import time
from collections.abc import Callable

import pytest
from host import TIMEOUT, Worker

from dspool_worker import wire


def gone(pid: int) -> bool:
    """Wait until no such process runs; a zombie does not."""
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        try:
            if pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        select.select([], [], [], 0.01)
    return False


@pytest.mark.parametrize("ref", ["closes_descriptors:all_of_them", "closes_descriptors:all_of_them_async"])
def test_closing_the_protocols_descriptor_ends_the_worker_with_a_reason(worker: Worker, ref: str) -> None:
    worker.begin(ref)
    with pytest.raises(EOFError):
        worker.next()
    assert worker.exit() == 70
    assert worker.errors is not None
    assert b"closed descriptor" in worker.errors.read()


def test_closing_stdout_and_stderr_harms_nobody(worker: Worker) -> None:
    assert worker.result("closes_descriptors:standard_ones") == "closed"
    assert worker.result("good:echo", {"text": "x"}) == "x"
    worker.send(wire.DRAIN, 0)
    assert worker.exit() == 0


@pytest.mark.parametrize("how", ["close", "none"])
def test_a_worker_without_pythons_stdout_still_ends_well(worker: Worker, how: str) -> None:
    assert worker.result("streams_gone:taken", {"how": how}) == "taken"
    worker.send(wire.DRAIN, 0)
    assert worker.exit() == 0


@pytest.mark.parametrize("how", ["close", "none"])
def test_a_forked_child_without_pythons_stdout_ends_in_silence(worker: Worker, how: str) -> None:
    child = worker.result("streams_gone:in_a_child", {"how": how})
    assert gone(child)
    assert worker.silent(0.2)
    worker.send(wire.DRAIN, 0)
    assert worker.next().kind == wire.GOODBYE
    assert worker.exit() == 0
    assert worker.errors is not None
    assert b"Traceback" not in worker.errors.read()


@pytest.mark.parametrize("ref", ["forks:returns_in_the_child", "forks:returns_on_the_loop"])
def test_a_forked_child_never_answers(worker: Worker, ref: str) -> None:
    for text in ("one", "two"):
        assert worker.result(ref, {"text": text}) == text
    assert worker.silent(0.2)
    assert worker.result("good:echo", {"text": "x"}) == "x"
    worker.send(wire.DRAIN, 0)
    assert worker.next().kind == wire.GOODBYE
    assert worker.exit() == 0


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="only Linux has a parent-death signal")
def test_a_forked_child_dies_with_its_worker(worker: Worker) -> None:
    child = worker.result("sample:leaves_a_child")
    worker.process.send_signal(signal.SIGKILL)
    worker.exit()
    assert gone(child)


def test_a_crash_leaves_its_traceback_on_stderr(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker()
    id = worker.begin("segfaults:now")
    with pytest.raises(EOFError):
        worker.next()
    assert worker.started(id)
    assert worker.exit() == -signal.SIGSEGV
    assert worker.errors is not None
    tail = worker.errors.read()
    assert b"about to fall" in tail
    assert b"segfaults.py" in tail


def test_os_exit_ends_the_worker_with_that_code(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker()
    id = worker.begin("exits:impolitely", {"code": 7})
    with pytest.raises(EOFError):
        worker.next()
    assert worker.exit() == 7
    assert worker.started(id)


def test_a_flood_of_output_does_not_hold_up_the_answer(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker()
    worker.result("floods:one_line", {"megabytes": 0})
    worker.begin("floods:one_line", {"megabytes": 3})
    out = worker.process.stdout
    assert out is not None
    assert len(out.read(3 << 20)) == 3 << 20
    assert worker.next().value == 3


def test_subprocesses_do_not_inherit_the_protocols_descriptors(worker: Worker) -> None:
    targets = worker.result("sample:descriptors_of_a_child")
    assert [target for target in targets if "socket" in target] == []
