"""What makes forking unsafe: threads, sockets and loops that an import left behind."""

from __future__ import annotations

import os
import sys
import threading

_DESCRIPTORS = "/proc/self/fd"
_TASKS = "/proc/self/task"


class Baseline:
    """The state of this process before something was imported, to compare with later."""

    def __init__(self) -> None:
        self._threads = set(threading.enumerate())
        self._states = len(sys._current_frames())
        self._tasks = _count_tasks()
        self._descriptors = set(_descriptors())

    def reasons(self, who: str) -> list[str]:
        """Say what `who` left behind since the baseline; empty when forking is safe."""
        found = self._thread_reasons(who)
        found += [
            f"{who} left {target} open (descriptor {number})"
            for number, target in sorted(_descriptors().items())
            if number not in self._descriptors and _is_unsafe(target)
        ]
        if not found and _count_tasks() > self._tasks and not _native_threads_survive_fork(self._tasks):
            found.append(f"{who} left {_count_tasks() - self._tasks} native threads running")
        return found

    def _thread_reasons(self, who: str) -> list[str]:
        threads = [thread for thread in threading.enumerate() if thread not in self._threads]
        found = [f"{who} left the thread {thread.name!r} running" for thread in threads]
        if not found and len(sys._current_frames()) > self._states:
            found.append(f"{who} left a thread without a name running")
        return found


def _is_unsafe(target: str) -> bool:
    return target.startswith("socket:") or "eventpoll" in target or "kqueue" in target or "io_uring" in target


def _native_threads_survive_fork(before: int) -> bool:
    """Fork once for trial: libraries that prepare for forks (OpenBLAS) end their threads before it."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return _count_tasks() <= before


def _count_tasks() -> int:
    try:
        return len(os.listdir(_TASKS))
    except OSError:
        return 0  # not Linux: only Python's own threads are known


def _descriptors() -> dict[int, str]:
    found: dict[int, str] = {}
    try:
        names = os.listdir(_DESCRIPTORS)
    except OSError:
        return found
    for name in names:
        try:
            found[int(name)] = os.readlink(f"{_DESCRIPTORS}/{name}")
        except OSError:
            continue  # the descriptor of the listing itself
    return found
