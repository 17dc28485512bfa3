"""DSPy's callbacks as spans: modules, adapters, language models, tools."""

# ruff: noqa: ARG002 - the methods' parameters are DSPy's

from __future__ import annotations

from typing import Any

import dspy
from dspy.utils.callback import ACTIVE_CALL_ID, BaseCallback

from .calls import Call
from .spans import Spans, sampled


def traced(call: Call, settings: dict[str, Any]) -> dict[str, Any]:
    """Give DSPy's settings for a call: with one more callback if the call is traced, unchanged otherwise."""
    if not sampled(call.trace):
        return settings
    call.spans = Spans()
    others = settings["callbacks"] if "callbacks" in settings else dspy.settings.get("callbacks", [])
    return {**settings, "callbacks": [*others, _Bridge(call.spans)]}


class _Bridge(BaseCallback):  # type: ignore[misc]  # dspy is not typed
    """Takes note of what begins and ends. Called on the thread that does the work, so it has to be quick."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    def _begin(self, id: str, name: str, attributes: dict[str, str]) -> None:
        self._spans.begin(id, ACTIVE_CALL_ID.get(), name, attributes)

    def on_module_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        self._begin(call_id, "module", {"class": type(instance).__name__})

    def on_module_end(self, call_id: str, outputs: Any, exception: Exception | None = None) -> None:
        self._spans.end(call_id, exception)

    def on_lm_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        self._begin(call_id, "lm", {"model": str(getattr(instance, "model", ""))})

    def on_lm_end(self, call_id: str, outputs: Any, exception: Exception | None = None) -> None:
        self._spans.end(call_id, exception)

    def on_adapter_format_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        self._begin(call_id, "adapter.format", {"class": type(instance).__name__})

    def on_adapter_format_end(self, call_id: str, outputs: Any, exception: Exception | None = None) -> None:
        self._spans.end(call_id, exception)

    def on_adapter_parse_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        self._begin(call_id, "adapter.parse", {"class": type(instance).__name__})

    def on_adapter_parse_end(self, call_id: str, outputs: Any, exception: Exception | None = None) -> None:
        self._spans.end(call_id, exception)

    def on_tool_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        self._begin(call_id, "tool", {"name": str(getattr(instance, "name", ""))})

    def on_tool_end(self, call_id: str, outputs: Any, exception: Exception | None = None) -> None:
        self._spans.end(call_id, exception)
