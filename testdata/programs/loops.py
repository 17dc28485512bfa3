"""Programs that ask a language model more than once. Preloaded: nothing here holds a key."""

from __future__ import annotations

import dspy


class Loop(dspy.Module):
    """Asks as often as it is told, each time about the answer before."""

    def __init__(self) -> None:
        super().__init__()
        self.step = dspy.Predict("question -> answer")

    async def aforward(self, question: str, times: int) -> dspy.Prediction:
        found = dspy.Prediction(answer="")
        for number in range(times):
            found = await self.step.acall(question=f"{number}: {question} {found.answer}")
        return found
