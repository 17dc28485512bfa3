"""Makes an event loop while it is imported."""

import asyncio

LOOP = asyncio.new_event_loop()
