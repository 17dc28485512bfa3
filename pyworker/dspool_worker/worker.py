"""The life of one worker process, from its settings to its exit code."""

from __future__ import annotations

import asyncio
import atexit
import faulthandler
import os
import platform
import signal
import socket
import sys
from typing import Any

import msgspec

from . import output, wire
from .connection import Connection
from .guard import EXIT_VERSION, Guard
from .hostcalls import HostCalls
from .instances import Instances
from .ledger import Ledger
from .runtime import Runtime
from .sandbox import Isolation
from .server import Server
from .settings import Settings
from .threads import Threads

FEATURES = ("ledger", "streams", "cancel", "attachments", "hostcalls", "objects", "tenants")
_EXIT_TERMINATED = 128 + signal.SIGTERM


def parse(text: str) -> Settings:
    """Read the settings of a worker from JSON."""
    return msgspec.json.decode(text, type=Settings)


def run(settings: Settings, isolation: Isolation | None = None) -> int:
    """Serve until the host says that it is enough; give the exit code. Never returns to run user code."""
    output.prepare()
    faulthandler.enable(all_threads=False)
    sys.path[:0] = [folder for folder in settings.path if folder not in sys.path]
    sock = _adopt(settings.socket)
    loop = _new_loop(settings.loop)
    asyncio.set_event_loop(loop)
    worker = _Worker(settings, sock, loop, isolation)
    return worker.run()


class _Worker:
    def __init__(
        self, settings: Settings, sock: socket.socket, loop: asyncio.AbstractEventLoop, isolation: Isolation | None
    ) -> None:
        self._settings = settings
        self._isolation = isolation
        self._loop = loop
        self._guard = Guard(sock)
        self._connection = Connection(sock, loop, settings.frame_limit)
        self._code: int | None = None
        threads = Threads(loop, settings.threads, self._guard.check)
        runtime = Runtime(
            settings=settings,
            loop=loop,
            ledger=Ledger(settings.ledger, settings.slots),
            threads=threads,
            guard=self._guard,
            connection=self._connection,
            host=HostCalls(self._connection, loop),
            objects=Instances(loop, threads, settings.objects),
        )
        self._server = Server(runtime, self._end)

    def run(self) -> int:
        self._guard.start()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._loop.add_signal_handler(signal.SIGTERM, self._end, "terminated", _EXIT_TERMINATED)
        self._say_hello()
        while self._code is None:
            try:
                self._loop.run_forever()
            except (SystemExit, KeyboardInterrupt):
                continue  # from a task of the user's own; the call that awaits it hears of it
            except OSError:
                self._guard.check()  # the loop's own descriptors are gone
                raise
        self._finish()
        return self._code

    def _say_hello(self) -> None:
        low, high = self._settings.versions
        self._connection.start(self._server)
        hello = _hello(self._settings.nonce)
        if self._isolation is not None:
            hello["sandbox"] = self._isolation
        self._connection.send_frame(wire.HELLO, 0, b"", msgspec.json.encode(hello))
        if not low <= wire.VERSION <= high:
            self._end("", EXIT_VERSION)

    def _end(self, why: str, code: int) -> None:
        if self._code is not None:
            return
        self._code = code
        if why:
            self._connection.send_frame(wire.GOODBYE, 0, wire.encode_meta({"why": why}), b"")
        self._connection.flush()
        if code == 0 and not why:
            os._exit(0)  # the host is gone: nobody is left to finish anything for
        self._loop.stop()

    def _finish(self) -> None:
        self._connection.finish()
        if self._code == 0:
            atexit._run_exitfuncs()
        output.flush()


def _hello(nonce: str) -> dict[str, Any]:
    hello: dict[str, Any] = {
        "version": wire.VERSION,
        "pid": os.getpid(),
        "nonce": nonce,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "features": list(FEATURES),
    }
    dspy = sys.modules.get("dspy")
    if dspy is not None:
        hello["dspy"] = str(getattr(dspy, "__version__", ""))
    return hello


def _adopt(descriptor: int) -> socket.socket:
    os.set_inheritable(descriptor, False)
    return socket.socket(fileno=descriptor)


def _new_loop(kind: str) -> asyncio.AbstractEventLoop:
    if kind == "uvloop":
        try:
            import uvloop
        except ImportError:
            return asyncio.new_event_loop()
        loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        return loop
    return asyncio.new_event_loop()
