"""A language model that has failed, and those that stand in for it: with a real worker, over the protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from definitions import qa
from host import Frame, Zygote
from lmserver import chat
from test_transport import Host, forked

from dspool_worker import wire


def model(name: str, *fallback: tuple[list[str], dict[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {"model": f"openai/{name}", "host": True, "host_id": f"id-{name}", "cache": False}
    return {**made, "fallback": [{"on": on, "lm": lm} for on, lm in fallback]}


SLOW = ["lm_timeout", "lm_server"]
CHAIN = model("a", (SLOW, model("b", (SLOW, model("c")))), (["lm_timeout", "lm_billing"], model("d")))


@pytest.fixture
def host(dspy_zygote: Zygote) -> Iterator[Host]:
    yield from forked(dspy_zygote, CHAIN)


def whom(asked: Frame) -> tuple[str, str, Any]:
    """Say which language model a request goes to, by id and by name, and in whose place."""
    assert asked.kind == wire.HOSTCALL
    return asked.head["x"][0], asked.value["model"], asked.head["x"][5] if len(asked.head["x"]) > 5 else None


def test_another_language_model_gets_the_same_messages(host: Host) -> None:
    first = host.ask(qa(), {"question": "q"})
    assert whom(first) == ("id-a", "a", None)
    second = host.fail(first, code="lm_timeout", message="slow")
    assert whom(second) == ("id-b", "b", ["id-a", "lm_timeout"])
    assert second.value["messages"] == first.value["messages"]
    result = host.answer(second, chat(answer="yes"))
    assert (result.kind, result.value, list(result.head["u"])) == (wire.RESULT, {"answer": "yes"}, ["openai/b"])


def test_a_providers_own_refusal_counts_as_much(host: Host) -> None:
    asked = host.ask(qa(), {"question": "q"})
    host.respond(asked, b'{"error": {"message": "down"}}', 503)
    assert whom(host.next()) == ("id-b", "b", ["id-a", "lm_server"])


def test_one_after_the_other_and_the_last_failure_is_told(host: Host) -> None:
    asked = host.ask(qa(), {"question": "q"})
    seen = [whom(asked)]
    for code in ("lm_timeout", "lm_server", "lm_auth"):
        asked = host.fail(asked, code=code, message=f"{seen[-1][1]} failed")
        seen.append(whom(asked))
    assert seen[1:] == [
        ("id-b", "b", ["id-a", "lm_timeout"]),
        ("id-c", "c", ["id-b", "lm_server"]),
        ("id-d", "d", ["id-a", "lm_timeout"]),
    ]
    fault = host.fail(asked, code="lm_server", message="d failed", details={"of": "d"}).value
    assert (fault["code"], fault["message"], fault["details"]) == ("lm_server", "d failed", {"of": "d"})


@pytest.mark.parametrize(
    ("code", "next"),
    [("lm_billing", "id-d"), ("lm_auth", None), ("deadline_exceeded", None), ("resource_exhausted", None)],
)
def test_only_the_failures_that_it_is_for(host: Host, code: str, next: str | None) -> None:
    answer = host.fail(host.ask(qa(), {"question": "q"}), code=code, message="no")
    if next is None:
        assert answer.value["code"] == code
    else:
        assert whom(answer)[0] == next


def test_an_answer_that_was_shown_is_not_asked_for_again(host: Host) -> None:
    asked = host.ask(qa(), {"question": "q"}, s=50)
    host.peer.send(wire.HOSTEVENT, asked.id, {"x": [200, [["content-type", "text/event-stream"]]]}, b"", flags=wire.RAW)
    text = chat(answer="the answer that is so long that some of it is shown at once, and then it ends early")[:-20]
    event = {"id": "1", "model": "a", "choices": [{"index": 0, "delta": {"content": text}}]}
    host.peer.send(wire.HOSTEVENT, asked.id, None, f"data: {json.dumps(event)}\n\n".encode(), flags=wire.RAW)
    assert host.next().kind == wire.EVENT
    frame = host.fail(asked, code="lm_timeout", message="slow")
    while frame.kind == wire.EVENT:
        frame = host.next()
    assert (frame.kind, frame.value["code"]) == (wire.ERROR, "lm_timeout")


def test_a_stream_of_which_nothing_was_shown_is(host: Host) -> None:
    asked = host.ask(qa(), {"question": "q"}, s=50)
    assert whom(host.fail(asked, code="lm_timeout", message="slow"))[0] == "id-b"


def test_modules_in_threads_and_copies_fall_back_too(host: Host) -> None:
    for ref in ("modules:SyncChain", "modules:Copies"):
        asked = host.ask({"kind": "module", "ref": ref}, {"topic": "t"})
        asked = host.fail(asked, code="lm_timeout", message="slow")
        assert whom(asked) == ("id-b", "b", ["id-a", "lm_timeout"])
        asked = host.answer(asked, chat(draft="d"))
        while asked.kind == wire.HOSTCALL:
            asked = host.answer(asked, chat(draft="d", summary="s"))
        assert asked.kind == wire.RESULT


def test_a_call_that_is_cancelled_asks_nobody_else(host: Host) -> None:
    asked = host.ask(qa(), {"question": "q"})
    host.peer.send(wire.CANCEL, host.last, {"why": "canceled"})
    frames = {frame.kind: frame for frame in (host.next(), host.next())}
    assert frames[wire.HOSTCANCEL].id == asked.id
    assert frames[wire.ERROR].value["code"] == "canceled"
