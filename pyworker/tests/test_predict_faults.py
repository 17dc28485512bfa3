"""How programs made of signatures fail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from definitions import TEXT, part, qa
from fakecall import bounded, fault_of, new_call, program, run
from lmserver import chat, lm_server


def test_constraints_are_enforced_on_answers() -> None:
    """DSPy returns 99."""
    outputs = [part("n", {"type": "integer", "maximum": 10})]

    async def work() -> None:
        async with lm_server(lambda _: chat(n=99)) as lm:
            fault = await fault_of(run(program(qa(outputs=outputs)), lm.definition, question="q"))
            assert fault.code == "output_invalid"
            assert fault.message.startswith("output.n: Input should be less than or equal to 10")
            assert "Constraints: less than or equal to: 10" in lm.prompt()

    bounded(work())


def test_an_unreadable_answer_names_the_field_and_shows_the_reply() -> None:
    outputs = [part("n", {"type": "integer"})]

    async def work() -> None:
        replies = [chat(n="many"), '{"n": "many"}']
        async with lm_server(lambda _: replies.pop(0)) as lm:
            fault = await fault_of(run(program(qa(outputs=outputs)), lm.definition, question="q"))
            assert fault.code == "output_invalid"
            assert fault.details is not None
            assert fault.details["path"] == "output.n"
            assert fault.message == (
                "output.n: the LM's answer does not fit: "
                "Input should be a valid integer, unable to parse string as an integer"
            )
            assert "many" in fault.details["reply"]
            assert len(lm.requests) == 2  # ChatAdapter tries once more in JSON

    bounded(work())


def test_an_answer_that_lacks_a_field_names_it() -> None:
    outputs = [part("a", TEXT), part("b", TEXT)]

    async def work() -> None:
        async with lm_server(lambda _: '{"a": "x"}') as lm:
            fault = await fault_of(run(program(qa(outputs=outputs, adapter="json")), lm.definition, question="q"))
            assert fault.code == "output_invalid"
            assert "output.b" in fault.message

    bounded(work())


def test_bad_inputs_are_refused_before_anything_starts() -> None:
    async def work() -> None:
        async with lm_server(lambda _: chat(answer="x")) as lm:
            call = new_call(lm.definition)
            fault = await fault_of(program(qa()).call({"question": 5}, call))
            assert fault.code == "invalid_argument"
            assert not call.started
            assert lm.requests == []

    bounded(work())


def test_without_an_lm_the_fault_says_what_to_do() -> None:
    async def work() -> None:
        fault = await fault_of(run(program(qa()), None, question="q"))
        assert fault.code == "lm_not_configured"
        assert "Config.LM" in fault.message

    bounded(work())


STATUS = [
    (401, "lm_auth"),
    (429, "lm_rate_limit"),
    (400, "lm_invalid_request"),
    (404, "lm_invalid_request"),
    (500, "lm_server"),
    (408, "lm_timeout"),
]


@pytest.mark.parametrize(("status", "code"), STATUS)
def test_a_providers_refusal_has_a_code_of_its_own_and_never_the_key(status: int, code: str) -> None:
    error = {"error": {"message": "bad key sk-test-secret, Bearer sk-test-secret", "type": "x", "code": "y"}}

    async def work() -> None:
        async with lm_server(lambda _: (status, error, {})) as lm:
            fault = await fault_of(run(program(qa()), {**lm.definition, "num_retries": 0}, question="q"))
            assert fault.code == code
            assert "sk-test-secret" not in json.dumps(fault.to_dict())
            assert len(lm.requests) == 1

    bounded(work())


def test_a_rate_limit_says_when_to_come_back() -> None:
    async def work() -> None:
        async with lm_server(lambda _: (429, {"error": {"message": "slow"}}, {"retry-after": "7"})) as lm:
            fault = await fault_of(run(program(qa()), {**lm.definition, "num_retries": 0}, question="q"))
            assert (fault.code, fault.retry_after_ms) == ("lm_rate_limit", 7000)

    bounded(work())


def test_failed_requests_are_repeated_as_often_as_the_definition_says() -> None:
    async def work() -> None:
        replies: list[Any] = [(503, {"error": {"message": "busy"}}, {"retry-after": "0"}), chat(answer="x")]
        async with lm_server(lambda _: replies.pop(0)) as lm:
            definition = {**lm.definition, "num_retries": 1}
            assert await run(program(qa()), definition, question="q") == {"answer": "x"}

    bounded(work())
