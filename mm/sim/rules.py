"""What makes the exchange refuse an order before it reaches the book (protocol sections 3.1, 5, 11)."""

from __future__ import annotations

from mm.sim.floor import Floor
from mm.sim.grids import is_on_grid
from mm.sim.ledger import Account, cash_effect
from mm.sim.used_ids import UsedIds
from mm.sim.words import MONEY_ONE, BookSide, Market, OrderRequest, VenueError

SECOND = 1_000_000_000
MAX_OPEN_ORDERS = 200_000
_CANCELABLE = ("active", "inactive")


def paused(floor: Floor) -> VenueError:
    """What a pause answers to what it does not let through."""
    return VenueError(floor.switches.trading_is_paused_status, "trading_is_paused")


def require_entry(floor: Floor, market: Market) -> None:
    """New orders and amends need a location, an open market and running trading."""
    require_region(floor, market)
    if not (floor.exchange_active and floor.trading_active):
        raise paused(floor)
    if market.status != "active":
        raise VenueError(floor.switches.market_not_open_status, floor.switches.market_not_open_code)


def require_region(floor: Floor, market: Market) -> None:
    """Once their location attestation has lapsed, keys cannot trade some categories (protocol section 2). The
    code of this 403 was never captured."""
    lapses = floor.region_expires_ns
    if lapses is None or floor.now < lapses:
        return
    category = floor.series[floor.events[market.event_ticker].series_ticker].category
    if category in floor.switches.region_categories.split(","):
        raise VenueError(403, "forbidden", details=f"the location attestation for {category} has lapsed")


def require_cancel(floor: Floor, market: Market) -> None:
    """Cancels and decreases pass a trading pause, but neither an exchange pause nor the close."""
    if not floor.exchange_active:
        raise paused(floor)
    if market.status not in _CANCELABLE:
        raise VenueError(floor.switches.market_not_open_status, floor.switches.market_not_open_code)


def require_price(market: Market, price: int) -> None:
    if not is_on_grid(market.price_ranges, price):
        raise VenueError(400, "invalid_price", details=f"{price / 10_000:.4f} is not on the grid")


def require_expiration(floor: Floor, expiration_s: int) -> None:
    """``expiration_s``: unix seconds, 0 for none."""
    if expiration_s and expiration_s * SECOND <= floor.now:
        raise VenueError(
            400, floor.switches.order_semantics_code, details="Expiration timestamp must be in the future"
        )


def require_valid(floor: Floor, market: Market, request: OrderRequest) -> None:
    """The request's own terms, whatever the state of the account."""
    semantics = floor.switches.order_semantics_code
    if request.count <= 0:
        raise VenueError(400, "invalid_order_size", details="count must be positive")
    require_price(market, request.price)
    if request.expiration_s and request.time_in_force != "good_till_canceled":
        details = f"Cannot specify both {request.time_in_force} and expiration_ts"
        raise VenueError(400, semantics, details=details)
    require_expiration(floor, request.expiration_s)
    if request.reduce_only and request.time_in_force != "immediate_or_cancel":
        raise VenueError(400, semantics, details="reduce_only requires immediate_or_cancel")
    if request.post_only and request.time_in_force != "good_till_canceled":
        raise VenueError(400, semantics, details="post_only requires good_till_canceled")


def require_fresh_id(floor: Floor, account: Account, client_order_id: str) -> None:
    """A client order id is never used twice by a member, not even after a kill or a cancel (section 5.4), nor
    in another subaccount (open point (k), a switch)."""
    if client_order_id in used_ids(floor, account):
        raise VenueError(409, "order_already_exists", "order already exists")


def used_ids(floor: Floor, account: Account) -> UsedIds:
    """The client order ids that this account cannot use again; to be added to."""
    is_shared = floor.switches.client_order_id_of == "account"
    return (account.owner if is_shared else account).client_order_ids


def require_allowed_position(floor: Floor, account: Account, ticker: str, side: BookSide, count: int) -> None:
    """By switch: what would be held if all of an order filled is within the market's limit, or less than is
    held now."""
    most = floor.switches.most_position
    if not most:
        return
    held = account.positions[ticker].count if ticker in account.positions else 0
    after = held + (count if side == "bid" else -count)
    if abs(after) > max(most, abs(held)):
        raise VenueError(floor.switches.position_limit_status, floor.switches.position_limit_code)


def order_cost(
    floor: Floor, account: Account, ticker: str, side: BookSide, price: int, count: int, *, is_taker: bool
) -> int:
    """Money needed to fill all of ``count`` at its limit with its fee, net of the position it closes."""
    effect = cash_effect(account, ticker, side, price, count).effect
    return floor.fee_terms[ticker].trade_fee(price, count, is_taker=is_taker) - effect


def require_cash(
    floor: Floor,
    account: Account,
    request: OrderRequest,
    price: int,
    count: int,
    *,
    takes: bool,
    except_order: str = "",
) -> None:
    """The order on its own must be payable now; by switch, beside all others that rest. ``takes``: it may
    have to pay a taker's fee."""
    if account.is_crowd:
        return
    need = order_cost(floor, account, request.ticker, request.side, price, count, is_taker=takes)
    shard = floor.markets[request.ticker].exchange_index
    if floor.switches.resting_orders_lock_cash:
        need += _locked(floor, account, shard, except_order)
    available = account.cash_on(shard)
    if need > available:
        raise VenueError(
            400,
            "insufficient_balance",
            details=f"{_dollars(need)} needed, {_dollars(available)} available",
        )


def _dollars(money: int) -> str:
    return f"${money / MONEY_ONE:.6f}"


def _locked(floor: Floor, account: Account, shard: int, except_order: str) -> int:
    total = 0
    for order_id, one in account.resting.items():
        if order_id != except_order and one.order is not None and one.order.exchange_index == shard:
            ticker = one.order.request.ticker
            cost = order_cost(floor, account, ticker, one.side, one.price, one.remaining, is_taker=False)
            total += max(cost, 0)
    return total


def require_funds(account: Account, market: Market) -> None:
    """Who never had cash on a market's shard is not known there (protocol section 9)."""
    if market.exchange_index and market.exchange_index not in account.elsewhere:
        raise VenueError(404, "user_not_found", details=f"no funds on shard {market.exchange_index}")


def require_room(account: Account) -> None:
    if sum(len(one.resting) for one in account.owner.all()) >= MAX_OPEN_ORDERS:
        raise VenueError(400, "invalid_order", details="too many open orders")
