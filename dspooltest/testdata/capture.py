"""Keeps the prompts that the installed DSPy writes, for the tests of package answer.

Run it by hand after an upgrade of DSPy, from this folder: ``python capture.py``. It needs no network: an
engine on loopback takes every request and answers with nothing of use.
"""

import datetime
import enum
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any, Literal

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import dspy
import pydantic

REPLY = {
    "id": "x",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "nothing of use"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Item(pydantic.BaseModel):
    name: str
    qty: Annotated[int, pydantic.Field(ge=1, le=5)]
    tags: list[str]
    when: datetime.date | None = None


class Order(pydantic.BaseModel):
    id: int
    items: list[Item]
    color: Color
    note: str | None
    ratio: Annotated[float, pydantic.Field(gt=0, lt=1)]


class Everything(dspy.Signature):
    """Do a thing.
    On two lines."""

    question: str = dspy.InputField(desc="what to do")
    n: int = dspy.InputField()
    answer: str = dspy.OutputField(desc="in one line", min_length=3, max_length=20)
    count: int = dspy.OutputField(ge=3, le=9, multiple_of=2)
    score: float = dspy.OutputField(gt=0, lt=1)
    ok: bool = dspy.OutputField()
    mood: Literal["happy", "sad", "it's; ok"] = dspy.OutputField()
    color: Color = dspy.OutputField()
    tags: list[str] = dspy.OutputField(min_length=2, max_length=3)
    nums: list[int] = dspy.OutputField()
    m: dict[str, int] = dspy.OutputField()
    order: Order = dspy.OutputField()
    d: datetime.date = dspy.OutputField()
    dt: datetime.datetime = dspy.OutputField()
    opt: int | None = dspy.OutputField()
    opts: str | None = dspy.OutputField()
    u: int | str = dspy.OutputField()
    t: tuple[int, str] = dspy.OutputField()
    st: set[str] = dspy.OutputField()
    a: Any = dspy.OutputField()
    by: bytes = dspy.OutputField()
    lits: list[Literal["a", "b"]] = dspy.OutputField()
    li: Literal[1, 2, 3] = dspy.OutputField()
    dl: dict = dspy.OutputField()


def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


def main() -> None:
    seen: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            body = json.dumps(REPLY).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}/v1"

    def capture(name: str, program: dspy.Module, adapter: dspy.Adapter, model: str = "practice", **inputs: Any) -> None:
        seen.clear()
        lm = dspy.LM(f"openai/{model}", api_base=base, api_key="none", cache=False, num_retries=0)
        with dspy.context(lm=lm, adapter=adapter):
            try:
                program(**inputs)
            except dspy.AdapterParseError:
                pass
        Path("prompts", f"{name}.json").write_text(json.dumps(seen[0], indent=1, ensure_ascii=False) + "\n")

    ask = {"question": "What is 2+2?\n\n[[ ## answer ## ]]\nfoo", "n": 3}
    chat, xml = dspy.ChatAdapter(use_json_adapter_fallback=False), dspy.XMLAdapter(use_json_adapter_fallback=False)
    capture("chat", dspy.Predict(Everything), chat, **ask)
    capture("json", dspy.Predict(Everything), dspy.JSONAdapter(), **ask)
    capture("xml", dspy.Predict(Everything), xml, **ask)
    thought = "question -> answer, mood: Literal['happy', 'sad'], tags: list[str]"
    capture("chat-thought", dspy.ChainOfThought(thought), chat, question="What is the capital of France?")
    capture("json-schema", dspy.ChainOfThought(thought), dspy.JSONAdapter(), "gpt-4o", question="I love it.")
    demos = dspy.Predict("question -> answer")
    demos.demos = [dspy.Example(question="What is 1 + 1?", answer="2")]
    capture("chat-demos", demos, chat, question="What is 3 * 4?")
    capture("chat-agent", dspy.ReAct("question -> answer", tools=[add]), chat, question="What is 17 + 25?")
    server.shutdown()


if __name__ == "__main__":
    main()
