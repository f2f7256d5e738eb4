"""The difference between what a desk wants to have and what it has, as the fewest requests.

An order at a wanted price and near the wanted size is kept, for its place in the queue. A smaller size is an
amend that keeps the place; a price further from the market is one amend, so that there is no moment with two
orders. A price nearer to the market is a new order, because an amend cannot be post-only, and one that meets
an order we have not yet heard of takes it (protocol section 5.2). The old one, which gives less away, stands
in for the new one until that is answered. What is under way is waited for: one request an order at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from mm.core.events import RequestKind
from mm.core.order import Order, OrderState
from mm.core.strategy import Quote
from mm.core.units import CENT, SIDES, Count, Nanos, Price, Side


class Cancel(msgspec.Struct, frozen=True, gc=False):
    order: Order
    reason: str


class Amend(msgspec.Struct, frozen=True, gc=False):
    """``open_count`` is what shall be open afterwards at ``price``."""

    order: Order
    price: Price
    open_count: Count
    reason: str

    @property
    def is_refill(self) -> bool:
        """More at the same price: until then nothing is wrong with the order as it is."""
        return self.price == self.order.price and self.open_count > self.order.open

    @property
    def retreats(self) -> bool:
        """Where the order rests now, whoever takes it gets a good deal more than we want to give: a cent less
        or more would cost it its place in the queue for nothing."""
        return self.order.side.sign * (self.order.price - self.price) > CENT


class Place(msgspec.Struct, frozen=True, gc=False):
    side: Side
    price: Price
    count: Count


class Replace(msgspec.Struct, frozen=True, gc=False):
    """Place the new one, nearer to the market than ``order``, which is not wanted any more once it rests."""

    order: Order
    new: Place


Intent = Cancel | Amend | Replace | Place


def side_of(intent: Intent) -> Side:
    return intent.side if isinstance(intent, Place) else intent.order.side


RANK: dict[type, int] = {Cancel: 0, Amend: 1, Replace: 2, Place: 3}
ARRIVING = (OrderState.PENDING_NEW, OrderState.PENDING_AMEND)


def diff(
    quotes: Sequence[Quote], orders: Sequence[Order], now: Nanos, refill_fraction: float
) -> list[Intent]:
    """Cancels first, then amends (which lessen what may be lost), then replacements, then new orders; within
    each the best price first.

    ``refill_fraction``: an order that is filled in part is topped up (and loses its place) only when less
    than this fraction of the wanted size is left.
    """
    intents: list[Intent] = []
    for side in SIDES:
        wanted = [quote for quote in quotes if quote.side is side]
        ours = [order for order in orders if order.side is side]
        if len(wanted) == len(ours) == 1 and ours[0].is_idle and ours[0].price == wanted[0].price:
            resize = _resize(ours[0], wanted[0], now, refill_fraction)  # as it mostly is
            if resize is not None:
                intents.append(resize)
        elif wanted or ours:
            wanted.sort(key=lambda quote: quote.price, reverse=side is Side.BID)
            intents.extend(_one_side(wanted, ours, now, refill_fraction))
    if len(intents) > 1:
        intents.sort(key=lambda intent: RANK[type(intent)])
    return intents


def _one_side(wanted: list[Quote], ours: list[Order], now: Nanos, refill_fraction: float) -> list[Intent]:
    intents: list[Intent] = []
    idle = {order.price: order for order in ours if order.is_idle}
    spare = [order for order in ours if order.is_idle and idle[order.price] is not order]
    arriving = [order for order in ours if _may_arrive(order)]
    open_wishes: list[Quote] = []
    coming: list[Quote] = []
    for quote in wanted:
        order = idle.pop(quote.price, None)
        if order is not None:
            resize = _resize(order, quote, now, refill_fraction)
            if resize is not None:
                intents.append(resize)
            continue
        order = _take_arriving(arriving, quote.price)
        if order is None:
            open_wishes.append(quote)
        elif order.state is not OrderState.PENDING_AMEND:  # which rests somewhere meanwhile
            coming.append(quote)
    spare.extend(idle.values())
    spare.sort(key=lambda order: order.side.sign * order.price, reverse=True)
    spare = _retreats(spare, open_wishes, now, intents)
    # An order under way to a price no longer wanted is answered first, then moved: it holds a place.
    free = max(len(open_wishes) - len(arriving), 0)
    coming += open_wishes[free:]
    del open_wishes[free:]
    for order in spare:
        if _stands_in(order, coming):
            continue
        if open_wishes and order.side.sign * open_wishes[0].price > order.side.sign * order.price:
            quote = open_wishes.pop(0)
            intents.append(Replace(order, Place(quote.side, quote.price, quote.count)))
        else:
            intents.append(Cancel(order, "not wanted"))
    intents.extend(Place(quote.side, quote.price, quote.count) for quote in open_wishes)
    return intents


def _retreats(orders: list[Order], wishes: list[Quote], now: Nanos, intents: list[Intent]) -> list[Order]:
    """Each to the best wish further from the market than it rests, which it takes off the list; those for
    which there is none."""
    left: list[Order] = []
    for order in orders:
        sign = order.side.sign
        further = next((quote for quote in wishes if sign * quote.price < sign * order.price), None)
        if further is None or order.retry_at > now:
            left.append(order)
        else:
            wishes.remove(further)
            intents.append(Amend(order, further.price, further.count, "price"))
    return left


def _stands_in(order: Order, coming: list[Quote]) -> bool:
    """For a wish that waits for an answer: whatever that is, there is a quote meanwhile. Not where it rests
    nearer to the market than what is wanted. Takes the wish off the list."""
    sign = order.side.sign
    for quote in coming:
        if sign * quote.price > sign * order.price:
            coming.remove(quote)
            return True
    return False


def _resize(order: Order, quote: Quote, now: Nanos, refill_fraction: float) -> Amend | None:
    if order.retry_at > now:
        return None
    open_count = order.open
    if open_count > quote.count:
        return Amend(order, order.price, quote.count, "smaller")
    if open_count < quote.count * refill_fraction:
        return Amend(order, order.price, quote.count, "refill")
    return None


def _may_arrive(order: Order) -> bool:
    """Something under way may still put it where an order is wanted; a create in doubt may rest there."""
    return order.state in ARRIVING or order.doubt is RequestKind.PLACE


def _take_arriving(arriving: list[Order], price: Price) -> Order | None:
    for order in arriving:
        if (order.next_price or order.price) == price:
            arriving.remove(order)
            return order
    return None
