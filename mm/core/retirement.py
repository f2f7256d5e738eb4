"""Lets go of markets that are over for good, so that months of short markets cost no more than a day of them.

For good: settled and paid out, no order of ours in the table, and nothing new for some minutes, because a
fill may be told late. Pure and part of each Tick; what was earned stays in the sums of desk and account.
"""

from __future__ import annotations

from collections.abc import Mapping

from mm.core.desk import Desk
from mm.core.knowledge import Knowledge
from mm.core.units import Nanos


class Retirement:
    """Of all desks."""

    def __init__(self, know: Knowledge, desks: Mapping[str, Desk]) -> None:
        self._know = know
        self._desks = desks

    def step(self, now: Nanos) -> list[str]:
        """The markets that are retired now. One that cannot be yet waits as long once more."""
        know = self._know
        retired: list[str] = []
        quiet_since = now - know.settings.retire_after
        while know.over:
            ticker, since = next(iter(know.over.items()))
            if since > quiet_since:
                break
            del know.over[ticker]
            if self._is_over(ticker, quiet_since):
                self._retire(ticker)
                retired.append(ticker)
            else:
                know.over[ticker] = now
        return retired

    def _is_over(self, ticker: str, quiet_since: Nanos) -> bool:
        know = self._know
        is_known = know.ledger.opening_cash is not None and ticker not in know.breaker.measures.mismatches
        if not is_known or know.orders.of_market(ticker):
            return False
        position = know.ledger.position(ticker)
        return position.is_over and position.changed_at <= quiet_since

    def _retire(self, ticker: str) -> None:
        know = self._know
        market = know.markets.pop(ticker)
        know.tickers[market.desk].remove(ticker)
        know.exposure.forget(ticker)
        know.orders.forget_market(ticker)
        know.retired.begin(ticker, market.desk, market.quotes)
        know.shares.close(ticker, market.desk)
        know.forget(ticker)
        self._desks[market.desk].forget(market)
