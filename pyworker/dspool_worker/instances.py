"""The objects that live in this worker, by session and class."""

from __future__ import annotations

import asyncio
import inspect
import sys
from typing import Any, TypeAlias

from .calls import Call
from .errors import Fault, to_fault
from .functions import Function
from .threads import Threads

#: A tenant and its session: tenants do not share sessions.
Session: TypeAlias = tuple[str, str]


class Instance:
    """One object of a session, from the first call for it on."""

    def __init__(self, session: Session, ref: str) -> None:
        self.session = session
        self.ref = ref
        self.target: Any = None
        self.made = False  # target is there
        self.lock = asyncio.Lock()  # held while it is made
        self.methods: dict[str, Function] = {}
        self.calls = 0  # that have succeeded


class Instances:
    """The table of one worker. Used from the loop's thread only."""

    def __init__(self, loop: asyncio.AbstractEventLoop, threads: Threads, limit: int) -> None:
        self._loop = loop
        self._threads = threads
        self._limit = limit
        self._sessions: dict[Session, dict[str, Instance]] = {}
        self._count = 0
        self._task = asyncio.Task  # kept because user code may replace asyncio's names
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def idle(self) -> bool:
        """Whether there is nothing to close, and nothing being closed."""
        return not self._count and not self._closing

    def enter(self, call: Call, ref: str) -> Instance:
        """Give the instance that a call is for, one that is still to be made if the call allows it."""
        session = (call.meta.w, call.meta.k)
        if not call.meta.o:
            raise Fault("protocol", "a call of an object does not say what is known of it", started="no")
        found = self._sessions.get(session, {}).get(ref)
        if found is not None and (found.made or call.meta.o != "live"):
            return found
        if call.meta.o == "live":
            raise Fault("session_lost", f"this worker has no {ref} for the session", started="no")
        if self._count >= self._limit:
            why = (
                f"the worker keeps {self._count} objects, which is its limit: end sessions, or raise Objects.PerWorker"
            )
            raise Fault("resource_exhausted", why, started="no")
        added = Instance(session, ref)
        self._keep(added)
        return added

    def settle(self, instance: Instance) -> None:
        """Forget an instance that could not be made, unless another call is making it."""
        here = self._sessions.get(instance.session, {})
        known = here.get(instance.ref) is instance
        if instance.made and instance.ref not in here:
            self._keep(instance)  # another call had failed to make it
        elif known and not instance.made and not instance.lock.locked():
            del here[instance.ref]
            self._count -= 1
            if not here:
                del self._sessions[instance.session]

    def _keep(self, instance: Instance) -> None:
        self._sessions.setdefault(instance.session, {})[instance.ref] = instance
        self._count += 1

    def release(self, session: Session) -> None:
        """End a session: its objects are gone from now on, and are closed."""
        for instance in self._sessions.pop(session, {}).values():
            self._count -= 1
            if instance.made:
                task = self._task(self._close(instance), loop=self._loop)
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """End every session and wait until all objects are closed."""
        for session in list(self._sessions):
            self.release(session)
        while self._closing:
            await asyncio.wait(self._closing)

    async def _close(self, instance: Instance) -> None:
        close = getattr(instance.target, "aclose", None) or getattr(instance.target, "close", None)
        if not callable(close):
            return
        try:
            answer = close() if inspect.iscoroutinefunction(close) else await self._threads.run(close)
            if inspect.isawaitable(answer):
                await answer
        except BaseException as exc:  # nobody is left to tell but the log
            sys.stderr.write(f"dspool: closing {instance.ref} failed: {to_fault(exc).message}\n")
