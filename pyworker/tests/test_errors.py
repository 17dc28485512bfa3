"""How exceptions become faults."""

from __future__ import annotations

import pytest

from dspool_worker.errors import MESSAGE_LIMIT, Fault, printable, to_fault


def raised(exc: BaseException) -> BaseException:
    try:
        raise exc
    except BaseException as caught:
        return caught


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


def dspy_error(name: str, **attributes: object) -> Exception:
    """Make an exception that looks like one of DSPy's."""
    made: Exception = type(name, (Exception,), {"__module__": "dspy.utils.exceptions", **attributes})("it failed")
    return made


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("LMAuthError", "lm_auth"), ("LMRateLimitError", "lm_rate_limit"), ("LMTimeoutError", "lm_timeout"),
        ("ContextWindowExceededError", "lm_context_window"), ("LMError", "lm_error"),
        ("AdapterParseError", "output_invalid"), ("SomethingElse", "program_error"),
    ],
)  # fmt: skip
def test_dspys_errors_have_codes_of_their_own(name: str, code: str) -> None:
    assert to_fault(raised(dspy_error(name))).code == code


def test_a_class_of_the_users_with_such_a_name_is_a_program_error() -> None:
    assert to_fault(raised(type("LMAuthError", (Exception,), {})("x"))).code == "program_error"


@pytest.mark.parametrize(("seconds", "expected"), [(2.5, 2500), (None, None), (-1, None), ("5", None), (1e12, None)])
def test_retry_after_is_taken_over_when_it_makes_sense(seconds: object, expected: int | None) -> None:
    assert to_fault(raised(dspy_error("LMRateLimitError", retry_after=seconds))).retry_after_ms == expected


def test_secrets_are_removed_from_message_and_traceback() -> None:
    fault = to_fault(raised(ValueError("the key sk-secret is wrong")), ("sk-secret",))
    assert fault.message == "the key [redacted] is wrong"
    assert "sk-secret" not in (fault.traceback or "")


def test_credentials_are_removed_whoever_holds_them() -> None:
    fault = to_fault(raised(ValueError("sent Authorization: Bearer abcdefghijkl")))
    assert fault.message == "sent Authorization: Bearer [redacted]"
    assert "abcdefghijkl" not in (fault.traceback or "")


def test_long_and_broken_messages_are_cut_to_what_can_travel() -> None:
    fields = to_fault(raised(ValueError("é\ud800" * 10_000))).to_dict()
    assert len(fields["message"].encode()) <= MESSAGE_LIMIT
    assert to_fault(raised(Unprintable())).message == "(its __str__ raised)"
    assert to_fault(raised(ValueError())).message == "ValueError without a message"


def test_a_fault_passes_through_unchanged() -> None:
    fault = Fault("not_found", "x")
    assert to_fault(fault) is fault
    assert fault.to_dict() == {"code": "not_found", "message": "x"}


def test_printable_keeps_short_text() -> None:
    assert printable("é") == "é"
    assert printable("a" * 20, 10) == "aaaaaa ..."
