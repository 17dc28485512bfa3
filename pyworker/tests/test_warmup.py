"""What the fork server does beforehand: complete, clean, and worth it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

PROBE = """
import json, os, sys, threading
def descriptors(): return sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else []
import inspect, gc
stack, before = inspect.stack, descriptors()
from dspool_worker import warmup
problems = warmup.touch()
print(json.dumps({
    "problems": problems, "threads": threading.active_count(), "descriptors": descriptors() == before,
    "stack": inspect.stack is stack, "gc": gc.isenabled(), "litellm": "litellm" in sys.modules,
    "prices": sys.modules["dspy.clients.model_metadata"]._data is not None,
}))
"""


def probe(code: str, **more: str) -> list[Any]:
    here = os.path.dirname(os.path.abspath(__file__))
    env = {
        **os.environ,
        "PYTHONPATH": f"{os.path.dirname(here)}:{here}",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        **more,
    }
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_everything_is_rehearsed_and_nothing_is_left_behind() -> None:
    (found,) = probe(PROBE)
    assert found == {
        "problems": [], "threads": 1, "descriptors": True, "stack": True, "gc": True, "litellm": False, "prices": True,
    }  # fmt: skip


LITELLM = """
import json, os, sys, threading
from dspool_worker import preload, settings, warmup
loaded = preload.load(settings.ZygoteSettings(litellm=True))
print(json.dumps({
    "unsafe": loaded.unsafe, "failed": loaded.failed, "threads": threading.active_count(),
    "there": "litellm" in sys.modules,
    "late": [name for name in warmup._LITELLM_LATE if name not in sys.modules],
}))
"""


def test_litellm_is_imported_where_it_is_wanted_and_leaves_forking_safe() -> None:
    (found,) = probe(LITELLM)
    assert found == {"unsafe": [], "failed": [], "threads": 1, "there": True, "late": []}


FIRST = """
import asyncio, json, sys
from dspool_worker import warmup
warmup.touch()
from fakecall import program, run
from lmserver import chat, lm_server
import definitions
ours = set(sys.modules)
async def work():
    async with lm_server(lambda _: chat(answer="x", reasoning="r")) as lm:
        for kind in ("predict", "chain_of_thought"):
            await run(program(definitions.qa(kind)), lm.definition, question="q")
asyncio.run(work())
print(json.dumps(sorted(set(sys.modules) - ours)))
"""


def test_a_first_prediction_imports_nothing_more() -> None:
    (late,) = probe(FIRST)
    assert late == []


def test_the_import_can_be_plain() -> None:
    code = "import json; from dspool_worker import warmup; print(json.dumps(warmup.import_dspy().__name__))"
    assert probe(code, DSPOOL_PLAIN_IMPORT="1") == ["dspy"]


def test_missing_packages_are_still_explained_as_dspy_does() -> None:
    code = """
import json
from dspool_worker import warmup
dspy = warmup.import_dspy()
from dspy.utils.lazy_import import require
missing = require("no_such_package_at_all", feature="this test")
try:
    missing.anything
except ImportError as exc:
    print(json.dumps(str(exc)))
"""
    (message,) = probe(code)
    assert "no_such_package_at_all is required to use this test" in message
    assert "missing = require" not in message or "line" in message


def test_prices_are_never_fetched() -> None:
    code = """
import json, socket
def refuse(*args, **kwargs): raise AssertionError("network")
socket.socket.connect = refuse
from dspool_worker import warmup
print(json.dumps(warmup.touch()))
"""
    assert probe(code, LITELLM_LOCAL_MODEL_COST_MAP="") == [[]]


@pytest.mark.parametrize("broken", ["_load_prices", "_rehearse"])
def test_a_step_that_fails_is_told_and_stops_nothing(broken: str) -> None:
    code = f"""
import json
from dspool_worker import warmup
def fail(): raise RuntimeError("no")
warmup.{broken} = fail
print(json.dumps(warmup.touch()))
"""
    assert probe(code) == [["RuntimeError: no"]]
