"""DSPy behind FastAPI, as its deployment guide serves it, with `acall`.

LM_BASE=http://127.0.0.1:8080/v1 python -m uvicorn app:app --workers 2
"""

import contextlib
import os
import sys

import dspy
from fastapi import FastAPI
from pydantic import BaseModel

dspy.configure(lm=dspy.LM("openai/practice", api_base=os.environ["LM_BASE"], api_key="practice", cache=False))
program = dspy.Predict(dspy.Signature("question: str -> answer: str", "Answer in one sentence."))


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI):
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    yield


app = FastAPI(lifespan=lifespan)


class Question(BaseModel):
    question: str


@app.post("/predict")
async def predict(question: Question):
    result = await program.acall(question=question.question)
    return {"answer": result.answer}
