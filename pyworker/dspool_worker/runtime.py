"""What every call of a worker shares."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING

from .ledger import Ledger
from .settings import Settings
from .threads import Threads

if TYPE_CHECKING:
    from .connection import Connection
    from .guard import Guard
    from .hostcalls import HostCalls
    from .instances import Instances


@dataclasses.dataclass(slots=True)
class Runtime:
    """The parts of one worker, for the calls and programs in it."""

    settings: Settings
    loop: asyncio.AbstractEventLoop
    ledger: Ledger
    threads: Threads
    guard: Guard
    connection: Connection
    host: HostCalls
    objects: Instances
