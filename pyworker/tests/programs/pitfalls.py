"""Modules of users that step into DSPy's pitfalls."""

# mypy: disable-error-code="misc"

from __future__ import annotations

import time
from typing import Any

import dspy


def _never(*_: Any) -> float:
    raise ValueError("the metric failed")


class Trying(dspy.Module):
    """Tries that fail: their number is counted down in the object."""

    def __init__(self) -> None:
        super().__init__()
        self.best = dspy.BestOfN(dspy.Predict("question -> answer"), N=2, reward_fn=_never, threshold=1.0, fail_count=9)

    def forward(self, question: str) -> Any:
        self.best(question=question)
        return {"left": self.best.fail_count}


class Looking(dspy.Module):
    """Puts what a search has found into a prompt."""

    def __init__(self) -> None:
        super().__init__()
        self.read = dspy.Predict("passages: list[str], image: dspy.Image -> answer")

    async def aforward(self, found: str) -> Any:
        return await self.read.acall(passages=["first", found], image=dspy.Image("https://example.org/i.png"))


def nap() -> str:
    """Sleep as a tool that waits for somebody else."""
    time.sleep(0.3)
    return "rested"


class Acting(dspy.Module):
    """Uses a sync tool in async code."""

    def __init__(self) -> None:
        super().__init__()
        self.tool = dspy.Tool(nap)

    async def aforward(self) -> Any:
        return {"answer": await self.tool.acall()}
