"""One run of a DSPy program: its settings, its usage, its failures.

Nothing here outlives the run: DSPy's own defaults keep every prompt of every
caller in lists shared by the whole process.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import dspy
from dspy.utils.usage_tracker import UsageTracker

from .calls import Call
from .errors import Fault, OutputInvalid, to_fault
from .lms import Lms, Model
from .scrub import scrubbed
from .tracing import traced

_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
_REPLY_SHOWN = 500
_WRAPPED_MAX = 8  # how deep a failure of the host's may be wrapped
_PARSE_FAILED = re.compile(r"Failed to parse field (\w+)(?: with value .*? from the LM response)?[.:] ?(.*)", re.DOTALL)
# What pydantic writes around the sentence that says what is wrong.
_VALIDATION = re.compile(r"\d+ validation errors? for .*?\n\s*| \[type=.*", re.DOTALL)

Adapter: TypeAlias = dspy.Adapter


class Run:
    """What one call uses and has used. Belongs to that call."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.tracker = UsageTracker()

    def usage(self) -> dict[str, dict[str, int]] | None:
        """Sum up the tokens so far by model; None if there were none."""
        totals = self.tracker.get_total_tokens()
        counted = {
            model: {name: int(counts.get(name) or 0) for name in _COUNTS} for model, counts in totals.items() if counts
        }
        return counted or None


@asynccontextmanager
async def running(call: Call, lms: Lms, adapter: Adapter | None, settings: dict[str, Any]) -> AsyncIterator[Run]:
    """Set DSPy up for one call; what fails inside comes out as Fault, without secrets."""
    async with lms.use(call.lm_hash, call.lm, call.mark_started, call.tenant) as model:
        run = Run(model)
        with dspy.context(**{**_isolated(run, adapter), **traced(call, settings)}):
            call.mark_started()
            try:
                yield run
            except Exception as exc:
                raise failure(exc, model.secrets) from None


def _isolated(run: Run, adapter: Adapter | None) -> dict[str, Any]:
    # Without an LM or adapter of the call's own, those count that the user's code has configured.
    own = {name: value for name, value in (("lm", run.model.lm), ("adapter", adapter)) if value is not None}
    return {
        **own,
        "usage_tracker": run.tracker,
        "track_usage": True,  # also makes LiteLLM's streams report usage
        "trace": [],
        "disable_history": True,
        "allow_tool_async_sync_conversion": False,
        "send_stream": None,
        "stream_listeners": [],
        "caller_predict": None,
        "caller_modules": None,
    }


def failure(exc: Exception, secrets: tuple[str, ...]) -> Fault:
    """Describe what a run of DSPy raised."""
    if (told := of_the_host(exc)) is not None:
        fault: Fault = told
    elif isinstance(exc, dspy.AdapterParseError):
        fault = _unreadable(exc)
    elif isinstance(exc, ValueError) and "No LM is loaded" in str(exc):
        fault = no_lm()
    else:
        fault = to_fault(exc, secrets)
    fault.message = scrubbed(fault.message, secrets)
    return fault


def of_the_host(exc: BaseException) -> Fault | None:
    """Find the failure of the host's that DSPy has wrapped in errors of its own."""
    inner: BaseException | None = exc if isinstance(exc, dspy.LMError) else None
    for _ in range(_WRAPPED_MAX):
        if inner is None or isinstance(inner, Fault):
            return inner
        inner = inner.__cause__ or inner.__context__
    return None


def no_lm() -> Fault:
    """Say that a program which needs an LM was given none, and what to do."""
    return Fault(
        "lm_not_configured",
        "the program needs a language model and the call names none: "
        "set Config.LM, or add one to Config.LMs and name it in the request or the program",
    )


def _unreadable(exc: Any) -> OutputInvalid:
    """Say which field of an answer could not be read. DSPy's own message is the whole answer."""
    reply = str(exc.lm_response)
    wanted = list(exc.signature.output_fields)
    if found := _PARSE_FAILED.search(str(exc).split("\n\nAdapter ")[0]):
        why = _VALIDATION.sub("", found[2].removeprefix("Error message: ")).strip() or "could not be read"
        fault = OutputInvalid(f"output.{found[1]}", f"the LM's answer does not fit: {why[:300]}")
    else:
        missing = [name for name in wanted if name not in (exc.parsed_result or {})]
        path = f"output.{missing[0]}" if exc.parsed_result and missing else "output"
        names = ", ".join(missing or wanted)
        fault = OutputInvalid(path, f"the LM's answer, read by {exc.adapter_name}, lacks {names}")
    shown = reply[:_REPLY_SHOWN] + (" ..." if len(reply) > _REPLY_SHOWN else "")
    fault.details = {**(fault.details or {}), "reply": shown}
    return fault
