"""Takes the picture of the engine that observers see. Made on request, never on the way of an order."""

from __future__ import annotations

from mm.core.continuity import remember
from mm.core.desk import Desk
from mm.core.events import MarketState
from mm.core.knowledge import Knowledge
from mm.core.ledger import Position
from mm.core.market import Market
from mm.core.order import OrderState
from mm.core.picture import DeskPicture, EnginePicture, MarketPicture, OrderPicture
from mm.core.units import Nanos, Price, Side


def photograph(
    know: Knowledge, desks: list[Desk], mode: str, now: Nanos, last_reconcile: Nanos
) -> EnginePicture:
    """Everything, as of the last event."""
    return EnginePicture(
        now=now,
        mode=mode,
        link_up=know.link_up,
        desks=tuple(_desk(desk, know, now) for desk in desks),
        orders=tuple(
            OrderPicture(
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
            )
            for order in know.orders
        ),
        breaker=know.breaker.picture(),
        cash=know.ledger.cash,
        last_reconcile=last_reconcile,
        memory=remember(know, now),
    )


def _desk(desk: Desk, know: Knowledge, now: Nanos) -> DeskPicture:
    markets = tuple(_market(know.markets[ticker], desk, know, now) for ticker in desk.tickers)
    return DeskPicture(
        name=desk.name,
        strategy=desk.settings.strategy,
        markets=markets,
        realized=sum(market.realized for market in markets),
        unrealized=sum(market.unrealized for market in markets),
        fees=sum(market.fees for market in markets),
        inventory_imbalance=desk.imbalance(),
        breaker=know.breaker.picture(desk.name),
    )


def _market(market: Market, desk: Desk, know: Knowledge, now: Nanos) -> MarketPicture:
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
        time_to_close=None if market.close_ts is None else market.close_ts - now,
    )


def _own_spread(ticker: str, know: Knowledge) -> Price:
    """Between our own best resting quotes; 0 unless both sides rest."""
    resting = [order for order in know.orders.of_market(ticker) if order.state is OrderState.RESTING]
    bids = [order.price for order in resting if order.side is Side.BID]
    asks = [order.price for order in resting if order.side is Side.ASK]
    return min(asks) - max(bids) if bids and asks else 0
