"""What a program in a sandbox may try, and what came of it. Used by the tests of both languages."""

from __future__ import annotations

import ctypes
import multiprocessing.synchronize
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

SUCCEEDED = "succeeded"

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS, _CLONE_NEWUSER, _CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND = 1, 32, 4096


def network(port: int, abstract: str, path: str) -> dict[str, str]:
    """Try to reach anything: `port` and the sockets are the host's own, which listens."""
    return _all(
        {
            "the internet": lambda: socket.create_connection(("8.8.8.8", 53), 3).close(),
            "the internet by v6": lambda: socket.create_connection(("2001:4860:4860::8888", 53), 3).close(),
            "a datagram": lambda: _datagram(("8.8.8.8", 53)),
            "the host's loopback": lambda: socket.create_connection(("127.0.0.1", port), 3).close(),
            "the host's loopback by v6": lambda: socket.create_connection(("::1", port), 3).close(),
            "an abstract socket": lambda: _unix("\0" + abstract),
            "a socket in the file system": lambda: _unix(path),
            "the sockets of services": lambda: _nothing(os.listdir("/run")),
            "a name": lambda: socket.getaddrinfo("example.com", 443),
            "a raw socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close(),
            "a packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x300).close(),
        }
    )


def files(folder: str, hidden: str) -> dict[str, str]:
    """Try to change something: `folder` is the host's and writable there, `hidden` a folder with a file."""
    return _all(
        {
            "a file of the host": lambda: _write(f"{folder}/new"),
            "an old file": lambda: _write(f"{folder}/old"),
            "its own code": lambda: _write(__file__),
            "the interpreter": lambda: _write(os.path.join(sys.prefix, "pyvenv.cfg")),
            "its home": lambda: _write_and_remove(os.path.expanduser("~/dspool-was-here")),
            "another mode": lambda: os.chmod(f"{folder}/old", 0o777),
            "removal": lambda: os.remove(f"{folder}/old"),
            "a kernel setting": lambda: _write("/proc/sys/kernel/core_pattern"),
            "a control group": _control_group,
            "a disk": _disk,
            "a hidden file": lambda: _nothing(os.listdir(hidden)),
        }
    )


def kernel(folder: str, host: int) -> dict[str, str]:
    """Try to leave the sandbox: `host` is a process outside of it, and the key of a SysV segment of its."""
    return _all(
        {
            "a remount": lambda: _remount("/"),
            "a remount of the folder": lambda: _remount(folder),
            "taking the cover off": lambda: _call(_LIBC.umount2, b"/run", 2),
            "another mount": lambda: _call(_LIBC.mount, b"x", b"/tmp", b"tmpfs", 0, None),
            "a user namespace": lambda: _call(_LIBC.unshare, _CLONE_NEWUSER),
            "a mount namespace": lambda: _call(_LIBC.unshare, _CLONE_NEWNS),
            "a network namespace": lambda: _call(_LIBC.unshare, _CLONE_NEWNET),
            "the host's namespace": lambda: _join(f"/proc/{host}/ns/net"),
            "the host's file system": lambda: _nothing(os.listdir(f"/proc/{host}/root/")),
            "the host's memory": lambda: open(f"/proc/{host}/mem", "rb").close(),
            "the host's environment": lambda: _nothing(open(f"/proc/{host}/environ", "rb").read()),
            "the host's descriptors": lambda: open(f"/proc/{host}/fd/0", "rb").close(),
            "tracing the host": lambda: _call(_LIBC.ptrace, 16, host, 0, 0),
            "a signal to the host": lambda: os.kill(host, 0),
            "the host's shared memory": lambda: _shared_memory(host),
            "a root directory": lambda: os.chroot("/tmp"),
            "another user": lambda: os.setuid(os.getuid() + 1),
            "a right by execution": lambda: _run("mount", "-t", "tmpfs", "x", "/tmp"),
        }
    )


def nested(folder: str) -> str:
    """Make a user namespace in a child, where it may be made, and write to the host from there."""
    pid = os.fork()
    if pid == 0:
        reached = False
        if _LIBC.unshare(_CLONE_NEWUSER | _CLONE_NEWNS) == 0:
            for target in ("/", folder):
                _LIBC.mount(b"", target.encode(), b"", _MS_REMOUNT | _MS_BIND, None)
            reached = _outcome(lambda: _write(f"{folder}/new")) == SUCCEEDED
        os._exit(1 if reached else 0)
    return SUCCEEDED if os.waitpid(pid, 0)[1] else "kept out"


def allowed(writable: str) -> dict[str, str]:
    """Do what a program may do in a read-only view."""
    return _all(
        {
            "a temporary file": lambda: tempfile.NamedTemporaryFile().close(),
            "a writable folder": lambda: _write(f"{writable}/new"),
            "shared memory": lambda: _write("/dev/shm/new"),
            "nothing": lambda: _write("/dev/null"),
            "chance": lambda: open("/dev/urandom", "rb").read(1),
            "standard error": lambda: os.stat("/dev/stderr"),
            "a child": lambda: _run("true"),
            "a signal to itself": lambda: os.kill(os.getpid(), signal.SIGCONT),
            "a semaphore": _semaphore,
        }
    )


def _all(attempts: dict[str, Callable[[], object]]) -> dict[str, str]:
    return {name: _outcome(attempt) for name, attempt in attempts.items()}


def _outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except Exception as exc:
        return f"{type(exc).__name__}: {exc}"
    return SUCCEEDED


def _datagram(address: tuple[str, int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", address)


def _unix(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)


def _write(path: str) -> None:
    with open(path, "ab") as file:
        file.write(b"")


def _write_and_remove(path: str) -> None:
    _write(path)
    os.remove(path)


def _control_group() -> None:
    os.mkdir("/sys/fs/cgroup/dspool-was-here")
    os.rmdir("/sys/fs/cgroup/dspool-was-here")


def _nothing(found: Any) -> None:
    if not found:
        raise FileNotFoundError("there is nothing")


def _disk() -> None:
    for line in Path("/proc/partitions").read_text().splitlines()[2:]:
        with open("/dev/" + line.split()[3], "rb"):
            return
    raise FileNotFoundError("there is no disk")


def _remount(path: str) -> None:
    _call(_LIBC.mount, b"", path.encode(), b"", _MS_REMOUNT | _MS_BIND, None)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def _join(path: str) -> None:
    with open(path) as file:
        _call(_LIBC.setns, file.fileno(), 0)


def _shared_memory(key: int) -> None:
    if _LIBC.shmget(key, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "shmget")


def _semaphore() -> None:
    multiprocessing.get_context("fork").Lock().acquire()


def _call(function: Any, *arguments: Any) -> None:
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
