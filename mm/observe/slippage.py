"""Are our fills followed by moves against us? The average over the last fills of a desk, as a warning.

A maker has no slippage in a taker's sense; what costs it is that the market moves through its price. The loss
of a fill is minus its markout after ten seconds (design/quoting.md, "Honest evaluation"), as a part of what
was paid.
"""

from __future__ import annotations

from collections import deque
from typing import ClassVar, NamedTuple

from mm.core.actions import Alert, AlertLevel
from mm.core.events import AccountReport, Fill
from mm.core.picture import EnginePicture, Observed
from mm.core.units import DOLLAR, SECOND, Money, Nanos, Price, Side
from mm.observe.conditions import Conditions, Say
from mm.observe.observer import Watcher
from mm.observe.requests import NewFills

HORIZON: Nanos = 10 * SECOND
# It is over when the average is below this part of the limit.
RELAXED = 0.8


class _Due(NamedTuple):
    ts: Nanos
    desk: str
    fill: Fill


class _Loss(NamedTuple):
    doubled: Money
    paid: Money


class SlippageWatch(Watcher):
    """Warns when ``fills`` fills, the latest, lost more than ``limit`` (a fraction) of what they cost. Fills
    of markets without two sides ten seconds later do not count."""

    EVENTS: ClassVar[frozenset[type]] = frozenset({Fill, AccountReport})

    def __init__(self, say: Say, limit: float, fills: int) -> None:
        super().__init__({Fill: self._filled, AccountReport: self._filled}, {})
        self._conditions = Conditions(say, None)
        self._limit = limit
        self._fills = fills
        self._new_fills = NewFills()
        self._due: deque[_Due] = deque()
        self._losses: dict[str, deque[_Loss]] = {}

    def _filled(self, event: Fill | AccountReport, engine: Observed) -> None:
        for fill in self._new_fills.of(event):
            self._due.append(_Due(event.ts + HORIZON, engine.desk_of(fill.ticker), fill))

    def on_time(self, now: Nanos, engine: Observed) -> None:
        if not self._due or self._due[0].ts > now:
            return
        doubled_mids = _doubled_mids(engine.picture())
        changed = set()
        while self._due and self._due[0].ts <= now:
            due = self._due.popleft()
            mid = doubled_mids.get(due.fill.ticker)
            if mid is not None:
                self._losses.setdefault(due.desk, deque(maxlen=self._fills)).append(_loss(due.fill, mid))
                changed.add(due.desk)
        for desk in sorted(changed):
            self._judge(desk, now)

    def _judge(self, desk: str, now: Nanos) -> None:
        losses = self._losses[desk]
        paid = sum(loss.paid for loss in losses)
        if len(losses) < self._fills or not paid:
            return
        fraction = sum(loss.doubled for loss in losses) / 2 / paid
        if fraction > self._limit:
            text = (
                f"high slippage: the last {self._fills} fills lost {fraction:.2%} of their price within "
                f"{HORIZON // SECOND} s (limit {self._limit:.2%})"
            )
            alert = Alert(AlertLevel.WARNING, "high_slippage", text, desk)
            self._conditions.begin(("slippage", desk), alert, now)
        elif fraction < RELAXED * self._limit:
            self._conditions.end(("slippage", desk), f"slippage is {fraction:.2%} again", now)


def _doubled_mids(picture: EnginePicture) -> dict[str, int]:
    """Twice the mid, in `Price`, of every market that has one."""
    return {
        market.ticker: market.bid[0] + market.ask[0]
        for desk in picture.desks
        for market in desk.markets
        if market.bid is not None and market.ask is not None
    }


def _loss(fill: Fill, doubled_mid: int) -> _Loss:
    paid: Price = fill.price if fill.side is Side.BID else DOLLAR - fill.price
    return _Loss(fill.side.sign * fill.count * (2 * fill.price - doubled_mid), paid * fill.count)
