"""Makes a strategy's wish smaller until it is allowed. Each limit is a row; a refusal names its row.

There are two gates. `limit` cuts the wish against what the desk may ever want. The `Gate` is asked again
before each request leaves, and counts everything that is open or under way at that moment.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from mm.core.exposure import Exposure
from mm.core.ledger import Ledger
from mm.core.order import Order
from mm.core.settings import RiskLimits
from mm.core.strategy import MarketView, Quote
from mm.core.units import DOLLAR, SIDES, Count, Money, Price, Side

# Looked up once: the name of an Enum's member is slow to look up, and here it is several times a quote.
_BID, _ASK = SIDES


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """``rule`` allowed only ``allowed`` (perhaps 0) of the quote."""

    rule: str
    quote: Quote
    allowed: Count


def value_at_risk(side: Side, price: Price) -> Price:
    """What one contract can lose."""
    return price if side is _BID else DOLLAR - price


# -- first gate: rows (name, how many contracts of the quote are allowed) ----------------------------------
def _on_grid(quote: Quote, view: MarketView, limits: RiskLimits) -> Count:
    return quote.count if view.grid.is_on_grid(quote.price) else 0


def _order_count(quote: Quote, view: MarketView, limits: RiskLimits) -> Count:
    return min(quote.count, limits.max_order_count)


def _order_value(quote: Quote, view: MarketView, limits: RiskLimits) -> Count:
    return min(quote.count, limits.max_order_value // value_at_risk(quote.side, quote.price))


def _collar(quote: Quote, view: MarketView, limits: RiskLimits) -> Count:
    """No reference, no quote (control C03)."""
    mid = view.mid
    return quote.count if mid is not None and abs(quote.price - mid) <= limits.price_collar else 0


def _passive(quote: Quote, view: MarketView, limits: RiskLimits) -> Count:
    """A maker never takes (control C16): the price may not reach the other side of the book."""
    if quote.side is _BID:
        best = view.best_ask
        return quote.count if best is None or quote.price < best else 0
    best = view.best_bid
    return quote.count if best is None or quote.price > best else 0


WISH_ROWS: tuple[tuple[str, Callable[[Quote, MarketView, RiskLimits], Count]], ...] = (
    ("price_grid", _on_grid),
    ("max_order_count", _order_count),
    ("max_order_value", _order_value),
    ("price_collar", _collar),
    ("post_only", _passive),
)


def limit(
    quotes: tuple[Quote, ...], view: MarketView, limits: RiskLimits
) -> tuple[list[Quote], list[Refusal]]:
    """Cut each quote by every row, then each side by the position limit, then pairs that cross."""
    allowed: list[Quote] = []
    refusals: list[Refusal] = []
    # By the sign of the side: an Enum member as a key is hashed in Python.
    room = {1: max(view.max_position - view.position, 0), -1: max(view.max_position + view.position, 0)}
    for quote in quotes:
        count = quote.count
        for rule, row in WISH_ROWS:
            permitted = row(quote, view, limits) if count > 0 else 0
            if permitted < count:
                refusals.append(Refusal(rule, quote, permitted))
                count = permitted
        sign = quote.side.sign
        if count > room[sign]:
            count = room[sign]
            refusals.append(Refusal("max_position", quote, count))
        if count > 0:
            room[sign] -= count
            allowed.append(quote if count == quote.count else Quote(quote.side, quote.price, count))
    if _cross_each_other(allowed):
        refusals.extend(Refusal("self_cross", quote, 0) for quote in allowed)
        allowed = []
    return allowed, refusals


def _cross_each_other(quotes: list[Quote]) -> bool:
    bid, ask = 0, DOLLAR
    for quote in quotes:
        if quote.side is _BID:
            bid = max(bid, quote.price)
        else:
            ask = min(ask, quote.price)
    return bid >= ask


# -- second gate ------------------------------------------------------------------------------------------
class Gate:
    """Asked for each order that is about to leave, with everything open or under way counted."""

    def __init__(self, exposure: Exposure, ledger: Ledger) -> None:
        self._exposure = exposure
        self._ledger = ledger

    def room(self, ticker: str, side: Side, limit: Count) -> Count:
        """How many more contracts may be open on this side, if all of it may lead to ``limit`` at most
        (control C05)."""
        return max(limit - self._exposure.reach(ticker, side), 0)

    def is_affordable(self, ticker: str, limits: RiskLimits, max_total: Money) -> bool:
        """Whether event, account and cash bear the exposure as it is now. Resting orders lock no cash at
        the exchange, so the sum of all that might fill is budgeted here (protocol section 11)."""
        cash = self._ledger.cash
        if cash is None or self._exposure.total > max_total:
            return False
        if self._exposure.of_event(ticker) > limits.max_event_exposure:
            return False
        return self._exposure.total - self._ledger.value_at_risk <= cash


def would_cross(side: Side, price: Price, others: list[Order]) -> bool:
    """Whether any order of ours on the other side could meet this price (control C10)."""
    for order in others:
        if order.side is side or not order.open:
            continue
        ours = {order.price, order.next_price or order.price}
        if (side is _BID and price >= min(ours)) or (side is _ASK and price <= max(ours)):
            return True
    return False
