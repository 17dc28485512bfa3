"""Swallows every request to stop."""

import asyncio
import time


async def on_the_loop() -> None:
    """Catch the cancellation and go on."""
    while True:
        try:
            await asyncio.sleep(3600)
        except BaseException:  # noqa: BLE001
            continue


def in_a_thread() -> None:
    """Catch the exception that is thrown into the thread and go on."""
    while True:
        try:
            while True:
                time.sleep(0.01)
        except BaseException:  # noqa: BLE001
            continue


def heeds_in_a_thread() -> None:
    """A plain Python loop that can be stopped."""
    while True:
        time.sleep(0.01)
