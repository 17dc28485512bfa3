"""Frames as bytes: header, message types and meta objects of docs/PROTOCOL.md, sections 2 and 3.

A frame is 16 bytes of header (length u32, type u8, flags u8, meta u16, id u64, all big-endian),
`meta` bytes of a JSON object, and `length - meta` bytes of body.
"""

from __future__ import annotations

import struct
from typing import Annotated, Any, Literal

import msgspec

VERSION = 1
HEADER = struct.Struct(">IBBHQ")
HEADER_SIZE = HEADER.size
LENGTH_MAX = (1 << 31) - 1
PING_BODY_MAX = 1024
RAW = 1

HELLO = 1
CALL = 2
RESULT = 3
ERROR = 4
EVENT = 5
CREDIT = 6
CANCEL = 7
NEED = 8
DEFINE = 9
PING = 10
PONG = 11
DRAIN = 12
GOODBYE = 13
HOSTCALL = 14
HOSTRESULT = 15
HOSTERROR = 16
HOSTCANCEL = 17
HOSTEVENT = 18
HOSTCREDIT = 19
RELEASE = 20


class CallMeta(msgspec.Struct, gc=False):
    """Meta of CALL: program, LM, budget in microseconds, trace, stream credit, tenant, session, object, attachments."""

    p: str
    l: str = ""  # noqa: E741 - the wire's name
    b: Annotated[int, msgspec.Meta(le=(1 << 63) - 1)] = -1
    t: str = ""
    s: int = -1
    w: str = ""
    k: str = ""
    o: Literal["", "new", "live", "restore"] = ""
    d: Annotated[int, msgspec.Meta(ge=0)] = 0
    a: list[tuple[str, int]] | None = None

    def __post_init__(self) -> None:
        if (self.o and not self.k) or (self.d and not self.o):
            raise ValueError("an object needs a session, and a state an object")


class ReleaseMeta(msgspec.Struct, gc=False):
    """Meta of RELEASE: the session that is over, and whose it is."""

    k: Annotated[str, msgspec.Meta(min_length=1)]
    w: str = ""


class CreditMeta(msgspec.Struct, gc=False):
    """Meta of CREDIT."""

    n: int


class CancelMeta(msgspec.Struct, gc=False):
    """Meta of CANCEL."""

    why: str = "canceled"


class DefineMeta(msgspec.Struct, gc=False):
    """Meta of DEFINE."""

    k: str
    h: str
    missing: bool = False


class HostAnswerMeta(msgspec.Struct, gc=False):
    """Meta of HOSTRESULT and HOSTEVENT: a value beside the body."""

    x: Any = None


decode_call = msgspec.json.Decoder(CallMeta).decode
decode_release = msgspec.json.Decoder(ReleaseMeta).decode
decode_credit = msgspec.json.Decoder(CreditMeta).decode
decode_cancel = msgspec.json.Decoder(CancelMeta).decode
decode_define = msgspec.json.Decoder(DefineMeta).decode
decode_host_answer = msgspec.json.Decoder(HostAnswerMeta).decode
encode_meta = msgspec.json.Encoder().encode

#: What a meta decoder raises for bytes that are not an object of the right shape.
META_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError)


def frame(kind: int, id: int, meta: bytes = b"", body: bytes = b"", flags: int = 0) -> bytes:
    """Build one frame."""
    return HEADER.pack(len(meta) + len(body), kind, flags, len(meta), id) + meta + body


def unsound(kind: int, flags: int, cut: int, length: int) -> str:
    """Say what is wrong with a header, or nothing."""
    if not HELLO <= kind <= RELEASE:
        return f"there is no frame of type {kind}"
    if flags & ~RAW:
        return f"flags {flags:#04x}: only RAW (0x01) is defined"
    if cut > length:
        return f"{cut} bytes of meta do not fit into a payload of {length}"
    return ""


def cut_state(body: Any, size: int) -> tuple[Any, Any]:
    """Cut the state of an object off the end of a body; ValueError if it does not fit."""
    body = memoryview(body)
    at = len(body) - size
    if at < 0:
        raise ValueError("the state of the object is larger than the body")
    return body[:at], body[at:]


def split_attachments(body: Any, listed: list[tuple[str, int]]) -> tuple[Any, dict[str, bytes]]:
    """Cut the attachments off the end of a body; ValueError if the sizes do not fit."""
    body = memoryview(body)
    start = len(body) - sum(size for _, size in listed)
    if start < 0 or any(size < 0 for _, size in listed):
        raise ValueError("the attachments are larger than the body")
    value, found = body[:start], {}
    for name, size in listed:
        if name in found:
            raise ValueError(f"two attachments are named {name!r}")
        found[name] = bytes(body[start : start + size])
        start += size
    return value, found
