"""User code that looks at its trace."""

from dspool_worker import host


async def mine() -> str:
    return host.traceparent()


def fails() -> None:
    raise ValueError("no")
