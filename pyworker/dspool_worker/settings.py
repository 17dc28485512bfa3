"""What a worker is told at birth (docs/PROTOCOL.md, section 5)."""

from __future__ import annotations

from typing import Literal

import msgspec

FRAME_LIMIT_DEFAULT = 64 << 20
SLOTS_DEFAULT = 16384


class Sandbox(msgspec.Struct, frozen=True, kw_only=True):
    """How the process is to be set apart from the host (docs/SANDBOX.md)."""

    required: bool = False
    network: Literal["none", "host"] = "none"
    read_only: bool = False
    writable: list[str] = []
    hidden: list[str] = []
    scratch: int = 256 << 20


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one worker. Unknown members are ignored."""

    versions: tuple[int, int] = (1, 1)
    nonce: str = ""
    worker: str = ""
    socket: int = -1
    ledger: int = -1
    slots: int = SLOTS_DEFAULT
    frame_limit: int = FRAME_LIMIT_DEFAULT
    path: list[str] = []
    programs: int = 256
    lms: int = 64
    objects: int = 1024
    object_state: int = 1 << 20
    threads: int = 64
    loop: str = "uvloop"
    sandbox: Sandbox | None = None


class ZygoteSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the fork server."""

    nonce: str = ""
    path: list[str] = []
    preload: list[str] = []
    warm: bool = True
    litellm: bool = False
    sandbox: Sandbox | None = None
