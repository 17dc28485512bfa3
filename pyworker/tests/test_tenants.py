"""Tenants in one worker: sessions, objects and kept answers of one are not another's."""

from __future__ import annotations

import asyncio
import types
from typing import Any, cast

import pytest
from definitions import qa
from fakecall import bounded, new_call, program
from host import Worker
from lmserver import chat, lm_server
from test_objects import fault, value

from dspool_worker import host, wire
from dspool_worker.calls import CURRENT, Call


def test_the_same_session_of_two_tenants_is_two(worker: Worker) -> None:
    for count in (1, 2):
        for tenant in ({}, {"w": "acme"}, {"w": "other"}):
            assert value(worker, "add", **tenant) == count, tenant
    worker.send(wire.RELEASE, 0, {"w": "acme", "k": "s"})
    assert fault(worker, "add", knows="live", w="acme")[0] == "session_lost"
    assert [value(worker, "add", knows="live", **tenant) for tenant in ({}, {"w": "other"})] == [3, 3]


def test_user_code_sees_the_tenant() -> None:
    CURRENT.set(types.SimpleNamespace(tenant="acme"))  # type: ignore[arg-type]
    assert host.tenant() == "acme"


@pytest.mark.parametrize("options", [{}, {"rollout_id": 7}])
def test_kept_answers_are_a_tenants_own_even_with_the_same_key(options: dict[str, Any]) -> None:
    """An LM that the worker asks itself, with a cache in the worker."""

    async def work() -> None:
        async with lm_server(lambda _: chat(answer=f"number {len(lm.requests)}")) as lm:
            made = program(qa(options=options))
            definition = {**lm.definition, "cache": True}
            answers: dict[str, list[str]] = {}
            for _ in range(2):
                for tenant in ("", "acme", "other"):
                    call = new_call(definition)
                    call.tenant = tenant
                    result = await made.call({"question": "same"}, cast(Call, call))
                    answers.setdefault(tenant, []).append(result.value["answer"])
            assert len(lm.requests) == 3
            assert [set(own) for own in answers.values()] == [{"number 1"}, {"number 2"}, {"number 3"}]

    bounded(work())


def test_calls_of_tenants_at_once_use_lms_of_their_own() -> None:
    async def work() -> None:
        async with lm_server(lambda _: chat(answer="x")) as lm:
            made = program(qa())
            calls = [new_call({**lm.definition, "api_key": f"key-of-tenant-{number}"}) for number in range(8)]
            for number, call in enumerate(calls):
                call.tenant = f"tenant-{number}"
            await asyncio.gather(*(
                made.call({"question": f"of {number}"}, cast(Call, call)) for number, call in enumerate(calls)
            ))  # fmt: skip
            for request, headers in zip(lm.requests, lm.headers, strict=True):
                owner = headers["authorization"].rsplit("-", 1)[1]
                assert f"of {owner}" in request["messages"][-1]["content"]

    bounded(work())
