"""Positions as stories for the log: entered, and closed with what they earned.

One position a market. What was held before this run saw it has no beginning here, so its profit is unknown.
"""

from __future__ import annotations

from typing import Any

import msgspec

from mm.core.events import Fill
from mm.core.units import Count, Money, Price
from mm.observe.plain import amount, contracts, dollars

Word = tuple[str, dict[str, Any]]


class _Trip(msgspec.Struct):
    """``flow``: cash of its fills less fees, as if a short sold YES; None if its beginning was not seen."""

    count: Count
    flow: Money | None

    def trade(self, signed: Count, price: Price, fee: Money) -> None:
        self.count += signed
        if self.flow is not None:
            self.flow -= signed * price + fee


class RoundTrips:
    """Told of every fill once and of every settlement, it says which words of the log they are."""

    def __init__(self) -> None:
        self._trips: dict[str, _Trip] = {}

    def fill(self, fill: Fill, after: Count) -> list[Word]:
        """``after``: the market's position with this fill. One fill may close and enter."""
        signed = fill.side.sign * fill.count
        before = after - signed
        trip = self._trips.get(fill.ticker)
        if before and (trip is None or trip.count != before):
            trip = self._trips[fill.ticker] = _Trip(before, None)
        if before and trip is not None and (after == 0 or before * after < 0):
            closed = self._close(fill.ticker, -before, fill.price, fill.fee, "fill")
            return [*closed, *(self._enter(fill.ticker, after, fill.price, 0) if after else [])]
        if before and trip is not None:
            trip.trade(signed, fill.price, fill.fee)
            return []
        return self._enter(fill.ticker, after, fill.price, fill.fee) if after else []

    def settled(self, ticker: str, value: Price) -> list[Word]:
        """The market paid ``value`` for YES."""
        trip = self._trips.get(ticker)
        return [] if trip is None else self._close(ticker, -trip.count, value, 0, "settled")

    def _enter(self, ticker: str, count: Count, price: Price, fee: Money) -> list[Word]:
        self._trips[ticker] = _Trip(count, -count * price - fee)
        fields = {"position_id": ticker, "market_id": ticker, "entry_price": dollars(price)}
        return [("position_entered", {**fields, "size": contracts(count)})]

    def _close(self, ticker: str, signed: Count, price: Price, fee: Money, reason: str) -> list[Word]:
        trip = self._trips.pop(ticker)
        trip.trade(signed, price, fee)
        pnl = None if trip.flow is None else amount(trip.flow)
        fields = {"position_id": ticker, "market_id": ticker, "exit_price": dollars(price)}
        return [
            ("position_closed", {**fields, "pnl": pnl, "size": contracts(-signed), "exit_reason": reason})
        ]
