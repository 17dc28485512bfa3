"""One asyncio process that asks with DSPy's own client, as fast as it is answered.

Reads `{"seconds": 2, "callers": 256}` from descriptor 3, a line a round, and
writes `{"calls": 500, "seconds": 2.1}` or `{"error": "..."}`. Ends with its input.
"""

import asyncio
import json
import os
import sys
import time

import dspy
import uvloop

dspy.configure(lm=dspy.LM("openai/practice", api_base=os.environ["LM_BASE"], api_key="practice", cache=False))
program = dspy.Predict(dspy.Signature("question: str -> answer: str", "Answer in one sentence."))


async def main():
    loop, number = asyncio.get_running_loop(), 0

    async def caller(end):
        nonlocal number
        while time.monotonic() < end:
            number += 1
            own = number
            answer = (await program.acall(question=f"What is {own}+{own}?")).answer
            if answer != str(2 * own):
                raise ValueError(f"{own}+{own} was answered with {answer!r}")

    orders = os.fdopen(3)
    say("ready")
    while line := await loop.run_in_executor(None, orders.readline):
        order = json.loads(line)
        began, before = time.monotonic(), number
        try:
            await asyncio.gather(*(caller(began + order["seconds"]) for _ in range(order["callers"])))
        except Exception as exc:
            say(json.dumps({"error": str(exc)}))
        else:
            say(json.dumps({"calls": number - before, "seconds": time.monotonic() - began}))


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


uvloop.install()
asyncio.run(main())
