"""Patches: they fit, they are left out by name, and they refuse a DSPy that has changed."""

from __future__ import annotations

import json

import pytest
from pair import start

from dspool_worker import patches
from dspool_worker.patches.patch import Changed, Part, Patch, apply, digest

OTHER = """
import json
from dspool_worker import patches
from dspool_worker.patches.patch import digest
read = {where: known for name in patches.NAMES for where, known in patches.made(name).read.items()}
print(json.dumps({where: digest(where) for where, known in read.items() if digest(where) != known}))
"""


def test_the_patches_fit_the_dspy_that_is_installed() -> None:
    """Fails when DSPy changes underneath: read the functions again, mend the patches, then write the digests."""
    out, err = start(code=OTHER).communicate(timeout=60)
    assert json.loads(out) == {}, err


OUTCOMES = "import json; from dspool_worker import patches; print(json.dumps(patches.install()))"


@pytest.mark.parametrize(("switch", "off"), [("off", patches.NAMES), ("types, hops", ("hops", "types")), ("none", ())])
def test_patches_are_left_out_by_name(switch: str, off: tuple[str, ...]) -> None:
    out, _ = start(switch, OUTCOMES).communicate(timeout=60)
    assert json.loads(out) == {name: "off" if name in off else "applied" for name in patches.NAMES}


def test_a_dspy_that_has_changed_is_left_alone_with_one_line() -> None:
    code = f"""
import dspy.clients.execution as execution
def finalize(lm, call, result): return "other"
execution.finalize = finalize
from dspy.clients.base_lm import BaseLM
before = BaseLM.acall
{OUTCOMES}
assert BaseLM.acall is before
"""
    process = start("", code)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    found = json.loads(out)
    assert found.pop("hops") == "dspy.clients.execution:finalize is not what it was"
    assert set(found.values()) == {"applied"}
    lines = [line for line in err.splitlines() if "patch" in line]
    assert len(lines) == 1
    assert "without the patch hops" in lines[0]


class Target:
    def method(self) -> str:
        return "plain"


def test_a_patch_is_applied_whole_or_not_at_all() -> None:
    part_ = Part(__name__, "Target.method", lambda _: lambda self: "patched")
    missing = Part(__name__, "Target.gone", lambda _: None)
    good = {f"{__name__}:Target.method": digest(f"{__name__}:Target.method")}
    for patch in (
        Patch("p", "r", {f"{__name__}:Target.method": "0" * 12}, (part_,)),
        Patch("p", "r", {f"{__name__}:Target.gone": ""}, (part_,)),
        Patch("p", "r", good, (part_, missing)),
    ):
        try:
            apply(patch)
        except Changed:
            assert Target().method() == "plain"
        else:
            assert patch.read == {f"{__name__}:Target.gone": ""}
            raise AssertionError("a function that cannot be read was taken for one that is known")
    apply(Patch("p", "r", good, (part_,)))
    assert Target().method() == "patched"
