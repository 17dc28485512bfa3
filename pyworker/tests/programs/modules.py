"""Modules as users write them."""

# mypy: disable-error-code="misc"

from __future__ import annotations

import copy
import datetime
import threading
from typing import Any

import dspy
import pydantic


class Chain(dspy.Module):
    def __init__(self) -> None:
        super().__init__()
        self.draft = dspy.Predict("topic -> draft")
        self.shorten = dspy.Predict("draft -> summary")

    async def aforward(self, topic: str) -> Any:
        draft = await self.draft.acall(topic=topic)
        return await self.shorten.acall(draft=draft.draft)


class SyncChain(dspy.Module):
    def __init__(self) -> None:
        super().__init__()
        self.draft = dspy.Predict("topic -> draft")
        self.shorten = dspy.Predict("draft -> summary")

    def forward(self, topic: str) -> Any:
        return self.shorten(draft=self.draft(topic=topic).draft)


class Twice(dspy.Module):
    def __init__(self) -> None:
        super().__init__()
        self.draft = dspy.Predict("topic -> draft")

    async def aforward(self, topic: str) -> Any:
        await self.draft.acall(topic=topic)
        return await self.draft.acall(topic=topic)


class Copies(dspy.Module):
    """Asks copies of its language model, as optimizers and BestOfN do."""

    def __init__(self) -> None:
        super().__init__()
        self.draft = dspy.Predict("topic -> draft")

    async def aforward(self, topic: str) -> Any:
        lm = dspy.settings.lm
        for other in (lm.copy(rollout_id=1, temperature=1.0), copy.deepcopy(lm)):
            with dspy.context(lm=other):
                last = await self.draft.acall(topic=topic)
        return last


class Best(dspy.Module):
    """Uses a module that has no async side and looks at its own trace."""

    def __init__(self) -> None:
        super().__init__()
        self.best = dspy.BestOfN(dspy.Predict("topic -> draft"), N=2, reward_fn=lambda _, p: len(p.draft), threshold=99)

    def forward(self, topic: str) -> Any:
        return self.best(topic=topic)


class Where(dspy.Module):
    """Says where it runs and what it was given."""

    def __init__(self, greeting: str = "hi", times: int = 1) -> None:
        super().__init__()
        self.greeting = greeting * times

    def forward(self, name: str) -> Any:
        main = threading.current_thread() is threading.main_thread()
        return {"text": f"{self.greeting} {name}", "main": main, "lm": dspy.settings.lm is not None}


class Item(pydantic.BaseModel):
    price: float
    when: datetime.date


class Typed(dspy.Module):
    def forward(self, items: list[Item], image: dspy.Image, note, blob: bytes = b"") -> Any:  # type: ignore[no-untyped-def]
        kinds = [type(one).__name__ for one in (items[0], image, note, blob)]
        return dspy.Prediction(kinds=kinds, total=sum(item.price for item in items), url=image.url)


class Fails(dspy.Module):
    def forward(self, text: str) -> Any:
        raise KeyError(text)


class FailsToStart(dspy.Module):
    def __init__(self) -> None:
        raise RuntimeError("no model file")


class Needs(dspy.Module):
    """Asks an LM whether there is one or not."""

    def __init__(self) -> None:
        super().__init__()
        self.ask = dspy.Predict("text -> answer")

    async def aforward(self, text: str) -> Any:
        return await self.ask.acall(text=text)


class Adder:
    """Not a module, but callable."""

    async def __call__(self, a: int, b: int = 1) -> int:
        return a + b


add = Adder()


def ask(text: str) -> Any:
    """Use DSPy in a plain function."""
    return dspy.Predict("text -> answer")(text=text)


def number() -> float:
    return 5


class Configured(dspy.Module):
    """Says what DSPy is set to."""

    async def aforward(self) -> Any:
        found = dspy.settings
        return {"lm": getattr(found.lm, "model", None), "adapter": type(found.adapter).__name__}


class Conversation:
    """An object that asks a language model and remembers."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.ask_lm = dspy.Predict("question -> answer")

    async def ask(self, question: str) -> list[str]:
        found = await self.ask_lm.acall(question=question)
        self.answers.append(found.answer)
        return self.answers

    def ask_sync(self, question: str) -> list[str]:
        self.answers.append(self.ask_lm(question=question).answer)
        return self.answers

    def __dspool_snapshot__(self) -> list[str]:
        return self.answers

    @classmethod
    def __dspool_restore__(cls, state: list[str]) -> Conversation:
        made = cls()
        made.answers = state
        return made
