"""A dspy.Module of the user's own: two steps, one result."""

from typing import Literal

import dspy


class Triage(dspy.Module):
    """Decides how urgent a ticket is, and drafts an answer that fits."""

    def __init__(self) -> None:
        super().__init__()
        self.judge = dspy.Predict(
            dspy.Signature(
                {
                    "ticket": (str, dspy.InputField()),
                    "urgency": (Literal["low", "normal", "high"], dspy.OutputField()),
                },
                "Judge how urgent the ticket is.",
            )
        )
        self.draft = dspy.ChainOfThought("ticket, urgency -> reply")

    async def aforward(self, ticket: str) -> dspy.Prediction:
        judged = await self.judge.acall(ticket=ticket)
        drafted = await self.draft.acall(ticket=ticket, urgency=judged.urgency)
        return dspy.Prediction(urgency=judged.urgency, reply=drafted.reply)
