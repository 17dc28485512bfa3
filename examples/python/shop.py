"""Plain Python of a small shop: what `dspool demo` and the examples call by name.

Nothing here knows of dspool. Arguments arrive as the annotations say; what a function returns is the result.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class Line:
    """One line of an order."""

    name: str
    price: float
    count: int = 1


def total(lines: list[Line], discount: float = 0.0) -> dict[str, float]:
    """What an order costs, in the shop's currency."""
    if not 0 <= discount < 1:
        raise ValueError(f"the discount must be at least 0 and below 1, got {discount}")
    net = sum(line.price * line.count for line in lines)
    return {"net": round(net, 2), "to_pay": round(net * (1 - discount), 2)}


async def in_stock(name: str, delay: float = 0.01) -> bool:
    """Asks the warehouse. Many such calls wait at the same time in one worker."""
    await asyncio.sleep(delay)
    return name != "unicorn"


def countdown(start: int) -> Iterator[int]:
    """A generator: each value is one event of a stream."""
    yield from range(start, 0, -1)
