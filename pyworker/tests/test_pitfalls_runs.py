"""Pitfalls of DSPy for many tenants in one process: threads, what calls share, and what is kept quiet.

See test_pitfalls_data.py. The numbers are those of docs/PITFALLS.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import re
import time
import warnings
from collections.abc import Callable
from typing import cast

import dspy
from definitions import qa
from fakecall import bounded, fault_of, new_call, program, run
from host import PACKAGE, Worker
from lmserver import LMServer, chat, lm_server
from test_cancel import begun
from test_pitfalls_calls import plain_process
from test_pitfalls_data import both, found, plain_lm

from dspool_worker import lms, wire
from dspool_worker.calls import Call


@both
def test_14_threads_that_run_on(way: str, make_worker: Callable[..., Worker]) -> None:
    if way == "plain":
        over: list[bool] = []

        def slow() -> None:
            time.sleep(0.3)
            over.append(True)

        async def work() -> None:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(dspy.asyncify(slow)(), 0.05)
            found(way, not over)
            await asyncio.sleep(0.4)
            assert over  # it went on, and nobody knew

        bounded(work())
        return
    worker = make_worker()
    id = begun(worker, "sample:spin")
    worker.send(wire.CANCEL, id, {"why": "canceled"})
    frame = worker.next()
    found(way, frame.value.get("code") != "canceled")


@both
def test_15_failures_of_one_caller_use_up_anothers_tries(way: str) -> None:
    async def work() -> None:
        async with lm_server(lambda _: chat(answer="x")) as server:
            if way == "plain":
                from programs.pitfalls import Trying

                shared = Trying()
                with dspy.context(lm=plain_lm(server), trace=[]):
                    left = [(await asyncio.to_thread(shared, question="q"))["left"] for _ in range(2)]
            else:
                made = program({"kind": "module", "ref": "programs.pitfalls:Trying"})
                left = [(await run(made, server.definition, question="q"))["left"] for _ in range(2)]
            found(way, left[0] != left[1])

    bounded(work())


@both
def test_16_tenants_share_one_clients_connections(way: str) -> None:
    async def work() -> None:
        async with lm_server(lambda _: chat(answer="x")) as server:
            if way == "plain":
                lm = plain_lm(server)
                engines = []
                for _ in ("one", "two"):
                    await lm.acall("q")
                    engines.append(next(iter(lm._engine_store.values())))
                await lm.aclose()
            else:
                kept = lms.Lms(4)
                engines = []
                for tenant in ("one", "two"):
                    async with kept.use("hash", server.definition, lambda: None, tenant) as model:
                        await model.lm.acall("q")
                        engines.append(next(iter(model.lm._engine_store.values())))
                await kept.aclose()
            found(way, engines[0] is engines[1])

    bounded(work())


@both
def test_17_a_cache_on_disk_of_pickles(way: str, tmp_path: pathlib.Path) -> None:
    ours = ""
    code = "import dspy, os; dspy.cache; print(dspy.cache.enable_disk_cache, len(os.listdir('/proc/self/fd')) > 40)"
    if way == "ours":
        ours = (
            f"import sys; sys.path.insert(0, {str(PACKAGE)!r})\nfrom dspool_worker import lms\nlms._prepare_cache()\n"
        )
    found(way, plain_process(ours + code, tmp_path).split() != ["False", "False"])


@both
def test_19_failures_that_nobody_hears_of(way: str) -> None:
    async def work() -> None:
        async with lm_server(lambda _: (500, {"error": {"message": "broken"}}, {})) as server:
            if way == "plain":
                lm = plain_lm(server, num_retries=0)
                pairs = [(dspy.Predict("question -> answer"), {"question": "q"})]
                with dspy.context(lm=lm):
                    results = await asyncio.to_thread(dspy.Parallel(num_threads=1, disable_progress_bar=True), pairs)
                found(way, results == [None])
                return
            fault = await fault_of(run(program(qa()), {**server.definition, "num_retries": 0}, question="q"))
            found(way, fault.code != "lm_server")

    bounded(work())


@both
def test_20_what_is_about_to_go(way: str) -> None:
    async def work(server: LMServer) -> None:
        if way == "plain":
            await plain_lm(server).acall(messages=[{"role": "user", "content": "q"}])
        else:
            await program(qa()).call({"question": "q"}, cast(Call, new_call(server.definition)))

    async def both_ends() -> None:
        async with lm_server(lambda _: chat(answer="x")) as server:
            await work(server)

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        bounded(both_ends())
    found(way, [one for one in told if issubclass(one.category, DeprecationWarning) and "3.5" in str(one.message)])


def test_20_the_version_is_pinned() -> None:
    lock = (PACKAGE / "requirements.lock").read_text()
    assert re.search(r"^dspy==3\.4\.\d+", lock, re.MULTILINE)
