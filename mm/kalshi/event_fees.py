"""An event's change of fees, told to each of its markets that we are in."""

from __future__ import annotations

from collections.abc import Iterable

from mm.core.events import MarketStatus
from mm.core.units import Nanos
from mm.kalshi.fees import FeeError, FeeTerms
from mm.kalshi.wire import EventFeeMessage


class EventFees:
    """Keeps the terms of the markets by event: the exchange's message names only the event."""

    def __init__(self) -> None:
        self._terms: dict[str, dict[str, FeeTerms]] = {}

    def learn(self, terms: Iterable[FeeTerms]) -> None:
        """Terms as the catalog read them; the latest word on a market wins."""
        for term in terms:
            self._terms.setdefault(term.event_ticker, {})[term.ticker] = term

    def forget(self, tickers: Iterable[str]) -> None:
        """Of markets that are over."""
        gone = set(tickers)
        for event in list(self._terms):
            kept = {ticker: term for ticker, term in self._terms[event].items() if ticker not in gone}
            if kept:
                self._terms[event] = kept
            else:
                del self._terms[event]

    def update(self, ts: Nanos, message: EventFeeMessage) -> list[MarketStatus]:
        """One status for each known market of the event; none if the event is not ours. A fee type or
        multiplier that is not known makes the terms unknown: those of before hold no longer."""
        return [_status(ts, terms, message) for terms in self._terms.get(message.event_ticker, {}).values()]


def _status(ts: Nanos, terms: FeeTerms, message: EventFeeMessage) -> MarketStatus:
    try:
        fees = terms.schedule(ts, message.fee_type_override, message.fee_multiplier_override)
    except FeeError:
        return MarketStatus(ts, terms.ticker, terms_unknown=True)
    return MarketStatus(ts, terms.ticker, fees=fees)
