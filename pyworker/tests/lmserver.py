"""An OpenAI-compatible server for tests: on the test's own loop, answers by a function."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

Request = dict[str, Any]
# A reply is text, a list of texts (its pieces), or (status, body, headers).


def chat(**fields: Any) -> str:
    """Write an answer as ChatAdapter expects it."""
    parts = [f"[[ ## {name} ## ]]\n{value}" for name, value in fields.items()]
    return "\n\n".join([*parts, "[[ ## completed ## ]]"])


class LMServer:
    """Answers with `reply(request)`; keeps requests and their headers."""

    def __init__(self, reply: Callable[[Request], Any]) -> None:
        self.reply = reply
        self.requests: list[Request] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""
        self.open = 0
        self.connections = 0
        self.all_closed = asyncio.Event()
        self.pace: asyncio.Event | None = None  # set: pieces after the first wait for it

    @property
    def definition(self) -> dict[str, Any]:
        """The LM definition that leads here."""
        return {"model": "openai/test", "api_base": self.url, "api_key": "sk-test-secret", "cache": False}

    def prompt(self, index: int = -1) -> str:
        """Give the messages of a request as text."""
        return json.dumps(self.requests[index]["messages"], ensure_ascii=False)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._answer(head, reader, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            self.open -= 1
            if not self.open:
                self.all_closed.set()
            writer.close()

    async def _answer(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = head.decode().split("\r\n")[1:]
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines if line)}
        request = json.loads(await reader.readexactly(int(headers["content-length"])))
        self.requests.append(request)
        self.headers.append(headers)
        reply = self.reply(request)
        if asyncio.iscoroutine(reply):
            reply = await self._unless_closed(reply, reader)
        if isinstance(reply, tuple):
            status, body, more = reply
            _write(writer, status, body if isinstance(body, bytes) else json.dumps(body).encode(), more)
        elif request.get("stream"):
            await self._stream(writer, reply if isinstance(reply, list) else [reply])
        else:
            text = "".join(reply)
            _write(writer, 200, json.dumps(_completion(text)).encode(), {})
        await writer.drain()

    async def _unless_closed(self, reply: Any, reader: asyncio.StreamReader) -> Any:
        """Wait for a reply as long as somebody waits for it."""
        made, closed = asyncio.ensure_future(reply), asyncio.ensure_future(reader.read(1))
        await asyncio.wait([made, closed], return_when=asyncio.FIRST_COMPLETED)
        if made.done():
            closed.cancel()
            return made.result()
        made.cancel()
        raise ConnectionError("the client is gone")

    async def _stream(self, writer: asyncio.StreamWriter, pieces: list[str]) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        for index, piece in enumerate(pieces):
            if index and self.pace is not None:
                await self.pace.wait()
            _event(writer, {"choices": [{"index": 0, "delta": {"role": "assistant", "content": piece}}]})
            await writer.drain()
        _event(writer, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        _event(writer, {"choices": [], "usage": _USAGE})
        writer.write(b"data: [DONE]\n\n")
        await writer.drain()
        writer.close()


_USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}


def _completion(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return {"id": "1", "object": "chat.completion", "created": 0, "model": "test", "choices": choices, "usage": _USAGE}


def _event(writer: asyncio.StreamWriter, data: dict[str, Any]) -> None:
    data = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "test", **data}
    writer.write(b"data: " + json.dumps(data).encode() + b"\n\n")


def _write(writer: asyncio.StreamWriter, status: int, body: bytes, headers: dict[str, str]) -> None:
    lines = [f"HTTP/1.1 {status} X", "content-type: application/json", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)


@asynccontextmanager
async def lm_server(reply: Callable[[Request], Any]) -> AsyncIterator[LMServer]:
    """Run a server until the block ends."""
    lm = LMServer(reply)
    server = await asyncio.start_server(lm.serve, "127.0.0.1", 0, limit=64 << 20)
    lm.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield lm
    finally:
        server.close()


@contextmanager
def lm_server_beside(reply: Callable[[Request], Any]) -> Iterator[LMServer]:
    """Run a server on a loop of its own in a thread, for tests that have no loop."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    manager = lm_server(reply)
    try:
        yield asyncio.run_coroutine_threadsafe(manager.__aenter__(), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(_close(manager), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _close(manager: Any) -> None:
    await manager.__aexit__(None, None, None)
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
