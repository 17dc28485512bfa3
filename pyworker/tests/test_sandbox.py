"""The sandbox: what a process in it can do, for root and for everybody else, and what is said where it cannot be."""

from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dspool_worker import namespaces, sandbox
from dspool_worker.sandbox import EXIT_REFUSED, Isolation
from dspool_worker.settings import Sandbox
from dspool_worker.view import View

HERE = Path(__file__).parent
NOBODY = 65534

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there are namespaces on Linux only")

Run = Callable[..., Any]

# Whoever gives up root may not read the interpreter's files any more: all is imported before. And the
# kernel takes such a process for one with secrets, unless it says that it has none.
SCRIPT = """
import ctypes, encodings.idna, json, os, sys
settings, path, code, user, before = json.loads(sys.argv[1])
sys.path[:0] = path
import escapes, msgspec
from dspool_worker import sandbox
from dspool_worker.settings import Sandbox
wanted = msgspec.convert(settings, Sandbox)
if user:
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
exec(before)
isolation = sandbox.enter(wanted, path)
print(json.dumps([msgspec.to_builtins(isolation), eval(code)]))
"""


WITHOUT_USERS = """
try_it = sandbox._try
sandbox._try = lambda plan, *rest: "no user namespaces" if plan.users else try_it(plan, *rest)
"""


def child(settings: dict[str, Any], code: str, user: int | None, cwd: str | None = None, before: str = "") -> Any:
    """Evaluate code in a sandbox and give the isolation and the value."""
    given = json.dumps([settings, [str(HERE / "programs"), str(HERE.parent)], code, user, before])
    command = [sys.executable, "-c", SCRIPT, given]
    done = subprocess.run(command, cwd=cwd or HERE.parent, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr}"
    return json.loads(done.stdout)


@pytest.fixture(params=["self", "nobody"])
def user(request: pytest.FixtureRequest) -> int | None:
    """Run as who runs the tests, and as a user without any rights."""
    if request.param == "self":
        return None
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else; the tests run without rights already")
    return NOBODY


@pytest.fixture
def host(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Things of the host's, open to everybody: listening sockets, a folder, a hidden one."""
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.owner() == "root" and folder.is_relative_to("/tmp/pytest-of-root"):
            folder.chmod(0o777)
    for name in ("open", "writable", "hidden"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "old").write_text("x")
        (tmp_path / name / "old").chmod(0o666)
        (tmp_path / name).chmod(0o777)
    listeners = [socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)]
    listeners[1].bind(f"\0dspool-test-{os.getpid()}")
    path = str(tmp_path / "open" / "socket")
    listeners[2].bind(path)
    os.chmod(path, 0o777)
    for listener in listeners:
        listener.listen()
    yield {
        "port": listeners[0].getsockname()[1],
        "abstract": f"dspool-test-{os.getpid()}",
        "path": path,
        **{name: str(tmp_path / name) for name in ("open", "writable", "hidden")},
    }
    for listener in listeners:
        listener.close()


@contextmanager
def shared_memory(key: int) -> Iterator[None]:
    """Make a SysV segment that everybody may open."""
    libc = ctypes.CDLL(None)
    segment = libc.shmget(key, 4096, 0o1666)
    assert libc.shmget(key, 0, 0) == segment != -1
    try:
        yield
    finally:
        libc.shmctl(segment, 0, None)


def escaped(outcomes: dict[str, str]) -> list[str]:
    return [what for what, outcome in outcomes.items() if outcome == "succeeded"]


def test_nothing_is_reached_without_a_network(host: dict[str, Any], user: int | None) -> None:
    code = f"escapes.network({host['port']}, {host['abstract']!r}, {host['path']!r})"
    isolation, outcomes = child({"required": True, "read_only": True}, code, user)
    assert (isolation["network"], isolation["read_only"], isolation["users"]) == ("none", True, True)
    assert len(outcomes) == 11
    assert escaped(outcomes) == []
    _, outcomes = child({"required": True}, code, user)
    assert escaped(outcomes) == ["a socket in the file system"]  # outside of /run: documented


def test_the_attempts_succeed_outside(host: dict[str, Any], user: int | None) -> None:
    """A test of the tests: what fails in the sandbox does not fail anywhere."""
    code = f"escapes.network({host['port']}, {host['abstract']!r}, {host['path']!r})"
    _, outcomes = child({"network": "host", "hidden": [host["hidden"]]}, code, user)
    assert {"the host's loopback", "an abstract socket", "a socket in the file system"} <= set(escaped(outcomes))
    _, outcomes = child({}, f"escapes.files({host['open']!r}, {host['hidden']!r})", user)
    assert {"a file of the host", "an old file", "removal", "a hidden file"} <= set(escaped(outcomes))


def test_nothing_of_the_host_is_changed(host: dict[str, Any], user: int | None) -> None:
    settings = {"required": True, "read_only": True, "hidden": [host["hidden"]], "writable": [host["writable"]]}
    # The working directory is below /tmp: it stays, although /tmp is private.
    _, outcomes = child(settings, f"escapes.files({host['open']!r}, {host['hidden']!r})", user, host["open"])
    assert escaped(outcomes) == []
    assert "Read-only" in outcomes["an old file"]
    _, outcomes = child(settings, f"escapes.allowed({host['writable']!r})", user)
    assert set(outcomes.values()) == {"succeeded"}, outcomes
    assert Path(host["writable"], "new").exists()


