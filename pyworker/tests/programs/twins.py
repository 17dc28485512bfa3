"""Modules that do what a memory of DSPy's could get wrong: change signatures, types, adapters and settings."""

# mypy: disable-error-code="misc,no-untyped-def,no-untyped-call"

from __future__ import annotations

import enum
from typing import Any, ClassVar, Literal

import dspy
import pydantic


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Item(pydantic.BaseModel):
    name: str
    tags: list[str] = []


class Order(dspy.Signature):
    """Read an order."""

    text: str = dspy.InputField()
    history: dspy.History = dspy.InputField()
    parts: list[Item] = dspy.OutputField(desc="all of them")
    colour: Colour | None = dspy.OutputField()
    size: Literal["s", "l"] = dspy.OutputField()


class Ordering(dspy.Module):
    """Types of its own, nested, and a history."""

    def __init__(self) -> None:
        super().__init__()
        self.read = dspy.Predict(Order)
        self.read.demos = [dspy.Example(text="a", parts=[Item(name="x")], size="s")]

    async def aforward(self, text: str) -> Any:
        turns: list[dict[str, Any]] = [{"text": "hello", "parts": [], "colour": None, "size": "l"}]
        found = await self.read.acall(text=text, history=dspy.History(messages=turns))
        return {"parts": [item.name for item in found.parts], "colour": str(found.colour), "size": found.size}


class Changing(dspy.Module):
    """One predictor whose signature is another one each time."""

    async def aforward(self, text: str) -> Any:
        self.ask = dspy.Predict(dspy.Signature("text: str -> answer: str", "First."))
        answers = [await self.ask.acall(text=text)]
        self.ask.signature.instructions = "Second."
        answers.append(await self.ask.acall(text=text))
        self.ask.signature.output_fields["answer"].json_schema_extra["desc"] = "third"
        answers.append(await self.ask.acall(text=text))
        self.ask.signature = self.ask.signature.with_updated_fields("answer", type_=list[str])
        answers.append(await self.ask.acall(text=text))
        self.ask.signature = self.ask.signature.insert(0, "note", dspy.OutputField(), str)
        answers.append(await self.ask.acall(text=text))
        return [str(answer.answer) for answer in answers]


class Shifting(pydantic.BaseModel):
    """A type that describes itself in another way each time."""

    asked: ClassVar[int] = 0
    value: str

    @classmethod
    def __get_pydantic_json_schema__(cls, schema, handler):
        cls.asked += 1
        return {"type": "object", "title": f"asked {cls.asked} times"}


class Own(dspy.ChatAdapter):
    """An adapter of the user's own, which counts."""

    count = 0

    def format_task_description(self, signature):
        self.count += 1
        return f"{super().format_task_description(signature)} ({self.count})"


class Particular(dspy.Module):
    """Adapters: one of its own, one changed in place, and types that change."""

    async def aforward(self, text: str) -> Any:
        found = []
        changed = dspy.ChatAdapter()
        for adapter in (Own(), dspy.JSONAdapter(), dspy.XMLAdapter(), changed):
            with dspy.context(adapter=adapter):
                for _ in range(2):
                    found.append((await dspy.Predict("text -> answer").acall(text=text)).answer)
                    changed.format_field_description = lambda signature: "Fields."
        shifting = dspy.Predict(dspy.Signature({"text": (str, dspy.InputField()), "v": (Shifting, dspy.OutputField())}))
        with dspy.context(adapter=dspy.JSONAdapter()):
            found += [(await shifting.acall(text=text)).v.value for _ in range(2)]
        return found


class Candidates(dspy.Module):
    """Several answers, options of the call, a direct question to the LM."""

    async def aforward(self, text: str) -> Any:
        ask = dspy.Predict("text -> answer", n=2, temperature=0.9)
        found = await ask.acall(text=text, config={"max_tokens": 77})
        direct = await dspy.settings.lm.acall(text)
        with dspy.context(disable_history=False):
            await ask.acall(text=text, config={"n": 1})
            cost = dspy.settings.lm.history[-1]["cost_details"]["kind"]
        return {"all": list(found.completions.answer), "direct": direct, "cost": cost}


class Threaded(dspy.Module):
    """Sync code, run in a thread."""

    def __init__(self) -> None:
        super().__init__()
        self.think = dspy.ChainOfThought("text: str, sizes: list[int] -> answer: float, parts: dict[str, int]")

    def forward(self, text: str) -> Any:
        return self.think(text=text, sizes=[1, 2])
