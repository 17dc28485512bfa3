"""Gets what calls need before they can start: programs and LMs, asked for by hash."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from . import functions, probe, wire
from .answers import Answers
from .calls import Call
from .definitions import Definitions
from .encoding import decode
from .errors import Fault, to_fault
from .runtime import Runtime


class Catalog:
    """The definitions that this worker has, and the calls that wait for others."""

    def __init__(
        self, runtime: Runtime, answers: Answers, start: Callable[[Call], None], fail: Callable[[Call, Fault], None]
    ) -> None:
        self._runtime = runtime
        self._answers = answers
        self._start = start
        self._fail = fail
        self._programs = Definitions(runtime.settings.programs)
        self._lms = Definitions(runtime.settings.lms)
        self._task = asyncio.Task  # kept because user code may replace asyncio's names
        self._building: set[asyncio.Task[None]] = set()
        #: Gives the program of a hash, or None.
        self.program = self._programs.get

    def resolve(self, call: Call) -> None:
        """Start a call as soon as everything is here that it names."""
        hash, lm = call.meta.p, call.meta.l
        if call.program is None:
            call.program = self._programs.get(hash)
        if call.program is None:
            if self._programs.wait(hash, call):
                self._answers.need("program", hash)
            return
        if lm and call.lm is None:
            call.lm = self._lms.get(lm)
            if call.lm is None:
                if self._lms.wait(lm, call):
                    self._answers.need("lm", lm)
                return
        self._start(call)

    def drop(self, call: Call) -> bool:
        """Let a call wait no longer; True if it did."""
        return self._programs.drop(call) or self._lms.drop(call)

    def define(self, meta: wire.DefineMeta, body: Any) -> None:
        """Take a definition, or word that the host has none. One that nobody waits for is dropped."""
        table = {"program": self._programs, "lm": self._lms}.get(meta.k)
        if table is None:
            raise ValueError(f"DEFINE of unknown kind {meta.k!r}")
        if not table.expects(meta.h):
            return
        if meta.missing:
            self._fail_all(table.waiters(meta.h), Fault("not_found", f"the host has no {meta.k} {meta.h}"))
            return
        task = self._task(self._install(meta.k, meta.h, bytes(body), table), loop=self._runtime.loop)
        self._building.add(task)
        task.add_done_callback(self._building.discard)

    async def _install(self, kind: str, hash: str, body: bytes, table: Definitions) -> None:
        """Build what was defined, off the loop: imports take their time."""
        try:
            entry = decode(body)
            if not isinstance(entry, dict):
                raise Fault("invalid_argument", f"the definition of {kind} {hash} is not a JSON object")
            if kind == "program":
                entry = probe.build(entry) or await self._build(hash, entry)
        except BaseException as exc:
            self._fail_all(table.waiters(hash), to_fault(exc))
            return
        table.put(hash, entry)
        for call in table.waiters(hash):
            if kind == "program":
                call.program = entry
            else:
                call.lm = entry
            self.resolve(call)
        self._runtime.connection.flush_soon()

    async def _build(self, hash: str, definition: dict[str, Any]) -> Any:
        self._programs.begin(hash, _imports(definition))
        return await self._runtime.threads.run(build, definition, self._runtime)

    def _fail_all(self, calls: list[Call], fault: Fault) -> None:
        for call in calls:
            self._fail(call, fault)


def build(definition: dict[str, Any], runtime: Runtime) -> Any:
    """Make the program of a definition. Imports user code; call it in a thread."""
    if definition.get("kind") == "func":
        return functions.build(definition)
    from . import programs  # imports dspy: only for those who need it

    return programs.build(definition, runtime)


def _imports(definition: dict[str, Any]) -> bool:
    """Tell whether building this program will run a module of the user's for the first time."""
    ref = definition.get("ref")
    return isinstance(ref, str) and ref.partition(":")[0] not in sys.modules