def test_there_is_no_way_out(host: dict[str, Any], user: int | None) -> None:
    settings = {"required": True, "read_only": True, "writable": [host["writable"]]}
    code = f"escapes.kernel({host['open']!r}, {os.getpid()})"
    with shared_memory(os.getpid()):
        isolation, outcomes = child(settings, code, user, host["open"])
    expected = [] if isolation["signals"] else ["a signal to the host"]
    assert escaped(outcomes) == expected, outcomes
    assert child(settings, f"escapes.nested({host['open']!r})", user, host["open"])[1] == "kept out"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can do without a user namespace")
def test_root_is_kept_in_without_a_user_namespace_too(host: dict[str, Any]) -> None:
    code = f"{{**escapes.kernel({host['open']!r}, {os.getpid()}), **escapes.files({host['open']!r}, '/run')}}"
    isolation, outcomes = child({"read_only": True}, code, None, host["open"], WITHOUT_USERS)
    assert (isolation["network"], isolation["read_only"], isolation["users"], isolation["why"]) == (
        "none", True, False, [],
    )  # fmt: skip
    # Here the kernel does allow user namespaces. What is possible inside one reaches nothing.
    inner = {"a user namespace", "a mount namespace", "a network namespace", "a root directory"}
    assert set(escaped(outcomes)) == inner, outcomes
    outcome = child({"read_only": True}, f"escapes.nested({host['open']!r})", None, host["open"], WITHOUT_USERS)[1]
    assert outcome == "kept out"


def test_a_sandbox_in_a_sandbox_is_refused_with_the_reason(user: int | None) -> None:
    again = "msgspec.to_builtins(sandbox.enter(msgspec.structs.replace(wanted, required=False), path))"
    _, inner = child({"required": True, "read_only": True}, again, user)
    assert (inner["network"], inner["read_only"], inner["users"], inner["signals"]) == ("host", False, False, False)
    assert any(why.startswith("unshare(CLONE_NEWUSER|CLONE_NEWNET|CLONE_NEWNS): ") for why in inner["why"]), inner


def test_what_is_required_and_refused_ends_the_process() -> None:
    with pytest.raises(AssertionError, match=f"exit {EXIT_REFUSED}.*the sandbox was refused: unshare"):
        child({"required": True}, "sandbox.enter(wanted, path)", None)


@pytest.mark.parametrize("required", [True, False])
def test_less_is_taken_only_if_it_will_do(monkeypatch: pytest.MonkeyPatch, required: bool) -> None:
    tried: list[tuple[bool, bool]] = []
    done: list[tuple[bool, bool]] = []

    def refuses_views(plan: Any, *_: Any) -> str:
        tried.append(plan[:2])
        return "mount_setattr: Function not implemented" if plan.read_only else ""

    def carries_out(plan: Any, *_: Any) -> bool:
        done.append(plan[:2])
        return True

    monkeypatch.setattr(sandbox, "_try", refuses_views)
    monkeypatch.setattr(sandbox, "_carry_out", carries_out)
    isolation = sandbox._enter(Sandbox(read_only=True, required=required), [])
    why = ["mount_setattr: Function not implemented"]
    if required:
        assert (isolation, done) == (Isolation(why=why), [])
        assert set(tried) == {(True, True)}
    else:
        assert (isolation.network, isolation.read_only, isolation.why) == ("none", False, why)
        assert done == [(True, False)]


def test_nothing_is_done_where_nothing_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sandbox.enter(None, []) is None
    monkeypatch.setattr(sys, "platform", "darwin")
    assert sandbox._enter(Sandbox(), []).why == ["there are no namespaces on darwin"]


def test_the_trial_is_told_as_json() -> None:
    command = [sys.executable, "-m", "dspool_worker", "sandbox", "--settings", '{"read_only": true}']
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, timeout=60, check=True)
    told = json.loads(done.stdout)
    assert (told["network"], told["read_only"], told["why"]) == ("none", True, [])


def test_a_refusal_names_the_step() -> None:
    with pytest.raises(namespaces.Refused, match=r"^mount tmpfs at /nosuch: (No such file|Operation not permitted)"):
        namespaces.mount("x", "/nosuch", "tmpfs", 0)
    with pytest.raises(namespaces.Refused, match=r"^mount_setattr \(Linux 5.12\) of /nosuch: "):
        namespaces.change_mount("/nosuch", add=namespaces.READ_ONLY)


@pytest.mark.parametrize(
    ("paths", "kept"),
    [
        (["/tmp/a", "/tmp/a/b"], ["/tmp/a", "/tmp/a/b"]),
        (["/usr", "/tmp", "/"], []),
    ],
)
def test_what_the_interpreter_needs_stays_visible(paths: list[str], kept: list[str]) -> None:
    view = View(read_only=True, writable=[], hidden=[], kept=paths, scratch=1)
    assert sorted(path for path in view._kept if not path.startswith("/dev/")) == kept
