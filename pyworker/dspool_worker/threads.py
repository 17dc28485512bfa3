"""Threads for sync user code: contexts copied, results coalesced, and a way to stop what runs."""

from __future__ import annotations

import asyncio
import collections
import contextvars
import ctypes
import functools
import queue
import threading
from collections.abc import Callable
from typing import Any

_AGAIN_FIRST = 0.25
_AGAIN_LAST = 2.0

_raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc
_raise_in_thread.argtypes = (ctypes.c_ulong, ctypes.py_object)
_raise_in_thread.restype = ctypes.c_int
_clear_in_thread = ctypes.PyDLL(None).PyThreadState_SetAsyncExc
_clear_in_thread.argtypes = (ctypes.c_ulong, ctypes.c_void_p)
_clear_in_thread.restype = ctypes.c_int


class Interrupted(BaseException):
    """Raised inside user code in a thread when its call is cancelled."""


class Job:
    """One function that is to run in a thread. The thread owns value and error until finished."""

    __slots__ = ("claim", "context", "error", "finished", "function", "ident", "value", "waiter")

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function
        self.context = contextvars.copy_context()
        self.claim = threading.Lock()  # taken once: by the thread that runs the job or by who gives it up
        self.ident: int | None = None  # set while an exception may be raised in the thread
        self.value: Any = None
        self.error: BaseException | None = None
        self.finished = False
        self.waiter: asyncio.Future[None] | None = None


class Threads:
    """At most `limit` threads, made when needed. Used from the loop's thread only."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int, after: Callable[[], None]) -> None:
        self._loop = loop
        self._limit = max(1, limit)
        self._after = after
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._done: collections.deque[Job] = collections.deque()
        self._woken = False
        self._threads = 0
        self._pending = 0
        # Kept here because user code may replace asyncio's names.
        self._wake = loop.call_soon_threadsafe
        self._future = loop.create_future
        self._later = loop.call_later

    async def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run function in a thread and give its result.

        When this is cancelled, Interrupted is raised in the thread, and CancelledError comes
        out only after the function has stopped.
        """
        job = Job(functools.partial(function, *args, **kwargs))
        self._submit(job)
        cancelled: asyncio.CancelledError | None = None
        while not job.finished:
            job.waiter = self._future()
            try:
                await job.waiter
            except asyncio.CancelledError as exc:
                if cancelled is None:
                    self._interrupt(job, _AGAIN_FIRST)
                cancelled = exc
        if cancelled is not None:
            raise cancelled
        if job.error is not None:
            try:
                raise job.error
            finally:
                job.error = None
        return job.value

    def _submit(self, job: Job) -> None:
        self._pending += 1
        self._jobs.put(job)
        if self._pending > self._threads and self._threads < self._limit:
            self._threads += 1
            threading.Thread(target=self._main, name=f"dspool-{self._threads}", daemon=True).start()

    def _interrupt(self, job: Job, again: float) -> None:
        """Stop a job: at once if no thread has it yet, else by an exception until it lands."""
        if job.finished:
            return
        if job.claim.acquire(blocking=False):
            self._finish(job)
            return
        # No call between the test and the injection: the interpreter cannot switch threads there,
        # so the exception can only hit this job.
        ident, raise_, exception = job.ident, _raise_in_thread, Interrupted
        if job.ident is not None:
            raise_(ident, exception)
        self._later(again, self._interrupt, job, min(again * 2, _AGAIN_LAST))

    def _main(self) -> None:
        ident = threading.get_ident()
        while True:
            job = self._jobs.get()
            if job.claim.acquire(blocking=False):
                self._run(job, ident)
            del job

    def _run(self, job: Job, ident: int) -> None:
        try:
            _work(job, ident)
        except BaseException as exc:  # an interrupt that landed just outside the user's code
            job.error = job.error or exc
        while job.ident is not None:
            try:
                _leave(job, ident)
            except Interrupted:
                pass
        self._after()
        self._done.append(job)
        if not self._woken:
            self._woken = True
            self._wake(self._settle)

    def _settle(self) -> None:
        self._woken = False
        while self._done:
            self._finish(self._done.popleft())

    def _finish(self, job: Job) -> None:
        self._pending -= 1
        job.finished = True
        waiter = job.waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


def _work(job: Job, ident: int) -> None:
    try:
        job.ident = ident
        job.value = job.context.run(job.function)
    except BaseException as exc:
        job.error = exc


def _leave(job: Job, ident: int) -> None:
    """Close the window for interrupts, then drop one that is still on its way."""
    job.ident = None
    _clear_in_thread(ident, None)
