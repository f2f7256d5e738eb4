"""The streaming face: turns what the venue announces into frames for whoever subscribed.

Messages wait in a tray, by channel, until the owner flushes it after each action; then the channels go out in
a seeded random order; without a generator, in that of their first message. The order between, say, a fill and
the trade behind it is not documented (protocol section 10.3), so no client may depend on it; within a
subscription the order is always that of the events.
"""

from __future__ import annotations

import random

from mm.sim import stream_bodies as bodies
from mm.sim import stream_life_bodies as life
from mm.sim.stream_subscription import Subscription
from mm.sim.venue import Venue
from mm.sim.words import (
    BookChanged,
    EventAdded,
    EventFeeChanged,
    Filled,
    GroupChanged,
    LifecycleChanged,
    OrderChanged,
    PositionChanged,
    TickerChanged,
    Traded,
)


class Stream:
    """All subscriptions of all connections, found by channel and market."""

    def __init__(self, venue: Venue, generator: random.Random | None) -> None:
        self.venue = venue
        self._random = generator
        self._of_market: dict[tuple[str, str], list[Subscription]] = {}
        self._of_all: dict[str, list[Subscription]] = {}
        self._tray: dict[str, list[tuple[Subscription, str, str]]] = {}
        listeners = venue.listeners  # for some of what the venue says (a move of cash) there is no channel
        listeners.add(self._book_changed, BookChanged)
        listeners.add(self._ticker_changed, TickerChanged)
        listeners.add(self._traded, Traded)
        listeners.add(self._filled, Filled)
        listeners.add(self._order_changed, OrderChanged)
        listeners.add(self._position_changed, PositionChanged)
        listeners.add(self._lifecycle_changed, LifecycleChanged)
        listeners.add(self._group_changed, GroupChanged)
        listeners.add(self._event_added, EventAdded)
        listeners.add(self._event_fee_changed, EventFeeChanged)

    # -- who listens ----------------------------------------------------------------------------------------
    def enlist(self, subscription: Subscription, tickers: list[str] | None) -> None:
        """Let ``subscription`` hear of ``tickers`` from now on; of everything if None."""
        name = subscription.channel.name
        if tickers is None:
            self._of_all.setdefault(name, []).append(subscription)
        for ticker in tickers or ():
            self._of_market.setdefault((name, ticker), []).append(subscription)

    def strike(self, subscription: Subscription, tickers: list[str] | None) -> None:
        """The reverse of `enlist`."""
        name = subscription.channel.name
        if tickers is None:
            self._of_all[name].remove(subscription)
        for ticker in tickers or ():
            self._of_market[name, ticker].remove(subscription)

    def _audience(self, channel: str, ticker: str = "") -> list[Subscription]:
        return [*self._of_market.get((channel, ticker), ()), *self._of_all.get(channel, ())]

    def _members(self, channel: str, ticker: str, user_id: str, subaccount: int) -> list[Subscription]:
        """The audience of what concerns one subaccount of one member."""
        return [
            one
            for one in self._audience(channel, ticker)
            if one.user_id == user_id and one.subaccount in (None, subaccount)
        ]

    # -- what they hear -------------------------------------------------------------------------------------
    def _put(self, channel: str, kind: str, audience: list[Subscription], body: str) -> None:
        tray = self._tray.setdefault(channel, [])
        for subscription in audience:
            tray.append((subscription, kind, body))

    def _book_changed(self, changed: BookChanged) -> None:
        audience = self._of_market.get(("orderbook_delta", changed.ticker))
        if not audience:
            return
        market = self.venue.markets[changed.ticker]
        order = changed.order
        causer = order.user_id if order is not None and order.request.client_order_id else None
        tray = self._tray.setdefault("orderbook_delta", [])
        written, text = None, ""
        for one in audience:
            way = (one.yes_price, one.user_id == causer)
            if way != written:  # most of an audience reads the same text
                written, text = way, bodies.delta(changed, market, yes_price=way[0], is_own=way[1])
            tray.append((one, "orderbook_delta", text))

    def _ticker_changed(self, changed: TickerChanged) -> None:
        audience = self._audience("ticker", changed.ticker)
        if audience:
            market = self.venue.markets[changed.ticker]
            self._put("ticker", "ticker", audience, bodies.ticker(market, self.venue, changed.now))

    def _traded(self, traded: Traded) -> None:
        audience = self._audience("trade", traded.ticker)
        if audience:
            self._put("trade", "trade", audience, bodies.trade(traded))

    def _filled(self, filled: Filled) -> None:
        order = filled.order
        audience = self._members("fill", order.ticker, order.user_id, order.request.subaccount)
        if audience:
            self._put("fill", "fill", audience, bodies.fill(filled))

    def _order_changed(self, changed: OrderChanged) -> None:
        order = changed.order
        audience = self._members("user_orders", order.ticker, order.user_id, order.request.subaccount)
        if audience:
            self._put("user_orders", "user_order", audience, bodies.user_order(order))

    def _position_changed(self, changed: PositionChanged) -> None:
        ticker = changed.position.ticker
        audience = self._members("market_positions", ticker, changed.user_id, changed.subaccount)
        if audience:
            self._put("market_positions", "market_position", audience, bodies.market_position(changed))

    def _lifecycle_changed(self, changed: LifecycleChanged) -> None:
        audience = self._audience("market_lifecycle_v2", changed.ticker)
        if audience:
            body = life.lifecycle(changed.event_type, self.venue.markets[changed.ticker])
            self._put("market_lifecycle_v2", "market_lifecycle_v2", audience, body)

    def _group_changed(self, changed: GroupChanged) -> None:
        audience = self._members("order_group_updates", "", changed.user_id, changed.subaccount)
        if audience:
            self._put("order_group_updates", "order_group_updates", audience, bodies.group(changed))

    def _event_added(self, added: EventAdded) -> None:
        audience = self._audience("market_lifecycle_v2")
        if audience:
            body = life.event(self.venue.events[added.event_ticker])
            self._put("market_lifecycle_v2", "event_lifecycle", audience, body)

    def _event_fee_changed(self, changed: EventFeeChanged) -> None:
        audience = self._audience("market_lifecycle_v2")
        if audience:
            self._put("market_lifecycle_v2", "event_fee_update", audience, life.event_fee(changed))

    def flush(self) -> None:
        """Send what waits in the tray."""
        if not self._tray:
            return
        channels = list(self._tray.items())
        self._tray = {}
        if len(channels) > 1 and self._random is not None:
            self._random.shuffle(channels)
        for _, messages in channels:
            for subscription, kind, body in messages:
                if subscription.is_live:
                    subscription.message(kind, body)

    def snapshot(self, subscription: Subscription, ticker: str, command_id: int = 0) -> None:
        """Send the first message of a market that has one: the book, or the ticker."""
        market = self.venue.markets.get(ticker)
        if market is None:
            return
        if subscription.channel.name == "ticker":
            subscription.message("ticker", bodies.ticker(market, self.venue, self.venue.now))
            return
        body = bodies.snapshot(market, self.venue.book(ticker), yes_price=subscription.yes_price)
        subscription.message("orderbook_snapshot", body, command_id)
