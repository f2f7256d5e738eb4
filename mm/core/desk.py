"""One desk: a strategy, its markets, its limits. Turns what is known into what is wanted and allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from mm.core.events import FeeSchedule
from mm.core.knowledge import Knowledge
from mm.core.market import Market
from mm.core.picture import MarketDecision
from mm.core.risk import Refusal, limit
from mm.core.settings import DeskSettings
from mm.core.strategy import Decision, EventStrategy, EventView, MarketView, Quote, Strategy
from mm.core.units import Count, Nanos

StrategyFactory = Callable[[], Strategy | EventStrategy]
NO_FEES = FeeSchedule(0, 0)
NO_WISH = Decision(note="market not quotable")


class Desk:
    """``new_strategy`` makes one instance a market, or one an event if it prices whole events."""

    def __init__(self, settings: DeskSettings, new_strategy: StrategyFactory, knowledge: Knowledge) -> None:
        self.settings = settings
        self.name = settings.name
        self._new_strategy = new_strategy
        self._know = knowledge
        self._strategies: dict[str, Strategy | EventStrategy] = {}
        self._prices_events = hasattr(new_strategy(), "event_quotes")

    @property
    def tickers(self) -> list[str]:
        """Its markets: those of the settings, and those assigned since."""
        return self._know.tickers[self.name]

    @property
    def quoting_limit(self) -> Count:
        """Quotes stop adding at the breaker's imbalance limit, so that only something wrong passes it."""
        fraction = min(self._know.settings.breaker.max_inventory_imbalance, 1.0)
        return int(self.settings.limits.max_position * fraction)

    def imbalance(self) -> float:
        """The largest position of the desk as a fraction of its limit."""
        markets, held = self._know.markets, self._know.ledger.held.values()
        counts = (
            abs(position.count)
            for position in held
            if position.ticker in markets and markets[position.ticker].desk == self.name
        )
        return max(counts, default=0) / self.settings.limits.max_position

    def forget(self, market: Market) -> None:
        """It is over; so is its event, for a strategy that prices events, if none of its markets is left."""
        self._strategies.pop(market.ticker, None)
        markets = (self._know.markets[ticker] for ticker in self.tickers)
        if self._prices_events and all(other.event_ticker != market.event_ticker for other in markets):
            self._strategies.pop(market.event_ticker, None)

    def decide(self, tickers: list[str], now: Nanos) -> list[MarketDecision]:
        """What this desk wants in these of its markets, after the first gate of risk."""
        if self._prices_events:
            return self._decide_events(tickers, now)
        return [self._decide_market(self._know.markets[ticker], now) for ticker in tickers]

    def _decide_market(self, market: Market, now: Nanos) -> MarketDecision:
        if not market.is_quotable(now):
            return self._allowed(market, None, NO_WISH)
        view = self.view(market, now)
        return self._allowed(market, view, cast(Strategy, self._strategy(market.ticker)).quotes(view))

    def _decide_events(self, tickers: list[str], now: Nanos) -> list[MarketDecision]:
        """An event is decided as a whole if any of its markets is to be looked at."""
        decisions = []
        for event in dict.fromkeys(self._know.markets[ticker].event_ticker for ticker in tickers):
            markets = [self._know.markets[ticker] for ticker in self.tickers]
            markets = [market for market in markets if market.event_ticker == event]
            views = {m.ticker: self.view(m, now) for m in markets if m.is_quotable(now)}
            wishes: dict[str, Decision] = {}
            if views:
                strategy = cast(EventStrategy, self._strategy(event))
                wishes = strategy.event_quotes(EventView(event, now, tuple(views.values())))
            for market in markets:
                wish = wishes.get(market.ticker, NO_WISH) if market.ticker in views else NO_WISH
                decisions.append(self._allowed(market, views.get(market.ticker), wish))
        return decisions

    def _strategy(self, key: str) -> Strategy | EventStrategy:
        found = self._strategies.get(key)
        if found is None:
            found = self._strategies[key] = self._new_strategy()
        return found

    def _allowed(self, market: Market, view: MarketView | None, wish: Decision) -> MarketDecision:
        allowed: list[Quote] = []
        refusals: list[Refusal] = []
        note = wish.note
        if view is not None and wish.quotes:
            allowed, refusals = limit(wish.quotes, view, self.settings.limits)
        if refusals:
            note = "; ".join(filter(None, [note, *dict.fromkeys(refusal.rule for refusal in refusals)]))
        return MarketDecision(
            ticker=market.ticker,
            desk=self.name,
            mid=view.mid if view else None,
            position=self._know.ledger.position(market.ticker).count,
            fair=wish.fair,
            reservation=wish.reservation,
            wanted=wish.quotes,
            allowed=tuple(allowed),
            note=note,
        )

    def view(self, market: Market, now: Nanos) -> MarketView:
        """All that the strategy may know; takes the trades that came since the last view."""
        know = self._know
        position = know.ledger.position(market.ticker)
        resting_bids, resting_asks = know.orders.resting(market.ticker)
        trades, market.trades = tuple(market.trades), []
        depth, speed = know.settings.depth, know.settings.market_speed_permille
        return MarketView(
            ticker=market.ticker,
            now=now * speed // 1_000,
            bids=market.book.bids.levels(depth, resting_bids),
            asks=market.book.asks.levels(depth, resting_asks),
            position=position.count,
            average_cost=position.average_cost,
            max_position=self.quoting_limit,
            grid=market.grid,
            fees=market.fees or NO_FEES,
            time_to_close=None if market.close_ts is None else (market.close_ts - now) * speed // 1_000,
            trades=trades,
            references=know.references,
            realized=position.realized,
            unrealized=position.unrealized,
        )
