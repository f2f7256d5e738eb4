"""What is asked now and then while we trade, and decides nothing: each watch knows when it is its time."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from mm.core.units import SECOND, Nanos

EVERY: Final[Nanos] = 5 * SECOND


class Watch(Protocol):
    """Looks if it is time for it."""

    async def look(self) -> None: ...


async def go_round(*watches: Watch) -> None:
    """Again and again, the first time at once; ends only by being cancelled."""
    while True:
        for watch in watches:
            await watch.look()
        await asyncio.sleep(EVERY / SECOND)
