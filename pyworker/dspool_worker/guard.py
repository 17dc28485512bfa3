"""The worker's own end: when the host is gone, in a child that user code forked, without its socket."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import sys
import threading

from . import output

EXIT_VERSION = 65
EXIT_DESCRIPTOR_LOST = 70

_PR_SET_PDEATHSIG = 1
_CHECK_SECONDS = 1.0


def die_with(parent: int) -> None:
    """Ask the kernel to kill this process when the thread that made it ends; Linux only.

    parent is the expected parent: if it is gone already, no signal would ever come.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


class Guard:
    """Watches over one worker's socket and over what becomes of the process."""

    def __init__(self, sock: socket.socket) -> None:
        self._descriptor = sock.fileno()
        self._identity = _identity(self._descriptor)
        #: True in a process that user code made by fork: it must never answer.
        self.forked = False
        self._pid = os.getpid()

    def start(self) -> None:
        """Watch for the host's end in a thread of its own, and for forks."""
        os.register_at_fork(after_in_child=self._on_fork)
        threading.Thread(target=self._watch, name="dspool-guard", daemon=True).start()

    def check(self) -> None:
        """End the process if it is a stray child or if its socket was closed under it."""
        if self.forked:
            _end_child()
        if _identity(self._descriptor) != self._identity:
            self.lost()

    def lost(self) -> None:
        """End the process because user code closed the protocol's descriptor."""
        _say(f"dspool: user code closed descriptor {self._descriptor}, which it does not own; the worker ends")
        os._exit(EXIT_DESCRIPTOR_LOST)

    def _on_fork(self) -> None:
        if self.forked:
            return
        self.forked = True
        die_with(self._pid)
        try:
            null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
            os.dup2(null, self._descriptor, inheritable=False)
            os.close(null)
        except OSError:
            pass

    def _watch(self) -> None:
        poll = select.poll()
        hangup = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR | select.POLLNVAL
        poll.register(self._descriptor, hangup)
        while True:
            if any(event & ~select.POLLNVAL for _, event in poll.poll(_CHECK_SECONDS * 1000)):
                os._exit(0)
            self.check()


def _end_child() -> None:
    output.flush()
    os._exit(0)


def _identity(descriptor: int) -> tuple[int, int]:
    try:
        found = os.fstat(descriptor)
    except OSError:
        return (-1, -1)
    return (found.st_dev, found.st_ino)


def _say(text: str) -> None:
    try:
        os.write(2, text.encode() + b"\n")
    except OSError:
        pass
