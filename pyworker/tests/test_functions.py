"""Calling functions of the user's own: inputs, results, failures."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from host import Worker

from dspool_worker import wire


def test_definition_is_asked_for_once(worker: Worker) -> None:
    for text in ("a", "b"):
        worker.begin("good:echo", {"text": text})
    assert worker.receive().kind == wire.NEED
    worker.send(wire.DEFINE, 0, {"k": "program", "h": "good:echo"}, b'{"kind":"func","ref":"good:echo"}')
    assert [worker.receive().value, worker.receive().value] == ["a", "b"]
    assert worker.result("good:echo", {"text": "c"}) == "c"


def test_missing_definition_fails_the_calls_that_wait(worker: Worker) -> None:
    id = worker.begin("good:echo", {"text": "a"})
    head = worker.receive().head
    worker.send(wire.DEFINE, 0, {**head, "missing": True})
    frame = worker.receive()
    assert (frame.id, frame.value["code"], frame.value["started"]) == (id, "not_found", "no")


def test_forgotten_definitions_are_asked_for_again(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker(programs=1)
    for _ in range(2):
        assert worker.result("good:echo", {"text": "a"}) == "a"
        assert worker.result("sample:add", {"a": 1}) == 3


@pytest.mark.parametrize(
    ("ref", "inputs", "path"),
    [
        ("good:echo", {}, "input.text"),
        ("good:echo", {"text": "a", "more": 1}, "input.more"),
        ("good:echo", {"text": 5}, "input.text"),
        ("sample:add", {"a": "x"}, "input.a"),
        ("sample:order", {"items": [{"name": "a", "price": 1}, {"name": "b", "price": ""}]}, "input.items[1].price"),
        ("sample:order", {"items": [], "colour": "blue"}, "input.colour"),
        ("sample:typed", {"count": 0}, "input.count"),
        ("sample:typed", {"when": "yesterday"}, "input.when"),
        ("sample:typed", {"point": {"y": 1}}, "input.point.x"),
        ("sample:typed", {"options": {"deep": "perhaps"}}, "input.options.deep"),
        ("sample:typed", {"mode": "c"}, "input.mode"),
        ("sample:typed", {"data": "not base64!"}, "input.data"),
    ],
)
def test_bad_inputs_are_refused_with_their_path(
    make_worker: Callable[..., Worker], ref: str, inputs: Any, path: str
) -> None:
    fault = make_worker().fault(ref, inputs)
    assert fault["code"] == "invalid_argument"
    assert fault["message"].startswith(path + ": ")
    assert fault["details"] == {"path": path}


def test_a_refused_input_did_not_start(worker: Worker) -> None:
    worker.result("good:echo", {"text": "warm"})
    assert worker.fault("good:echo", {"text": None})["started"] == "no"
    assert not worker.started(2)


@pytest.mark.parametrize("body", [b"[1]", b"5", b"", b'{"text":', b'{"text":"\\ud800"}', b'{"text":1e999}', b"\xff"])
def test_bodies_that_are_not_an_object_are_refused(make_worker: Callable[..., Worker], body: bytes) -> None:
    worker = make_worker()
    id = worker.begin("good:echo", body=body)
    frame = worker.next()
    assert (frame.id, frame.kind, frame.value["code"]) == (id, wire.ERROR, "invalid_argument")


def test_inputs_become_what_the_annotations_say(worker: Worker) -> None:
    assert worker.result("sample:order", {"items": [{"name": "pen", "price": 2}]}) == ["pen: 2.0"]
    shown = worker.result(
        "sample:typed",
        {
            "when": "2024-01-02T03:04:05Z", "day": "2024-01-02", "point": {"x": 1}, "options": {"deep": True},
            "mode": "b", "data": base64.b64encode(b"\x00\xff").decode(), "count": 3,
        },
    )  # fmt: skip
    assert "datetime.datetime(2024, 1, 2, 3, 4, 5" in shown
    assert "datetime.date(2024, 1, 2)" in shown
    assert "Point(x=1, y=0.0), {'deep': True}, 'b', b'\\x00\\xff', 3" in shown


@pytest.mark.parametrize(
    "text",
    ["5", "-9223372036854775809", str(2**64), str(10**400), "1.5", "null", '"é\\u0000😀"', '[[],{},""]', "1e300"],
)
def test_values_come_back_exactly(make_worker: Callable[..., Worker], text: str) -> None:
    worker = make_worker()
    for ref in ("sample:same", "sample:same_async"):
        worker.begin(ref, body=b'{"value":%s}' % text.encode())
        assert json.loads(worker.next().body) == json.loads(text)


def test_results_of_many_types_become_json(worker: Worker) -> None:
    assert worker.result("sample:rich") == {
        "when": "2024-01-02T00:00:00Z", "item": {"name": "pen", "price": 1.5}, "point": {"x": 1, "y": 2.0},
        "colour": "red", "tuple": [1, 2], "set": [7], "bytes": "AP8=", "decimal": "1.10", "none": None, "big": 2**200,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("ref", "path"),
    [
        ("returns_strange:nan", "output.scores[1]"),
        ("returns_strange:infinity", "output"),
        ("returns_strange:lock", "output.state.lock"),
        ("returns_strange:surrogate", "output"),
        ("returns_strange:cycle", "output[0]"),
        ("sample:nan_in_model", "output.price"),
        ("sample:half_a_character", "output[1].name"),
    ],
)
def test_results_that_json_cannot_hold_are_refused_with_their_path(
    make_worker: Callable[..., Worker], ref: str, path: str
) -> None:
    fault = make_worker().fault(ref)
    assert (fault["code"], fault["details"], fault["started"]) == ("output_invalid", {"path": path}, "yes")


def test_large_strings_go_through_whole(worker: Worker) -> None:
    text = "é" * 5_000_000
    assert worker.result("good:echo", {"text": text}) == text
    assert len(worker.result("returns_strange:big", {"megabytes": 10})) == 10 << 20


def test_bytes_travel_as_attachments(worker: Worker) -> None:
    body = b'{"note":"n"}' + b"\x00" * 300_000
    worker.begin("sample:size_of", body=body, a=[["data", 300_000]])
    assert worker.next().value == "300000 n"
    frame = worker.call("sample:blob", {"size": 200_000})
    assert (frame.head["a"], frame.body) == ([["", 200_000]], b"\x01" * 200_000)


@pytest.mark.parametrize(
    ("listed", "body", "code"),
    [
        ([["data", 50]], b"{}", "protocol"),
        ([["data", -1]], b"{}", "protocol"),
        ([["data", 1], ["data", 1]], b"{}ab", "protocol"),
        ([["data", 2]], b'{"data":"x"}ab', "invalid_argument"),
    ],
)
def test_attachments_that_do_not_fit_are_refused(
    make_worker: Callable[..., Worker], listed: Any, body: bytes, code: str
) -> None:
    worker = make_worker()
    worker.begin("sample:size_of", body=body, a=listed)
    assert worker.next().value["code"] == code


@pytest.mark.parametrize(
    ("ref", "code", "message"),
    [
        ("nosuch:f", "not_found", "no Python module 'nosuch'"),
        ("good:eco", "not_found", "did you mean 'echo'?"),
        ("sample:asyncio", "not_found", "not a function"),
        ("good", "invalid_argument", "package.module:name"),
        ("syntax_error:f", "program_error", "importing syntax_error failed"),
        ("fails_at_import:f", "program_error", "the model file is missing"),
        ("exits_at_import:f", "program_error", "importing exits_at_import failed"),
    ],
)
def test_functions_that_cannot_be_found_or_imported(
    make_worker: Callable[..., Worker], ref: str, code: str, message: str
) -> None:
    worker = make_worker()
    fault = worker.fault(ref)
    assert fault["code"] == code
    assert message in fault["message"]
    assert worker.result("good:echo", {"text": "next"}) == "next"


@pytest.mark.parametrize("ref", ["raises:pay", "raises:pay_async"])
def test_exceptions_arrive_with_class_message_and_own_frames(make_worker: Callable[..., Worker], ref: str) -> None:
    fault = make_worker().fault(ref, {"amount": 3})
    assert (fault["code"], fault["type"], fault["message"]) == ("program_error", "raises.Overdrawn", "no money for 3")
    lines = fault["traceback"].splitlines()
    assert lines[0].endswith(f"in {ref.partition(':')[2]}")
    assert lines[-1] == '  raise Overdrawn(f"no money for {amount}")'
    assert "dspool_worker" not in fault["traceback"]


@pytest.mark.parametrize(
    ("ref", "inputs", "kind"),
    [
        ("exits:politely", {"code": 3}, "SystemExit"),
        ("exits:politely_async", {"code": 3}, "SystemExit"),
        ("exits:interrupt", {}, "KeyboardInterrupt"),
        ("sample:exits_in_a_task", {}, "SystemExit"),
        ("sample:cancels_itself", {}, "CancelledError"),
        ("recurses:deep", {"n": 1}, "RecursionError"),
        ("leaks:explode", {}, "MemoryError"),
    ],
)
def test_nothing_that_a_program_raises_ends_the_worker(
    make_worker: Callable[..., Worker], ref: str, inputs: Any, kind: str
) -> None:
    worker = make_worker()
    fault = worker.fault(ref, inputs)
    assert (fault["code"], fault["type"], fault["started"]) == ("program_error", kind, "yes")
    assert len(fault.get("traceback", "").splitlines()) <= 20
    assert worker.result("good:echo", {"text": "next"}) == "next"


def test_replacing_asyncio_breaks_nobody_else(worker: Worker) -> None:
    assert worker.result("monkeypatches:asyncio_away") == "replaced"
    assert worker.result("good:echo", {"text": "x"}) == "x"
    assert worker.result("good:pid") == worker.process.pid
    id = worker.begin("ignores_cancel:heeds_in_a_thread")
    worker.send(wire.CANCEL, id, {"why": "canceled"})
    assert worker.next().value["code"] == "canceled"


def test_stopping_the_loop_stops_nothing(worker: Worker) -> None:
    assert worker.result("sample:stops_the_loop") == "still here"


def test_each_call_has_its_own_context_and_a_real_task(worker: Worker) -> None:
    for value in ("one", "two"):
        assert worker.result("sample:task_name_and_context", {"value": value}) == ["nothing", value, True]


def test_the_ledger_tells_what_started(worker: Worker) -> None:
    worker.result("good:echo", {"text": "warm"})
    worker.result("good:pid")
    assert worker.started(1)
    assert worker.started(2)
    assert not worker.started(3)


def test_a_module_that_kills_the_process_at_import_counts_as_started(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker()
    id = worker.begin("kills_at_import:f")
    with pytest.raises(EOFError):
        worker.next()
    assert worker.started(id)


def test_sync_functions_run_side_by_side_up_to_the_limit(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker(threads=2)
    for _ in range(4):
        worker.begin("sample:wait_in_thread", {"seconds": 0.1})
    names = [worker.next().value for _ in range(4)]
    assert len(set(names)) == 2


def test_results_tell_queue_and_run_time(worker: Worker) -> None:
    worker.result("good:wait", {"seconds": 0})
    head = worker.call("good:wait", {"seconds": 0.05}).head
    assert 49_000 <= head["r"] < 5_000_000
    assert 0 <= head["q"] < 5_000_000
