"""Replaces parts of asyncio under the server's feet."""

import asyncio


def _broken(*_args: object, **_kwargs: object) -> None:
    raise RuntimeError("asyncio was replaced")


def asyncio_away() -> str:
    """Break the names that a careless server would look up again."""
    for name in ("create_task", "ensure_future", "get_running_loop", "get_event_loop", "to_thread", "Task", "Future", "wait_for"):
        setattr(asyncio, name, _broken)
    asyncio.events.get_running_loop = _broken  # type: ignore[assignment]
    asyncio.tasks.Task = _broken  # type: ignore[assignment,misc]
    return "replaced"
