"""The file system as a sandboxed process sees it: the host's, read-only, with private folders put over it."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable

from . import namespaces as kernel

#: Where files can be written in a read-only view; gone with the last process of the sandbox.
SCRATCH = "/tmp"  # noqa: S108

_SCRATCH_TOO = "/var/tmp"  # noqa: S108
_SHARED_MEMORY = "/dev/shm"  # noqa: S108
_DEVICES = "/dev"
_HARMLESS = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
# Sockets in the file system belong to no network namespace: those of the system's services are here.
_SERVICES = "/run"
_EMPTY = "size=1m,nr_inodes=4k,mode=755"


class View:
    """What is to be seen. `apply` puts it up, in a mount namespace of this process's own."""

    def __init__(
        self, *, read_only: bool, writable: Iterable[str], hidden: Iterable[str], kept: Iterable[str], scratch: int
    ) -> None:
        self._read_only = read_only
        self._roomy = f"size={scratch},mode=1777"
        self._scratch = _there(SCRATCH, _SCRATCH_TOO) if read_only else set()
        self._covered = _there(*hidden, _SERVICES) | self._scratch
        if read_only:
            self._covered.add(_DEVICES)
        self._writable = _there(*writable) if read_only else set()
        devices = {f"{_DEVICES}/{name}" for name in _HARMLESS} if read_only else set()
        self._devices = {path for path in devices if os.path.exists(path)}
        lost = {path for one in kept for path in (os.path.abspath(one), os.path.realpath(one)) if self._covers(path)}
        self._kept = (lost | self._writable | self._devices) - self._covered

    def apply(self) -> None:
        """Put the view up. What was reachable only through a covered folder is gone then."""
        kernel.mount("", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
        null = _hold("/dev/null")
        kept = {path: _hold(path) for path in self._kept if os.path.exists(path)}
        for path in sorted(self._covered | kept.keys()):  # what is above comes first
            if path in kept:
                _put_back(path, kept[path])
            elif os.path.isdir(path):
                self._cover(path)
            elif os.path.exists(path):
                _put_back(path, null)
        for descriptor in [null, *kept.values()]:
            os.close(descriptor)
        if self._read_only:
            self._lock()
        _enter_again()

    def _covers(self, path: str) -> bool:
        return any(path.startswith(f"{cover}/") for cover in self._covered)

    def _cover(self, path: str) -> None:
        room = self._roomy if path in self._scratch else _EMPTY
        kernel.mount("dspool", path, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, room)
        if path == _DEVICES:
            for name, target in _LINKS.items():
                os.symlink(target, f"{_DEVICES}/{name}")
            os.mkdir(_SHARED_MEMORY)
            kernel.mount("dspool", _SHARED_MEMORY, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, self._roomy)

    def _lock(self) -> None:
        """Make everything read-only but what is the sandbox's own, and no file a device but the harmless ones."""
        kernel.change_mount("/", add=kernel.READ_ONLY | kernel.NO_DEVICES | kernel.NO_SUID, below=True)
        for path in sorted(self._devices):
            kernel.change_mount(path, remove=kernel.NO_DEVICES)
        for path in sorted(self._scratch | self._writable | {_SHARED_MEMORY}):
            kernel.change_mount(path, remove=kernel.READ_ONLY)


def needed() -> list[str]:
    """List the folders that this interpreter cannot do without, wherever they are."""
    folders = [*sys.path, sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix]
    folders += [os.path.dirname(sys.executable), os.path.dirname(os.path.realpath(sys.executable))]
    folders += [os.path.dirname(os.path.dirname(os.path.abspath(__file__))), os.getcwd()]
    return [folder for folder in folders if folder and folder != "/"]


def _hold(path: str) -> int:
    return os.open(path, os.O_PATH | os.O_CLOEXEC)


def _put_back(path: str, descriptor: int) -> None:
    """Show at a path what a descriptor has held since before anything was covered."""
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.makedirs(path, exist_ok=True)
    elif not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    kernel.mount(f"/proc/self/fd/{descriptor}", path, "", kernel.MS_BIND | kernel.MS_REC)


def _enter_again() -> None:
    """Leave what a working directory that was covered still shows."""
    try:
        os.chdir(os.getcwd())
    except OSError:
        os.chdir("/")


def _there(*paths: str) -> set[str]:
    return {os.path.realpath(path) for path in paths if os.path.exists(path)} - {"/"}
