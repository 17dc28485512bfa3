"""What `dspool bench` runs in a worker to time requests to a language model."""

import time

import dspy
from dspool_worker.transport import KEY, AsyncTransport, transports


class Asking(dspy.Module):
    """Sends the same request again and again through the host; gives milliseconds and the last answer."""

    async def aforward(self, url, body, times):
        transport = AsyncTransport(dspy.settings.lm._host[0])
        headers = [("Content-Type", "application/json"), ("Authorization", f"Bearer {KEY}")]
        request = transports.TransportRequest(method="POST", url=url, headers=headers, body=body.encode())
        took, answer = [], b""
        for _ in range(times):
            began = time.perf_counter()
            async with transport.stream(request) as response:
                answer = await response.read()
            took.append((time.perf_counter() - began) * 1000)
        return {"took": took, "status": response.status, "answer": answer.decode()}
