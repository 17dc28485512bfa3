"""The parts of a prompt that the signature alone determines are written once.

The system message and the reminder in the user's message take half of the time
that a prompt takes, and change only with the signature: see `fixed`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dspy

from .fixed import seen
from .patch import Part, Patch

_ADAPTERS = (dspy.ChatAdapter, dspy.JSONAdapter, dspy.XMLAdapter)
_WRITERS = frozenset({
    "format_field_description", "format_field_structure", "format_field_with_value", "format_task_description",
    "format_system_message", "user_message_output_requirements",
})  # fmt: skip


def _written(what: str) -> Callable[[Any], Any]:
    """Make a method that remembers its text for each signature and adapter."""

    def remember(plain: Callable[[Any, Any], str]) -> Any:
        def method(self: Any, signature: Any) -> str:
            if type(self) not in _ADAPTERS or not _WRITERS.isdisjoint(vars(self)):
                return plain(self, signature)  # an adapter of the user's own
            known = seen(signature)
            if not known.fixed:
                return plain(self, signature)
            key = what, type(self)
            text: str | None = known.values.get(key)
            if text is None:
                known.values[key] = text = plain(self, signature)
            return text

        method.__name__ = method.__qualname__ = plain.__name__
        return method

    return remember


def _resolve_adapter(plain: Callable[..., Any]) -> Any:
    def resolve_adapter(lm: Any, adapter: Any, signature: Any, fields: Any, declared_signature: Any = None) -> Any:
        if fields or getattr(lm, "supports_decision_requests", False) is True:
            return plain(lm, adapter, signature, fields, declared_signature)
        known = seen(signature)
        if known.values.get("undecided"):
            return adapter
        found = plain(lm, adapter, signature, fields, declared_signature)
        # One that decides nothing, in no field: a nested one makes DSPy warn, each time.
        if found is adapter and known.fixed and not _decides(signature):
            known.values["undecided"] = True
        return found

    return resolve_adapter


def _decides(signature: Any) -> bool:
    from dspy.adapters.types.decision import Choice, Noul, Score

    return any(
        kind.extract_custom_type_from_annotation(field.rebuild_annotation())
        for field in signature.output_fields.values()
        for kind in (Noul, Choice, Score)
    )


def patch() -> Patch:
    """Give the patch."""
    chat, json, xml = "dspy.adapters.chat_adapter", "dspy.adapters.json_adapter", "dspy.adapters.xml_adapter"
    reminder = "user_message_output_requirements"
    return Patch(
        name="prompts",
        reason="the system message, the reminder of the format and the search for decisions depend on the signature",
        read={
            "dspy.adapters.base:Adapter.format_system_message": "81cf3e8a1f15",
            f"{chat}:ChatAdapter.format_field_description": "c4f381a4965e",
            f"{chat}:ChatAdapter.format_field_structure": "412f82b2a383",
            f"{chat}:ChatAdapter.format_task_description": "46e2cb3721bc",
            f"{chat}:ChatAdapter.{reminder}": "105606f0fbdc",
            f"{json}:JSONAdapter.format_field_structure": "06896628f14c",
            f"{json}:JSONAdapter.{reminder}": "fa9bab95048d",
            f"{xml}:XMLAdapter.format_field_structure": "1861e6fe2282",
            f"{xml}:XMLAdapter.{reminder}": "060ec9ccb486",
            "dspy.adapters.utils:translate_field_type": "95f1a2c4696a",
            "dspy.adapters.utils:get_field_description_string": "8439570353fb",
            "dspy.adapters.decision:resolve_adapter": "60e7cafbf843",
            "dspy.adapters.decision_state:DecisionState.__init__": "f3c4f4a54557",
        },
        parts=(
            Part("dspy.adapters.base", "Adapter.format_system_message", _written("system")),
            Part(chat, f"ChatAdapter.{reminder}", _written("reminder")),
            Part(json, f"JSONAdapter.{reminder}", _written("reminder")),
            Part(xml, f"XMLAdapter.{reminder}", _written("reminder")),
            Part("dspy.predict.predict", "resolve_adapter", _resolve_adapter),
        ),
    )
