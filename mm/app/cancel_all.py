"""Cancelling by hand when the bot is dead, or is not to be trusted: straight to the exchange, with nothing of
the bot's but its name, and read back until it is proven (control C24).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from mm.core.actions import CancelAll, CancelOrder, QueryAccount
from mm.core.events import AccountReport, AnyEvent, CancelAllDone, OrderReport
from mm.core.units import SECOND, Nanos
from mm.kalshi.calls import RequestAction

CLEAN_READS_NEEDED: Final = 2
READ_EVERY_SECONDS: Final = 1.25  # the balance may be read once a second
SEND_EVERY_SECONDS: Final = 0.05  # within the write allowance of the lowest tier (protocol section 13)
# The exchange's clock and ours may differ by this much (protocol section 2).
CLOCK_TOLERANCE: Final[Nanos] = SECOND


@dataclass(slots=True)
class Swept:
    """``found`` and ``left`` are client order ids, or the exchange's id if there is none. ``is_proven``:
    fresh reads showed nothing more."""

    found: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    others: int = 0
    faults: list[str] = field(default_factory=list)
    is_proven: bool = False


def plain(swept: Swept) -> Mapping[str, object]:
    """For programs."""
    return {
        "ok": swept.is_proven,
        "canceled": sorted(swept.found - swept.left),
        "left": sorted(swept.left),
        "orders_of_others": swept.others,
        "faults": swept.faults,
    }


class Sweep:
    """``send`` carries out one action and returns the event that answers it. ``prefix`` is what the client
    order ids of this installation begin with; empty for every order of the account."""

    def __init__(
        self,
        send: Callable[[RequestAction], AnyEvent],
        prefix: str,
        clock: Callable[[], Nanos] = time.time_ns,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.swept = Swept()
        self._send = send
        self._prefix = prefix
        self._clock = clock
        self._pause = pause
        self._last_send = clock()  # what a bot has sent until now must be seen, too

    def run(self, patience: float) -> Swept:
        """Cancel, and read until proven or ``patience`` seconds are over."""
        deadline = self._clock() + int(patience * SECOND)
        clean = 0
        while clean < CLEAN_READS_NEEDED and self._clock() < deadline:
            report = self._send(QueryAccount(0, self._clock(), "cancel-all"))
            if not isinstance(report, AccountReport):
                self._fault(report)
                clean = 0
            elif ours := self._ours(report):
                clean = 0
                self._cancel(ours)
            elif report.as_of >= self._last_send + CLOCK_TOLERANCE:
                clean += 1
            if clean < CLEAN_READS_NEEDED:
                self._pause(READ_EVERY_SECONDS)
        self.swept.is_proven = clean >= CLEAN_READS_NEEDED
        return self.swept

    def _ours(self, report: AccountReport) -> list[OrderReport]:
        ours = [row for row in report.resting if row.client_order_id.startswith(self._prefix)]
        self.swept.left = set(map(_name, ours))
        self.swept.found |= self.swept.left
        self.swept.others = len(report.resting) - len(ours)
        return ours

    def _cancel(self, orders: list[OrderReport]) -> None:
        """One by one: a cancel-all would take the orders of others with it."""
        if not self._prefix:
            answer = self._send(CancelAll(0, "cancel-all"))
            if not isinstance(answer, CancelAllDone):
                self._fault(answer)
        for order in orders:
            self._send(CancelOrder(0, order.client_order_id, order.order_id, order.ticker, "cancel-all"))
            self._pause(SEND_EVERY_SECONDS)
        self._last_send = self._clock()

    def _fault(self, answer: AnyEvent) -> None:
        """What was met on the way, once each."""
        status, code, message = (str(getattr(answer, name, "")) for name in ("status", "code", "message"))
        text = " ".join(filter(None, (status, code, message)))
        if status == "0":  # nothing came from the exchange
            text = f"no answer ({message.rpartition(' < ')[2]})"
        if text not in self.swept.faults:
            self.swept.faults.append(text)


def _name(order: OrderReport) -> str:
    return order.client_order_id or order.order_id
