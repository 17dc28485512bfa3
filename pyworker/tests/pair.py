"""Two processes that run the same cases, one with DSPy patched and one with DSPy as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from host import PATH

HERE = os.path.dirname(os.path.abspath(__file__))


def start(switch: str = "", code: str = "") -> subprocess.Popen[str]:
    env = {
        **os.environ,
        "PYTHONPATH": ":".join([os.path.dirname(HERE), HERE, *PATH]),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "DSPOOL_DSPY_PATCHES": switch,
    }
    command = [sys.executable, "-c", code] if code else [sys.executable, os.path.join(HERE, "twin.py")]
    return subprocess.Popen(
        command, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


class Twins:
    """Two processes, one with patches and one without."""

    def __init__(self) -> None:
        self._both = [start(), start("off")]
        self.installed = [self._read(one) for one in self._both]

    def same(self, case: dict[str, Any]) -> Any:
        """Run a case in both, twice each, demand the same from both, and give it."""
        line = json.dumps({"times": 2, **case}) + "\n"
        for one in self._both:
            assert one.stdin is not None
            one.stdin.write(line)
            one.stdin.flush()
        patched, plain = (self._read(one) for one in self._both)
        assert patched == plain
        return plain

    def _read(self, one: subprocess.Popen[str]) -> Any:
        assert one.stdout is not None
        assert one.stderr is not None
        line = one.stdout.readline()
        assert line, one.stderr.read()
        return json.loads(line)

    def close(self) -> None:
        for one in self._both:
            one.kill()
            one.communicate()
