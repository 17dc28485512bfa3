"""First steps that run without a task of their own: nobody may notice."""

from __future__ import annotations

import pytest
from host import Worker

_OUTCOMES = {
    "clean": "clean",
    "soil": "soiled",
    "cancel_itself_and_return": "done",
    "cancel_itself_and_recover": "recovered",
    "time_out": "timed out",
    "gather": [0, 1, 2],
    "give_way": "own",
}


@pytest.mark.parametrize("name", sorted(_OUTCOMES))
def test_a_first_step_ends_as_in_a_task_of_its_own(worker: Worker, name: str) -> None:
    for _ in range(3):
        assert worker.result(f"carried:{name}", {}) == _OUTCOMES[name]
        assert worker.result("carried:clean", {}) == "clean"


def test_a_task_that_was_kept_is_not_used_again(worker: Worker) -> None:
    assert [worker.result("carried:keep", {}) for _ in range(4)] == [1, 2, 3, 4]


def test_a_call_that_cancels_itself_fails_alone(worker: Worker) -> None:
    for _ in range(3):
        assert worker.fault("carried:cancel_itself", {})["code"] == "program_error"
        assert worker.result("carried:clean", {}) == "clean"


def test_a_first_step_that_raises_leaves_the_next_alone(worker: Worker) -> None:
    for _ in range(3):
        assert "first step" in worker.fault("carried:fail", {})["message"]
        assert worker.result("carried:clean", {}) == "clean"


def test_calls_in_one_read_that_wait_and_that_do_not(worker: Worker) -> None:
    names = ["clean", "give_way", "soil", "gather", "keep", "clean", "time_out", "clean"]
    for name in set(names):
        worker.call(f"carried:{name}", {})
    begun = {worker.begin(f"carried:{name}", {}): name for name in names * 5}
    ended = {frame.id: frame.value for frame in (worker.next() for _ in begun)}
    assert ended.keys() == begun.keys()
    for id, name in begun.items():
        if name != "keep":
            assert ended[id] == _OUTCOMES[name]
