"""Raises in the user's own frames."""


class Overdrawn(ValueError):
    """A class of the user's own."""


def _inner(amount: int) -> int:
    raise Overdrawn(f"no money for {amount}")


def pay(amount: int) -> int:
    """Fail two frames deep."""
    return _inner(amount)


async def pay_async(amount: int) -> int:
    """Fail two frames deep, on the loop."""
    return _inner(amount)
