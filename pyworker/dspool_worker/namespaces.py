"""The kernel's calls that set a process apart: namespaces, mounts, rights. Linux only.

Python has none of them before 3.12, and few after; they are made through the C library. Every failure is a
`Refused` that names the step.
"""

from __future__ import annotations

import ctypes
import os
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000

MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MS_NOSUID = 0x2
MS_NODEV = 0x4

READ_ONLY = 0x1
NO_SUID = 0x2
NO_DEVICES = 0x4

# The same numbers on every architecture: they were given after those were made equal.
_SYS_MOUNT_SETATTR = 442
_SYS_LANDLOCK_CREATE_RULESET = 444
_SYS_LANDLOCK_RESTRICT_SELF = 446

_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522
_CAPABILITIES_MAX = 64
_LANDLOCK_VERSION = 1
_LANDLOCK_SCOPES = 6
_LANDLOCK_SCOPE_SIGNAL = 2


class Refused(Exception):
    """A step that the kernel has refused."""

    def __init__(self, step: str, number: int) -> None:
        super().__init__(f"{step}: {os.strerror(number)}")
        self.number = number


def unshare(flags: int, name: str) -> None:
    """Leave the host's namespaces. The process must have one thread only."""
    _must(name, _libc().unshare(flags))


def keep_identity(uid: int, gid: int) -> None:
    """Be the same user in the new user namespace as before, and nobody else."""
    _write("/proc/self/uid_map", f"{uid} {uid} 1")
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/gid_map", f"{gid} {gid} 1")


def forbid_user_namespaces() -> None:
    """Allow no user namespace below this one, where the kernel lets its owner say so."""
    try:
        _write("/proc/sys/user/max_user_namespaces", "0")
    except Refused:
        pass  # /proc/sys is read-only in many containers; mounts are locked in nested namespaces in any case


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """Mount something; a source is bound, a kind is made new."""
    result = _libc().mount(
        os.fsencode(source), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), data.encode()
    )
    _must(f"mount {kind or source} at {target}", result)


def change_mount(path: str, add: int = 0, remove: int = 0, below: bool = False) -> None:
    """Change what is allowed on the mount at a path, and on all mounts below it."""
    attributes = struct.pack("=QQQQ", add, remove, 0, 0)
    flags = _AT_RECURSIVE if below else 0
    result = _syscall(_SYS_MOUNT_SETATTR, _AT_FDCWD, os.fsencode(path), flags, attributes, len(attributes))
    _must(f"mount_setattr (Linux 5.12) of {path}", result)


def drop_rights() -> None:
    """Give up every capability, for good: no program that is run from here on gets one."""
    prctl = _libc().prctl
    _must("prctl(PR_SET_NO_NEW_PRIVS)", prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    for capability in range(_CAPABILITIES_MAX):
        prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # fails for those that this kernel does not have
    prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _must("capset", _libc().capset(header, bytes(24)))


def keep_signals_inside() -> bool:
    """Let no signal out of this process and its descendants. Linux 6.12 with Landlock; False elsewhere."""
    if _syscall(_SYS_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION) < _LANDLOCK_SCOPES:
        return False
    rules = struct.pack("=QQQ", 0, 0, _LANDLOCK_SCOPE_SIGNAL)
    descriptor = _syscall(_SYS_LANDLOCK_CREATE_RULESET, rules, len(rules), 0)
    if descriptor < 0:
        return False
    try:
        return _syscall(_SYS_LANDLOCK_RESTRICT_SELF, descriptor, 0) == 0
    finally:
        os.close(descriptor)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _syscall(number: int, *arguments: bytes | int | None) -> int:
    words = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    function = _libc().syscall
    function.restype = ctypes.c_long
    return int(function(ctypes.c_long(number), *words))


def _must(step: str, result: int) -> None:
    if result != 0:
        raise Refused(step, ctypes.get_errno())


def _write(path: str, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)
    except OSError as exc:
        raise Refused(f"write to {path}", exc.errno or 0) from None
