"""Who earned what: each desk's part in the P&L of the ledger, which knows only markets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mm.core.ledger import Ledger
from mm.core.market import Market
from mm.core.measures import Measures
from mm.core.retired import Retired
from mm.core.units import Money


class Shares:
    """Looks only at markets whose P&L has moved since the last time."""

    def __init__(
        self, ledger: Ledger, markets: Mapping[str, Market], measures: Measures, retired: Retired
    ) -> None:
        self._ledger = ledger
        self._markets = markets
        self._desks = measures.desks
        self._retired = retired

    def bring_up_to_date(self) -> dict[str, None]:
        """The desks' P&L is that of the ledger again. Returns the markets where it had moved."""
        moved = self._ledger.moved
        if moved:
            for ticker, desk, pnl in self._moved():
                self._desks[desk].earned(ticker, pnl)
            self._ledger.moved = {}
        return moved

    def pnl_of_desk(self) -> dict[str, Money]:
        """Over all runs, up to this moment. Changes nothing: who looks on may not change what trips."""
        found = {name: desk.pnl for name, desk in self._desks.items()}
        for ticker, desk, pnl in self._moved():
            found[desk] += self._desks[desk].gain(ticker, pnl)
        return found

    def close(self, ticker: str, desk: str) -> None:
        """A settled market is no longer kept by itself: what it has earned goes into the sums of its desk."""
        position = self._ledger.retire(ticker)
        self._desks[desk].retired(ticker, position.pnl)
        self._retired.add(desk, position)

    def _moved(self) -> Iterator[tuple[str, str, Money]]:
        """Ticker, desk and P&L of this run."""
        positions = self._ledger.positions
        for ticker in self._ledger.moved:
            market = self._markets.get(ticker)
            if market is not None and ticker in positions:
                yield ticker, market.desk, positions[ticker].pnl
