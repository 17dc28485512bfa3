"""What the fork server imports and touches before it forks."""

from __future__ import annotations

import dataclasses
import gc
import importlib
import os
import platform
import sys
import time
from collections.abc import Callable
from typing import Any

from . import wire
from .errors import printable, user_traceback
from .forksafety import Baseline
from .sandbox import Isolation
from .settings import ZygoteSettings

_ERRORS_MAX = 20
_ERROR_SIZE = 2000


@dataclasses.dataclass
class Loaded:
    """The outcome of preloading."""

    import_us: int = 0
    unsafe: list[str] = dataclasses.field(default_factory=list)
    failed: list[dict[str, str]] = dataclasses.field(default_factory=list)
    isolation: Isolation | None = None

    def hello(self, nonce: str) -> dict[str, Any]:
        """Give the fork server's first message."""
        hello: dict[str, Any] = {
            "ev": "hello",
            "version": wire.VERSION,
            "pid": os.getpid(),
            "nonce": nonce,
            "python": platform.python_version(),
            "import_us": self.import_us,
            "unsafe": [printable(reason, 500) for reason in self.unsafe[:_ERRORS_MAX]],
            "failed": self.failed[:_ERRORS_MAX],
        }
        if "dspy" in sys.modules:
            hello["dspy"] = str(getattr(sys.modules["dspy"], "__version__", ""))
        if self.isolation is not None:
            hello["sandbox"] = self.isolation
        return hello


def load(settings: ZygoteSettings) -> Loaded:
    """Import what the host named. Failures are noted, never raised."""
    loaded = Loaded()
    began = time.monotonic()
    gc.disable()
    if settings.warm:
        _step(loaded, "dspy", _warm)
    if settings.litellm:
        _step(loaded, "litellm", _litellm)
    for module in settings.preload:
        _step(loaded, module, lambda module=module: importlib.import_module(module))  # type: ignore[misc]
    # What a worker needs for its first call, besides dspy.
    for module in ("asyncio", "uvloop", "pydantic", "dspool_worker.functions", "dspool_worker.coerce"):
        _import_quietly(module)
    loaded.import_us = int((time.monotonic() - began) * 1e6)
    return loaded


def _warm() -> None:
    from . import warmup

    problems = warmup.touch()
    if problems:
        raise RuntimeError("; ".join(problems))


def _litellm() -> None:
    from . import warmup

    warmup.touch_litellm()


def _step(loaded: Loaded, name: str, action: Callable[[], object]) -> None:
    before = Baseline()
    try:
        action()
    except BaseException as exc:
        frames = user_traceback(exc)
        error = f"{type(exc).__name__}: {exc}" + (f"\n{frames}" if frames else "")
        loaded.failed.append({"module": name, "error": printable(error, _ERROR_SIZE)})
    loaded.unsafe += before.reasons(name)


def _import_quietly(module: str) -> None:
    try:
        importlib.import_module(module)
    except ImportError:
        pass  # optional here; who needs it says so
