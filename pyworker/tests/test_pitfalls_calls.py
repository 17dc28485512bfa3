"""Pitfalls of DSPy for many tenants in one process: settings, limits, threads, and what is kept quiet.

See test_pitfalls_data.py. The numbers are those of docs/PITFALLS.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import dspy
import pytest
from definitions import part, qa
from fakecall import bounded, fault_of, program, run
from host import PACKAGE, Worker
from lmserver import chat, lm_server
from test_pitfalls_data import both, found, plain_lm

from dspool_worker import lms, wire
from dspool_worker.hostlm import HostLM


def plain_process(code: str, folder: pathlib.Path) -> str:
    """Run plain DSPy in a process of its own and give what it writes to standard output."""
    env = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "DSPY_CACHEDIR": str(folder), "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout


CONFIGURE = """
import asyncio, dspy
async def one(name):
    dspy.configure(lm=dspy.utils.DummyLM([{"answer": name}] * 3))
    return (await dspy.Predict("question -> answer").acall(question="q")).answer
async def main():
    print(await asyncio.gather(*(asyncio.create_task(one(n)) for n in "ab"), return_exceptions=True))
asyncio.run(main())
"""


@both
def test_07_settings_of_one_call_are_the_processs(way: str, tmp_path: pathlib.Path) -> None:
    async def work() -> None:
        async with lm_server(lambda _: chat(answer="a")) as one, lm_server(lambda _: chat(answer="b")) as two:
            made = program(qa())
            got = await asyncio.gather(*(run(made, s.definition, question="q") for s in (one, two, one)))
            found(way, [answer["answer"] for answer in got] != ["a", "b", "a"])

    if way == "plain":
        found(way, "RuntimeError" in plain_process(CONFIGURE, tmp_path))
    else:
        bounded(work())


@both
def test_08_a_missing_key_becomes_the_processs_own(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-worker")

    async def work() -> None:
        async with lm_server(lambda _: chat(answer="x")) as server:
            sent: list[Any] = server.headers
            lm: Any = dspy.LM("openai/test", api_base=server.url, cache=False)
            if way == "ours":
                lm = HostLM("id", server.url, (), model="openai/test", cache=False, num_retries=0)
                sent = record_host(monkeypatch)
            with dspy.context(lm=lm), contextlib.suppress(dspy.LMError):
                await dspy.Predict("question -> answer").acall(question="q")
            assert sent
            found(way, "sk-of-the-worker" in str(sent))

    bounded(work())


def record_host(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Write down what the worker would send the host."""
    from dspool_worker import transport

    sent: list[Any] = []

    def nobody(_: Any, request: Any) -> Any:
        sent.append((request.url, list(request.headers), request.body))
        raise ConnectionError("nobody answers here")

    monkeypatch.setattr(transport.AsyncTransport, "stream", nobody)
    return sent


@both
def test_09_clients_that_are_never_closed(way: str) -> None:
    async def work() -> None:
        async with lm_server(lambda _: chat(answer="x")) as server:
            if way == "plain":
                lm = plain_lm(server)
                with dspy.context(lm=lm):
                    for n in range(6):
                        await dspy.Predict("question -> answer").acall(question="q", config={"api_key": f"key-{n}"})
                found(way, len(lm._engine_store) > 2)
                await lm.aclose()
                return
            kept = lms.Lms(2)
            for n in range(6):
                async with kept.use(f"hash-{n}", {**server.definition, "api_key": f"key-{n}"}, lambda: None) as model:
                    await model.lm.acall("q")
            while kept._closing:
                await asyncio.gather(*kept._closing)
            found(way, len(kept._models) > 2 or server.open > 2)
            await kept.aclose()

    bounded(work())


@both
def test_10_a_provider_that_says_come_back_tomorrow(way: str) -> None:
    """For LMs that the host asks it keeps the budget itself; here DSPy must not wait."""
    limited = (429, {"error": {"message": "slow down"}}, {"retry-after": "86400"})

    async def work() -> None:
        async with lm_server(lambda _: limited) as server:
            lm: Any = plain_lm(server)
            if way == "ours":
                lm = HostLM("id", server.url, (), model="openai/test", cache=False, num_retries=0)
            found(way, lm.num_retries > 0)
            if way == "plain":
                with dspy.context(lm=lm), pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(dspy.Predict("question -> answer").acall(question="q"), 1)

    bounded(work())


NOISY = """
import dspy
p = dspy.BestOfN(dspy.Predict("question -> answer"), N=2, reward_fn=lambda *_: 1 / 0, threshold=1, fail_count=9)
with dspy.context(lm=dspy.utils.DummyLM([{"answer": "x"}] * 9)): p(question="q")
"""


@both
def test_11_noise_on_standard_output(way: str, tmp_path: pathlib.Path, make_worker: Callable[..., Worker]) -> None:
    if way == "plain":
        found(way, "BestOfN: Attempt" in plain_process(NOISY, tmp_path))
        return
    worker = make_worker()
    assert worker.result("builtins:print", {"end": "frames?"}) is None
    frame = worker.call("builtins:print", {"end": "\n"})
    found(way, frame.kind != wire.RESULT)


@both
@pytest.mark.parametrize("side", ["inputs", "outputs"])
def test_12_constraints_that_nobody_checks(way: str, side: str) -> None:
    number = {"type": "integer", "maximum": 10}

    async def work() -> None:
        async with lm_server(lambda _: chat(n=99)) as server:
            given = 99 if side == "inputs" else 1
            if way == "plain":
                fields = {"q": (int, dspy.InputField(le=10)), "n": (int, dspy.OutputField(le=10))}
                with dspy.context(lm=plain_lm(server)):
                    answer = await dspy.Predict(dspy.make_signature(fields, "Count.")).acall(q=given)
                assert answer.n == 99
                return
            signature = {"inputs": [part("q", number)], "outputs": [part("n", number)]}
            fault = await fault_of(
                run(program({"kind": "predict", "signature": signature}), server.definition, q=given)
            )
            assert fault.code == ("invalid_argument" if side == "inputs" else "output_invalid")
            assert len(server.requests) == (0 if side == "inputs" else 1)

    bounded(work())


ACTING = """
import asyncio, sys, time
sys.path.insert(0, {folder!r})
from programs.pitfalls import Acting
async def late():
    began = time.monotonic()
    await asyncio.sleep(0.01)
    return time.monotonic() - began
async def main():
    print((await asyncio.gather(late(), Acting().acall()))[0] > 0.2)
asyncio.run(main())
"""


@both
def test_13_sync_tools_that_stop_everybody(way: str, tmp_path: pathlib.Path) -> None:
    async def late() -> float:
        began = time.monotonic()
        await asyncio.sleep(0.01)
        return time.monotonic() - began

    async def work() -> None:
        made = program({"kind": "module", "ref": "programs.pitfalls:Acting"})
        lag, answer = await asyncio.gather(late(), run(made, None))
        assert answer == {"answer": "rested"}
        found(way, lag > 0.2)

    if way == "plain":
        found(way, plain_process(ACTING.format(folder=str(PACKAGE / "tests")), tmp_path) == "True\n")
    else:
        bounded(work())
