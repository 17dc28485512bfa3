"""Sets this process apart from the host before anything of the user's is imported (docs/SANDBOX.md).

The fork server does it, and its workers inherit it; a spawned worker does it itself. The process must have
one thread. What works is found out in a child that is thrown away: a process that is half in a sandbox could
not go back.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Literal, NamedTuple

import msgspec

from . import namespaces as kernel
from .settings import Sandbox
from .view import SCRATCH, View, needed

#: The exit code of a process that had to be in a sandbox and could not.
EXIT_REFUSED = 66

_TEXT_MAX = 1000


class Isolation(msgspec.Struct, frozen=True, kw_only=True):
    """How this process is set apart from the host."""

    network: Literal["none", "host"] = "host"
    read_only: bool = False
    users: bool = False
    signals: bool = False
    #: Why it is less than what was wanted.
    why: list[str] = []


class _Plan(NamedTuple):
    network: bool  # leave the host's
    read_only: bool
    users: bool  # in a user namespace of its own

    def isolation(self, signals: bool, why: list[str]) -> Isolation:
        network: Literal["none", "host"] = "none" if self.network else "host"
        return Isolation(network=network, read_only=self.read_only, users=self.users, signals=signals, why=why)


def enter(wanted: Sandbox | None, path: list[str]) -> Isolation | None:
    """Go into the sandbox that the host wants, or one that is less if it may be less; None if it wants none.

    `path` are folders of the user's code, which stay visible. Exits with EXIT_REFUSED where less will not do.
    """
    if wanted is None:
        return None
    isolation = _enter(wanted, path)
    if wanted.required and isolation.why:
        sys.stderr.write(f"the sandbox was refused: {'; '.join(isolation.why)}\n")
        sys.stderr.flush()
        os._exit(EXIT_REFUSED)
    return isolation


def report(text: str) -> int:
    """Tell as JSON on standard output what becomes of the wanted sandbox; give the exit code."""
    isolation = enter(msgspec.json.decode(text, type=Sandbox), [])
    sys.stdout.write(msgspec.json.encode(isolation).decode() + "\n")
    return 0


def _enter(wanted: Sandbox, path: list[str]) -> Isolation:
    if sys.platform != "linux":
        return Isolation(why=[f"there are no namespaces on {sys.platform}"])
    whys: dict[str, None] = {}
    best = next(_plans(wanted))
    for plan in _plans(wanted):
        why = _try(plan, wanted, path)
        if why:
            whys[why] = None
            continue
        signals = _carry_out(plan, wanted, path)
        return plan.isolation(signals, [] if plan[:2] == best[:2] else list(whys))
    return Isolation(why=list(whys))


def _plans(wanted: Sandbox) -> Iterator[_Plan]:
    """List what to try, the best first. Only root can do without a user namespace."""
    network, read_only = wanted.network == "none", wanted.read_only
    degrees = [(network, read_only)]
    if network and read_only and not wanted.required:
        degrees += [(True, False), (False, True)]
    for degree in degrees:
        yield _Plan(*degree, users=True)
        if os.geteuid() == 0:
            yield _Plan(*degree, users=False)


def _try(plan: _Plan, wanted: Sandbox, path: list[str]) -> str:
    """Carry a plan out in a child; give the reason why it cannot be, or an empty text."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read)
            _carry_out(plan, wanted, path)
        except BaseException as exc:
            os.write(write, (str(exc) or type(exc).__name__).encode("utf-8", "replace")[:_TEXT_MAX])
            os._exit(1)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        why = pipe.read().decode("utf-8", "replace")
    _, status = os.waitpid(pid, 0)
    return why or ("" if status == 0 else f"a trial ended with status {status}")


def _carry_out(plan: _Plan, wanted: Sandbox, path: list[str]) -> bool:
    """Do it; tell whether signals stay inside, which not every kernel can see to."""
    view = View(
        read_only=plan.read_only,
        writable=wanted.writable,
        hidden=wanted.hidden,
        kept=[*needed(), *path],
        scratch=wanted.scratch,
    )
    uid, gid = os.geteuid(), os.getegid()
    flags, names = _flags(plan)
    kernel.unshare(flags, f"unshare({names})")
    if plan.users:
        kernel.keep_identity(uid, gid)
        kernel.forbid_user_namespaces()
    view.apply()
    kernel.drop_rights()
    if plan.read_only:
        os.environ["TMPDIR"] = SCRATCH
        os.environ["DSPY_CACHEDIR"] = f"{SCRATCH}/dspy"
    return kernel.keep_signals_inside()


def _flags(plan: _Plan) -> tuple[int, str]:
    flags, names = kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS, "CLONE_NEWNS"
    if plan.network:
        flags, names = flags | kernel.CLONE_NEWNET, f"CLONE_NEWNET|{names}"
    if plan.users:
        flags, names = flags | kernel.CLONE_NEWUSER, f"CLONE_NEWUSER|{names}"
    return flags, names
