"""DSPy programs through a real worker, forked and spawned, over the protocol."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from definitions import TEXT, part, qa
from host import Frame, Peer, Worker, Zygote
from lmserver import LMServer, chat, lm_server_beside

from dspool_worker import wire


class Client:
    """Makes calls and answers the worker's questions for definitions."""

    def __init__(self, peer: Peer, lm: dict[str, Any]) -> None:
        self.peer = peer
        self.known: dict[tuple[str, str], Any] = {("lm", "L"): lm}
        self.last = 0

    def begin(self, definition: dict[str, Any], inputs: Any, **meta: Any) -> int:
        self.last += 1
        hash = json.dumps(definition)[:60]
        self.known["program", hash] = definition
        self.peer.send(wire.CALL, self.last, {"p": hash, "l": "L", **meta}, json.dumps(inputs).encode())
        return self.last

    def next(self) -> Frame:
        while (frame := self.peer.receive()).kind == wire.NEED:
            kind, hash = frame.head["k"], frame.head["h"]
            self.peer.send(wire.DEFINE, 0, {"k": kind, "h": hash}, json.dumps(self.known[kind, hash]).encode())
        return frame

    def call(self, definition: dict[str, Any], inputs: Any, **meta: Any) -> Frame:
        self.begin(definition, inputs, **meta)
        return self.next()


def reply(request: dict[str, Any]) -> Any:
    text = json.dumps(request["messages"])
    if "too much" in text:
        return 429, {"error": {"message": "slow down"}}, {"retry-after": "3"}
    whole = chat(reasoning="so", answer="the answer")
    return [whole[i : i + 4] for i in range(0, len(whole), 4)]


@pytest.fixture
def lm() -> Iterator[LMServer]:
    with lm_server_beside(reply) as made:
        yield made


@pytest.fixture(params=["forked", "spawned"])
def client(
    request: pytest.FixtureRequest,
    lm: LMServer,
    make_worker: Callable[..., Worker],
    make_zygote: Callable[..., Zygote],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Client]:
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    definition = {**lm.definition, "num_retries": 0}
    if request.param == "spawned":
        yield Client(make_worker(), definition)
        return
    zygote = make_zygote(warm=True)
    assert (zygote.hello["failed"], zygote.hello["unsafe"]) == ([], [])
    assert zygote.hello["dspy"].startswith("3.")
    _, peer = zygote.fork()
    peer.receive()
    yield Client(peer, definition)
    peer.sock.close()


def test_a_prediction_comes_back_with_usage(client: Client) -> None:
    frame = client.call(qa("chain_of_thought"), {"question": "q"})
    assert (frame.kind, frame.value) == (wire.RESULT, {"reasoning": "so", "answer": "the answer"})
    assert frame.head["u"] == {"openai/test": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}}


def test_a_stream_waits_for_credit(client: Client) -> None:
    id = client.begin(qa(), {"question": "q"}, s=1)
    first = client.next()
    assert (first.kind, first.head) == (wire.EVENT, {"k": "chunk"})
    assert client.peer.silent(0.2)
    client.peer.send(wire.CREDIT, id, {"n": 100})
    texts = [first.value["text"]]
    while (frame := client.next()).kind == wire.EVENT:
        texts.append(frame.value["text"])
    assert (frame.kind, frame.value) == (wire.RESULT, {"answer": "the answer"})
    assert "".join(texts) == "the answer"


def test_a_stream_that_waits_can_be_cancelled(client: Client) -> None:
    id = client.begin(qa(), {"question": "q"}, s=1)
    client.next()
    client.peer.send(wire.CANCEL, id, {"why": "canceled"})
    frame = client.next()
    assert (frame.kind, frame.value["code"]) == (wire.ERROR, "canceled")
    assert client.call(qa(), {"question": "q"}).kind == wire.RESULT


def test_bad_inputs_never_start_and_name_their_path(client: Client) -> None:
    fault = client.call(qa(), {"question": 5}).value
    assert (fault["code"], fault["started"]) == ("invalid_argument", "no")
    assert fault["message"].startswith("input.question: ")


def test_a_providers_refusal_comes_back_typed(client: Client) -> None:
    fault = client.call(qa(), {"question": "too much"}).value
    assert (fault["code"], fault["retry_after_ms"], fault["started"]) == ("lm_rate_limit", 3000, "yes")
    assert "sk-test-secret" not in json.dumps(fault)


def test_a_bad_definition_fails_its_calls_and_no_others(client: Client) -> None:
    bad = qa(outputs=[part("fields", TEXT)])
    fault = client.call(bad, {"question": "q"}).value
    assert (fault["code"], fault["started"]) == ("invalid_argument", "no")
    assert client.call(qa(), {"question": "q"}).kind == wire.RESULT


def test_a_users_module_is_found_on_the_path(client: Client) -> None:
    frame = client.call({"kind": "module", "ref": "modules:Needs"}, {"text": "x"})
    assert frame.value == {"answer": "the answer"}


def test_an_object_may_ask_the_language_model(client: Client) -> None:
    for number, method in enumerate(("ask", "ask_sync", "ask"), 1):
        definition = {"kind": "object", "method": method, "ref": "modules:Conversation"}
        frame = client.call(definition, {"question": "q"}, k="s", o="new")
        answers = json.dumps(["the answer"] * number, separators=(",", ":"))
        assert frame.body.decode() == answers * 2  # the result, and the snapshot
        assert (frame.head["d"], frame.head["u"]["openai/test"]["total_tokens"]) == (len(answers), 12)
    fault = client.call(
        {"kind": "object", "method": "ask", "ref": "modules:Conversation"}, {"question": "too much"}, k="s", o="live"
    )
    assert (fault.value["code"], fault.value["started"]) == ("lm_rate_limit", "yes")


def test_bytes_come_in_as_attachments(client: Client) -> None:
    definition = qa()
    definition["signature"]["inputs"].append(part("data", {"type": "string", "contentEncoding": "base64"}))
    client.last += 1
    client.known["program", "bytes"] = definition
    meta = {"p": "bytes", "l": "L", "a": [["data", 3]]}
    client.peer.send(wire.CALL, client.last, meta, b'{"question":"q"}\xff\x00\xff')
    assert client.next().value == {"answer": "the answer"}


def test_many_predictions_are_in_flight_at_once(client: Client) -> None:
    ids = {client.begin(qa(), {"question": str(n)}) for n in range(50)}
    while ids:
        frame = client.next()
        assert frame.kind == wire.RESULT, frame
        ids.remove(frame.id)
