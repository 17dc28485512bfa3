"""The fork server: imports once, then forks a worker per order (docs/PROTOCOL.md, section 7).

It has one thread, no event loop and no socket but its control socket, so that a fork copies nothing
that two processes must not share.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
from typing import Any

import msgspec

from . import guard, output, preload, sandbox, worker
from .errors import printable
from .settings import Settings, ZygoteSettings

_PACKET_MAX = 64 * 1024
_DESCRIPTORS = ("socket", "stdout", "stderr", "ledger")


class Order(msgspec.Struct):
    """What the host asks of the fork server."""

    op: str
    order: int | str = 0
    settings: dict[str, Any] = {}


def run(control: int, text: str) -> int:
    """Serve fork orders until the host says stop or is gone; give the exit code."""
    settings = msgspec.json.decode(text, type=ZygoteSettings)
    isolation = sandbox.enter(settings.sandbox, settings.path)
    guard.die_with(os.getppid())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    output.prepare()
    sys.path[:0] = [folder for folder in settings.path if folder not in sys.path]
    os.set_inheritable(control, False)
    server = Zygote(socket.socket(fileno=control))
    loaded = preload.load(settings)
    loaded.isolation = isolation
    server.hello(loaded, settings.nonce)
    return server.serve()


class Zygote:
    """Forks, watches and reaps the workers of one host."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: set[int] = set()
        self._stopping = False
        self._gone = False
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def hello(self, loaded: preload.Loaded, nonce: str) -> None:
        """Freeze what is loaded, so that its memory stays shared, and tell the host."""
        gc.collect()
        gc.freeze()
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only wakes the loop
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        self._send(loaded.hello(nonce))

    def serve(self) -> int:
        """Take orders and report deaths, one after the other."""
        poll = select.poll()
        poll.register(self._control.fileno(), select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        while not self._gone and not (self._stopping and not self._children):
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self._wake_read in ready:
                self._drain_wakeups()
                self._reap()
            if self._control.fileno() in ready:
                self._take()
        for child in self._children:
            _kill_group(child)
        return 0

    def _take(self) -> None:
        try:
            packet, descriptors, _, _ = socket.recv_fds(
                self._control, _PACKET_MAX, len(_DESCRIPTORS), getattr(socket, "MSG_CMSG_CLOEXEC", 0)
            )
        except OSError:
            packet, descriptors = b"", []
        if not packet:
            self._gone = True
            return
        try:
            self._obey(packet, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _obey(self, packet: bytes, descriptors: list[int]) -> None:
        try:
            order = msgspec.json.decode(packet, type=Order)
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            self._refuse(0, f"malformed order: {exc}")
            return
        if order.op == "stop":
            self._stopping = True
        elif order.op != "fork":
            self._refuse(order.order, f"unknown order {order.op!r}")
        elif self._stopping:
            self._refuse(order.order, "the fork server is stopping")
        else:
            self._fork(order, descriptors)

    def _fork(self, order: Order, descriptors: list[int]) -> None:
        try:
            settings = _settings(order.settings, descriptors)
            parent = os.getpid()
            output.flush()
            pid = os.fork()
        except (msgspec.MsgspecError, ValueError, OSError) as exc:
            self._refuse(order.order, str(exc))
            return
        if pid == 0:
            self._become(settings, descriptors, parent)
        try:
            os.setpgid(pid, pid)
        except OSError:
            pass  # the child was faster, or is gone already
        self._children.add(pid)
        self._send({"ev": "forked", "order": order.order, "pid": pid})

    def _become(self, settings: Settings, descriptors: list[int], parent: int) -> None:
        """Be the new worker. Never returns."""
        code = 70
        try:
            os.setpgid(0, 0)
            guard.die_with(parent)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._control.close()
            os.close(self._wake_read)
            os.close(self._wake_write)
            os.dup2(descriptors[1], 1)
            os.dup2(descriptors[2], 2)
            os.close(descriptors[1])
            os.close(descriptors[2])
            gc.enable()
            code = worker.run(settings)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            output.flush()
        finally:
            os._exit(code)

    def _refuse(self, order: int | str, why: str) -> None:
        self._send({"ev": "refused", "order": order, "error": printable(why, 4096)})

    def _drain_wakeups(self) -> None:
        try:
            while os.read(self._wake_read, 4096):
                pass
        except BlockingIOError:
            pass

    def _reap(self) -> None:
        """Report every dead child, after its whole process group has been killed."""
        while True:
            try:
                dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if dead is None:
                return
            pid = dead.si_pid
            if pid in self._children:
                _kill_group(pid)  # while the zombie holds the pid: it cannot be anybody else's
            _, status, usage = os.wait4(pid, 0)
            if pid in self._children:
                self._children.discard(pid)
                self._send(_exited(pid, status, usage))

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._control.send(msgspec.json.encode(message))
        except OSError:
            self._gone = True


def _settings(given: dict[str, Any], descriptors: list[int]) -> Settings:
    if len(descriptors) < 3:
        raise ValueError(f"a fork order needs the descriptors {', '.join(_DESCRIPTORS)}; {len(descriptors)} came")
    ledger = descriptors[3] if len(descriptors) > 3 else -1
    return msgspec.convert({**given, "socket": descriptors[0], "ledger": ledger}, Settings)


def _exited(pid: int, status: int, usage: Any) -> dict[str, Any]:
    code = os.waitstatus_to_exitcode(status)
    scale = 1 if sys.platform != "darwin" else 1024
    return {
        "ev": "exited",
        "pid": pid,
        "code": max(code, -1),
        "signal": -code if code < 0 else 0,
        "maxrss_kb": usage.ru_maxrss // scale,
        "utime_us": int(usage.ru_utime * 1e6),
        "stime_us": int(usage.ru_stime * 1e6),
    }


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass  # nobody is left in it
