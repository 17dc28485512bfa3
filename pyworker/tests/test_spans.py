"""What a traced call tells of itself, and that an untraced one tells nothing."""

from __future__ import annotations

import json
import sys
import threading
import time
import types
from typing import Any

import pytest
from definitions import qa
from fakecall import bounded, fault_of, new_call, program
from host import Worker
from lmserver import chat, lm_server

from dspool_worker import host, wire
from dspool_worker.calls import CURRENT
from dspool_worker.spans import Spans, sampled, written

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
UNSAMPLED = TRACE[:-2] + "00"


def tree(spans: list[list[Any]], at: int = -1) -> list[Any]:
    """Give the names as a tree: [name, children...]."""
    return [[span[0], *tree(spans, index)] for index, span in enumerate(spans) if span[1] == at]


@pytest.mark.parametrize(
    ("trace", "wanted"),
    [(TRACE, True), (TRACE[:-2] + "03", True), (UNSAMPLED, False), ("", False), ("x", False), (TRACE[:-1], False)],
)
def test_only_the_sampled_flag_asks_for_spans(trace: str, wanted: bool) -> None:
    assert sampled(trace) is wanted


def test_a_predictor_tells_of_adapter_and_lm() -> None:
    async def work() -> None:
        async with lm_server(lambda _: chat(reasoning="r", answer="secret answer")) as lm:
            call = new_call(lm.definition)
            call.trace = TRACE
            arrived = time.monotonic()
            await program(qa("chain_of_thought")).call({"question": "secret question"}, call)
            text = written(call.spans, arrived, arrived).decode()
            spans = json.loads(text)
            inner = ["module", ["adapter.format"], ["lm"], ["adapter.parse"]]
            assert tree(spans) == [["queue"], ["run", ["module", inner]]]
            attributes = {span[0]: span[5] for span in spans if len(span) > 5}
            assert attributes["lm"] == {"model": "openai/test"}
            assert attributes["adapter.parse"] == {"class": "ChatAdapter"}
            assert "secret" not in text
            assert "sk-test" not in text

    bounded(work())


def test_a_failure_is_named_in_its_span() -> None:
    async def work() -> None:
        async with lm_server(lambda _: "no fields at all") as lm:
            call = new_call(lm.definition)
            call.trace = TRACE
            await fault_of(program(qa()).call({"question": "q"}, call))
            errors = {span[0]: span[4] for span in call.spans.finished()}
            assert errors["adapter.parse"] == "AdapterParseError"

    bounded(work())


@pytest.mark.parametrize("trace", ["", UNSAMPLED])
def test_an_untraced_call_has_no_callback_and_no_spans(trace: str) -> None:
    async def work() -> None:
        async with lm_server(lambda _: chat(answer="A")) as lm:
            call = new_call(lm.definition)
            call.trace = trace
            await program(qa()).call({"question": "q"}, call)
            assert call.spans is None

    bounded(work())


def test_spans_are_bounded_in_number_and_size() -> None:
    spans = Spans()
    for index in range(500):
        spans.begin(str(index), None, "lm", {"model": "m" * 10_000})
        spans.end(str(index), None)
    text = written(spans, time.monotonic(), time.monotonic())
    found = json.loads(text)
    assert len(text) <= 32 * 1024
    assert 2 < len(found) <= 128
    assert all(span[1] < index for index, span in enumerate(found))
    assert max(len(span[5]["model"]) for span in found[2:]) == 200


def test_spans_of_many_threads_keep_their_parents() -> None:
    spans = Spans()
    spans.begin("root", None, "root", {})

    def work(name: str) -> None:
        spans.begin(name, "root", "outer", {})
        spans.begin(name + "i", name, "inner", {})
        spans.end(name + "i", None)
        spans.end(name, None)

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (root,) = [span for span in tree(json.loads(written(spans, 1.0, 1.0))) if span[0] == "run"]
    assert root == ["run", ["root", *[["outer", ["inner"]]] * 20]]


def test_a_span_that_has_not_ended_ends_with_the_call() -> None:
    spans = Spans()
    spans.begin("a", None, "lm", {})
    assert spans.finished()[0][3] >= 0


def traced_call(worker: Worker, function: str, trace: str, **inputs: Any) -> tuple[int, dict[str, Any]]:
    frame = worker.call(f"sample:{function}", inputs, **({"t": trace} if trace else {}))
    return frame.kind, frame.head


def test_results_and_errors_carry_spans_only_if_asked(worker: Worker) -> None:
    kind, meta = traced_call(worker, "same", TRACE, value=1)
    assert (kind, tree(meta["t"])) == (wire.RESULT, [["queue"], ["run"]])
    kind, meta = traced_call(worker, "fails_after", TRACE, count=1)
    assert (kind, tree(meta["t"]), meta["t"][1][4]) == (wire.ERROR, [["queue"], ["run"]], "ValueError")
    for trace in ("", UNSAMPLED):
        assert "t" not in traced_call(worker, "same", trace, value=1)[1]


def test_user_code_sees_the_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    CURRENT.set(types.SimpleNamespace(trace=TRACE))  # type: ignore[arg-type]
    assert host.traceparent() == TRACE
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    assert host.trace_context() is None
    name = "opentelemetry.trace.propagation.tracecontext"
    module = types.ModuleType(name)
    propagator = types.SimpleNamespace(extract=lambda carrier: ("context of", carrier["traceparent"]))
    module.TraceContextTextMapPropagator = lambda: propagator  # type: ignore[attr-defined]
    for parent in ("opentelemetry", "opentelemetry.trace", "opentelemetry.trace.propagation"):
        monkeypatch.setitem(sys.modules, parent, types.ModuleType(parent))
    monkeypatch.setitem(sys.modules, name, module)
    assert host.trace_context() == ("context of", TRACE)
    CURRENT.set(types.SimpleNamespace(trace=""))  # type: ignore[arg-type]
    assert host.trace_context() is None
