"""Takes the picture of the engine that observers see. Made on request, never on the way of an order.

It is asked for at every beat of the trading loop, so nothing is drawn twice: what looks as it did is the same
immutable struct as in the picture before, and sums are kept as their parts change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mm.core.continuity import remember
from mm.core.desk import Desk
from mm.core.events import MarketState
from mm.core.knowledge import Knowledge
from mm.core.market import Market
from mm.core.order import Order, OrderState
from mm.core.picture import DeskPicture, EnginePicture, MarketPicture, OrderPicture
from mm.core.position import Position
from mm.core.units import Money, Nanos, Price, Side


class Photographer:
    """Keeps the latest pictures. What to draw again it learns from what `Knowledge`, its ledger and its order
    table note as they change."""

    def __init__(self, know: Knowledge, desks: Mapping[str, Desk]) -> None:
        self._know = know
        self._albums = {name: _Album(desk, know) for name, desk in desks.items()}
        self._orders = _Orders(know)

    def take(self, mode: str, now: Nanos, last_reconcile: Nanos) -> EnginePicture:
        """Everything, as of the last event."""
        know = self._know
        for changed in (know.stale, know.orders.moved, know.ledger.moved):
            self.draw_markets(changed)
        self.draw_orders(know.orders.changed)
        know.stale.clear()
        know.orders.moved.clear()
        know.orders.changed.clear()
        return self.frame(mode, now, last_reconcile)

    def draw_markets(self, tickers: Iterable[str]) -> None:
        for ticker in tickers:
            market = self._know.markets.get(ticker)
            if market is not None:
                self._albums[market.desk].draw(market)

    def draw_orders(self, client_order_ids: Iterable[str]) -> None:
        for client_order_id in client_order_ids:
            self._orders.draw(client_order_id)

    def frame(self, mode: str, now: Nanos, last_reconcile: Nanos) -> EnginePicture:
        """Of what is drawn."""
        know = self._know
        return EnginePicture(
            now=now,
            mode=mode,
            link_up=know.link_up,
            desks=tuple(album.picture() for album in self._albums.values()),
            orders=self._orders.pictures(),
            breaker=know.breaker.picture(),
            cash=know.ledger.cash,
            last_reconcile=last_reconcile,
            memory=remember(know, now),
        )


def photograph(
    know: Knowledge, desks: Mapping[str, Desk], mode: str, now: Nanos, last_reconcile: Nanos
) -> EnginePicture:
    """The same from nothing, slowly, and without a trace."""
    fresh = Photographer(know, desks)
    fresh.draw_markets(know.markets)
    fresh.draw_orders(know.orders.by_client_id)
    return fresh.frame(mode, now, last_reconcile)


class _Album:
    """The markets of one desk, and their sums."""

    def __init__(self, desk: Desk, know: Knowledge) -> None:
        self._desk = desk
        self._know = know
        self._drawn: dict[str, MarketPicture] = {}
        self._retired = 0
        self._realized: Money = 0
        self._unrealized: Money = 0
        self._fees: Money = 0

    def draw(self, market: Market) -> None:
        before = self._drawn.get(market.ticker)
        if before is not None:
            self._count(before, -1)
        self._drawn[market.ticker] = drawn = _market(market, self._desk, self._know)
        self._count(drawn, 1)

    def picture(self) -> DeskPicture:
        know, desk = self._know, self._desk
        self._drop_retired()
        retired, measures = know.retired.of_desk[desk.name], know.breaker.measures.desks[desk.name]
        return DeskPicture(
            name=desk.name,
            strategy=desk.settings.strategy,
            markets=tuple(self._drawn.values()),
            realized=self._realized + retired.realized,
            unrealized=self._unrealized,
            fees=self._fees + retired.fees,
            inventory_imbalance=desk.imbalance(),
            breaker=know.breaker.picture(desk.name),
            retired=retired,
            round_trips=measures.round_trips,
            round_trips_won=measures.round_trips_won,
        )

    def _drop_retired(self) -> None:
        """Markets only ever come at the end, except when one goes: then the order is put right."""
        if self._retired == self._know.retired.added:
            return
        self._retired = self._know.retired.added
        for ticker in self._drawn.keys() - dict.fromkeys(self._desk.tickers).keys():
            self._count(self._drawn[ticker], -1)
        self._drawn = {ticker: self._drawn[ticker] for ticker in self._desk.tickers}

    def _count(self, market: MarketPicture, sign: int) -> None:
        self._realized += sign * market.realized
        self._unrealized += sign * market.unrealized
        self._fees += sign * market.fees


class _Orders:
    """Our orders, in the order of the table."""

    def __init__(self, know: Knowledge) -> None:
        self._know = know
        self._drawn: dict[str, OrderPicture] = {}
        self._removed = 0

    def draw(self, client_order_id: str) -> None:
        order = self._know.orders.by_client_id.get(client_order_id)
        if order is not None:
            self._drawn[client_order_id] = _order(order)

    def pictures(self) -> tuple[OrderPicture, ...]:
        """Orders only ever come at the end, except when one goes: then the order is put right."""
        orders = self._know.orders
        if self._removed != orders.removed:
            self._removed = orders.removed
            self._drawn = {name: self._drawn[name] for name in orders.by_client_id}
        return tuple(self._drawn.values())


def _order(order: Order) -> OrderPicture:
    return OrderPicture(
        order.client_order_id,
        order.order_id,
        order.desk,
        order.ticker,
        order.side,
        order.price,
        order.count,
        order.filled,
        order.state.value,
        order.placed_at,
        order.changed_at,
    )


def _market(market: Market, desk: Desk, know: Knowledge) -> MarketPicture:
    position = know.ledger.positions.get(market.ticker) or Position(market.ticker)
    return MarketPicture(
        ticker=market.ticker,
        desk=desk.name,
        state=market.state or MarketState.UNOPENED,
        in_sync=market.book.in_sync,
        bid=market.book.best_bid(),
        ask=market.book.best_ask(),
        mark=position.mark,
        position=position.count,
        average_cost=position.average_cost,
        realized=position.realized,
        unrealized=position.unrealized,
        fees=position.fees,
        fills=position.fills,
        quotes=market.quotes,
        spread_width=_own_spread(market.ticker, know),
        max_position=desk.settings.limits.max_position,
        close_ts=market.close_ts,
    )


def _own_spread(ticker: str, know: Knowledge) -> Price:
    """Between our own best resting quotes; 0 unless both sides rest."""
    resting = [order for order in know.orders.of_market(ticker) if order.state is OrderState.RESTING]
    bids = [order.price for order in resting if order.side is Side.BID]
    asks = [order.price for order in resting if order.side is Side.ASK]
    return min(asks) - max(bids) if bids and asks else 0
