"""The one error of a worker, and how foreign exceptions become one."""

from __future__ import annotations

import linecache
import os
import sysconfig
import traceback
from typing import Any

from .scrub import scrubbed

MESSAGE_LIMIT = 8 * 1024
TRACEBACK_LINES = 20

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_STDLIB = tuple(path + os.sep for name in ("stdlib", "platstdlib") if (path := sysconfig.get_path(name)))

# DSPy's exception classes by name: this module must not import dspy.
_DSPY_CODES = {
    "LMAuthError": "lm_auth",
    "LMBillingError": "lm_billing",
    "LMRateLimitError": "lm_rate_limit",
    "LMTimeoutError": "lm_timeout",
    "LMServerError": "lm_server",
    "LMTransportError": "lm_transport",
    "ContextWindowExceededError": "lm_context_window",
    "LMInvalidRequestError": "lm_invalid_request",
    "LMUnsupportedModelError": "lm_invalid_request",
    "LMUnsupportedFeatureError": "lm_invalid_request",
    "LMNotConfiguredError": "lm_not_configured",
    "LMConfigurationError": "lm_not_configured",
    "LMError": "lm_error",
    "AdapterParseError": "output_invalid",
}


class Fault(Exception):
    """A failure with one of the codes of the protocol's section 6."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        started: str | None = None,
        type: str | None = None,
        traceback: str | None = None,
        retry_after_ms: int | None = None,
        details: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.started = started
        self.type = type
        self.traceback = traceback
        self.retry_after_ms = retry_after_ms
        self.details = details

    def to_dict(self) -> dict[str, Any]:
        """Give the fault as it travels, absent members left out."""
        fields = {
            "code": self.code,
            "message": printable(self.message),
            "started": self.started,
            "type": self.type,
            "traceback": self.traceback,
            "retry_after_ms": self.retry_after_ms,
            "details": self.details,
        }
        return {name: value for name, value in fields.items() if value is not None}


class InvalidArgument(Fault):
    """An input that breaks a rule; the message starts with its path."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__("invalid_argument", f"{path}: {why}", details={"path": path})
        self.path = path
        self.why = why


class OutputInvalid(Fault):
    """A result that cannot be sent; the message starts with its path."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__("output_invalid", f"{path}: {why}", details={"path": path})
        self.path = path
        self.why = why


def printable(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """Cut text to limit bytes of UTF-8 and replace what UTF-8 cannot hold."""
    raw = text[:limit].encode("utf-8", "replace")
    if len(raw) <= limit and len(text) <= limit:
        return raw.decode("utf-8")
    return raw[: limit - 4].decode("utf-8", "ignore") + " ..."


def to_fault(exc: BaseException, secrets: tuple[str, ...] = ()) -> Fault:
    """Describe what user code (or DSPy under it) raised. Never raises itself."""
    if isinstance(exc, Fault):
        return exc
    code, retry = _dspy_code(exc)
    return Fault(
        code,
        scrubbed(_message(exc), secrets),
        type=_type_name(exc),
        traceback=scrubbed(user_traceback(exc), secrets) or None,
        retry_after_ms=retry,
    )


def user_traceback(exc: BaseException) -> str:
    """Give the innermost frames of the user's own files, at most 20 lines."""
    try:
        frames = [(f.f_code.co_filename, n, f.f_code.co_name) for f, n in _walk(exc)]
    except Exception:  # a traceback is never worth a second failure
        return ""
    own = [frame for frame in frames if _is_users(frame[0])]
    if isinstance(exc, SyntaxError) and exc.filename:
        own.append((exc.filename, exc.lineno or 0, "<module>"))
    lines: list[str] = []
    for filename, number, name in own[-TRACEBACK_LINES // 2 :]:
        lines.append(f'File "{filename}", line {number}, in {name}')
        source = linecache.getline(filename, number).strip()
        if source:
            lines.append("  " + source[:200])
    return printable("\n".join(lines[-TRACEBACK_LINES:]))


def _walk(exc: BaseException) -> list[tuple[Any, int]]:
    return list(traceback.walk_tb(exc.__traceback__))


def _is_users(filename: str) -> bool:
    if filename.startswith((_HERE, "<frozen")) or "site-packages" in filename:
        return False
    return not filename.startswith(_STDLIB) or "dist-packages" in filename


def _message(exc: BaseException) -> str:
    try:
        text = str(exc)
    except BaseException:  # a user's __str__ may do anything
        text = "(its __str__ raised)"
    return text or f"{_type_name(exc)} without a message"


def _type_name(exc: BaseException) -> str:
    cls = type(exc)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def _dspy_code(exc: BaseException) -> tuple[str, int | None]:
    for cls in type(exc).__mro__:
        if cls.__module__.startswith("dspy.") and cls.__name__ in _DSPY_CODES:
            return _DSPY_CODES[cls.__name__], _retry_after_ms(exc)
    return "program_error", None


def _retry_after_ms(exc: BaseException) -> int | None:
    seconds = getattr(exc, "retry_after", None)
    if not isinstance(seconds, (int, float)) or not 0 <= seconds < 1e9:
        return None
    return int(seconds * 1000)
