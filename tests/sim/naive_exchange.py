"""A second, slow and obvious exchange of one market, to hold the venue against.

It keeps every order for ever in one list and looks through all of it each time; positions and cash are added
up from the list of all fills; money is in fractions of a dollar. It shares no code with the venue but the
words of a request and of a switch. Rules are those of protocol sections 5, 6, 11 and 12, one paragraph of
code each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from fractions import Fraction

from mm.sim.switches import AmendCross
from mm.sim.words import BookSide, OrderRequest

CROWD = "crowd"
ZERO = Fraction(0)


class NaiveRefusal(Exception):
    """``args[0]`` is the exchange's code."""


@dataclass
class NaiveOrder:
    """``place``: the smaller, the earlier in its queue. ``saved``: dollars its rounding has piled up."""

    user: str
    request: OrderRequest
    price: int
    count: int
    open: int
    place: int
    status: str = "resting"
    reason: str = ""
    filled: int = 0
    fees: Fraction = ZERO
    saved: Fraction = ZERO

    @property
    def account(self) -> tuple[str, int]:
        return self.user, self.request.subaccount


@dataclass
class NaiveFill:
    account: tuple[str, int]
    signed: int
    dollars: Fraction


@dataclass
class NaiveGroup:
    user: str
    limit: int
    matches: list[tuple[int, int]] = field(default_factory=list)
    is_triggered: bool = False


class NaiveExchange:
    """``cash``: dollars of each account at the start; ``unit``: step of a balance; ``maker_share``: of the
    taker's fee; ``cross``: what an amend does to a post-only order that it makes cross. Times in seconds."""

    def __init__(
        self, cash: dict[tuple[str, int], Fraction], unit: Fraction, maker_share: Fraction, cross: AmendCross
    ) -> None:
        self.start = cash
        self.unit = unit
        self.maker_share = maker_share
        self.cross = cross
        self.now = 0
        self.orders: list[NaiveOrder] = []
        self.fills: list[NaiveFill] = []
        self.groups: dict[str, NaiveGroup] = {}
        self.used_ids: set[tuple[str, str]] = set()
        self.is_paused = self.is_active = False
        self.is_active = True
        self.places = 0

    # -- what there is --------------------------------------------------------------------------------------
    def resting(self) -> list[NaiveOrder]:
        return sorted((one for one in self.orders if one.status == "resting"), key=lambda one: one.place)

    def queue(self, side: BookSide) -> list[NaiveOrder]:
        """Best price first, and the earlier first within a price."""
        sign = -1 if side == "bid" else 1
        mine = [one for one in self.resting() if one.request.side == side]
        return sorted(mine, key=lambda one: (sign * one.price, one.place))

    def position(self, account: tuple[str, int]) -> int:
        return sum(fill.signed for fill in self.fills if fill.account == account)

    def cash(self, account: tuple[str, int]) -> Fraction:
        return self.start[account] + sum(fill.dollars for fill in self.fills if fill.account == account)

    def crossing(self, side: BookSide, price: int) -> list[NaiveOrder]:
        other = self.queue("ask" if side == "bid" else "bid")
        return [one for one in other if (one.price <= price if side == "bid" else one.price >= price)]

    # -- money ----------------------------------------------------------------------------------------------
    def revenue(self, account: tuple[str, int], side: BookSide, price: int, count: int) -> Fraction:
        """Dollars a fill brings before fees: each pair closed pays one, each contract is paid for."""
        held = self.position(account)
        closes = max(0, min(count, -held if side == "bid" else held))
        paid = Fraction(price if side == "bid" else 10_000 - price, 10_000)
        return Fraction(closes, 100) - Fraction(count, 100) * paid

    def model_fee(self, price: int, count: int, *, is_taker: bool) -> Fraction:
        p = Fraction(price, 10_000)
        exact = Fraction(7, 100) * Fraction(count, 100) * p * (1 - p) * (1 if is_taker else self.maker_share)
        return Fraction(math.ceil(exact * 1_000_000), 1_000_000)

    def net_fee(self, order: NaiveOrder, revenue: Fraction, fee: Fraction) -> tuple[Fraction, Fraction]:
        """What it pays, and what stays saved (section 12)."""
        if order.user == CROWD:
            return fee, ZERO
        u = self.unit
        rounding = (revenue - fee) - math.floor((revenue - fee) / u) * u
        saved = order.saved + rounding
        rebate = min(math.floor(saved / u) * u, math.floor((fee + rounding) / u) * u)
        return fee + rounding - rebate, saved - rebate

    def require_cash(
        self, account: tuple[str, int], request: OrderRequest, price: int, count: int, *, takes: bool
    ) -> None:
        fee = self.model_fee(price, count, is_taker=takes)
        if fee - self.revenue(account, request.side, price, count) > self.cash(account):
            raise NaiveRefusal("insufficient_balance")

    # -- create ---------------------------------------------------------------------------------------------
    def create(self, user: str, request: OrderRequest) -> NaiveOrder:
        if request.price % 100:
            raise NaiveRefusal("invalid_price")
        if request.expiration_s and request.expiration_s <= self.now:
            raise NaiveRefusal("invalid_order")
        if request.order_group_id and self.group(user, request.order_group_id).is_triggered:
            raise NaiveRefusal("invalid_order")
        self.require_open()
        self.require_fresh(user, request.client_order_id)
        held = self.position((user, request.subaccount))
        closable = max(0, -held if request.side == "bid" else held)
        wanted = min(request.count, closable) if request.reduce_only else request.count
        may_take = not request.post_only
        self.require_cash((user, request.subaccount), request, request.price, wanted, takes=may_take)
        crossing = self.crossing(request.side, request.price)
        if request.post_only and crossing:
            raise NaiveRefusal("invalid_order")
        if request.time_in_force == "fill_or_kill" and sum(one.open for one in crossing) < request.count:
            self.used_ids.add((user, request.client_order_id))
            raise NaiveRefusal("fill_or_kill_insufficient_resting_volume")
        self.used_ids.add((user, request.client_order_id))
        order = NaiveOrder(user, request, request.price, request.count, request.count, 0, status="incoming")
        self.orders.append(order)
        reason = self.match(order, wanted)
        if reason is None and order.filled == wanted < request.count:
            reason = "ReduceOnlyCancel"
        self.finish(order, reason)
        return order

    def crowd(self, side: BookSide, price: int, count: int, *, rests: bool) -> None:
        force = "good_till_canceled" if rests else "immediate_or_cancel"
        request = OrderRequest("", side, count, price, force, "maker")  # type: ignore[arg-type]
        order = NaiveOrder(CROWD, request, price, count, count, 0, status="incoming")
        self.orders.append(order)
        self.finish(order, self.match(order, count))

    def require_open(self) -> None:
        if self.is_paused:
            raise NaiveRefusal("trading_is_paused")
        if not self.is_active:
            raise NaiveRefusal("market_not_open")

    def require_fresh(self, user: str, client_order_id: str) -> None:
        if client_order_id and (user, client_order_id) in self.used_ids:
            raise NaiveRefusal("order_already_exists")

    # -- matching -------------------------------------------------------------------------------------------
    def match(self, taker: NaiveOrder, wanted: int) -> str | None:
        """Trades up to ``wanted``; says why it had to stop, None if it did not."""
        while wanted and (crossing := self.crossing(taker.request.side, taker.price)):
            maker = crossing[0]
            if maker.user == taker.user != CROWD:
                if taker.request.self_trade == "taker_at_cross":
                    return "SelfTradeCancel"
                self.cancel_order(maker, "SelfTradeCancel")
                continue
            count = min(wanted, maker.open)
            if not self.pays(taker, maker.price, count, is_taker=True):
                return "MarginCancel"
            if not self.pays(maker, maker.price, count, is_taker=False):
                self.cancel_order(maker, "MarginCancel")
                continue
            self.trade(taker, maker, count)
            wanted -= count
            self.count_in_group(maker, count)
            if self.count_in_group(taker, count):
                return ""
        return None

    def dollars(self, order: NaiveOrder, price: int, count: int, *, is_taker: bool) -> tuple[Fraction, ...]:
        """(cash change, fee, what stays saved) of a fill."""
        revenue = self.revenue(order.account, order.request.side, price, count)
        fee, saved = self.net_fee(order, revenue, self.model_fee(price, count, is_taker=is_taker))
        return revenue - fee, fee, saved

    def pays(self, order: NaiveOrder, price: int, count: int, *, is_taker: bool) -> bool:
        change, _, _ = self.dollars(order, price, count, is_taker=is_taker)
        return order.user == CROWD or self.cash(order.account) + change >= 0

    def trade(self, taker: NaiveOrder, maker: NaiveOrder, count: int) -> None:
        price = maker.price
        for order, is_taker in ((taker, True), (maker, False)):
            change, fee, order.saved = self.dollars(order, price, count, is_taker=is_taker)
            signed = count if order.request.side == "bid" else -count
            self.fills.append(NaiveFill(order.account, signed, change))
            order.fees += fee
            order.filled += count
            order.open -= count
            order.reason = "Trade"
            if order.open == 0:
                order.status = "executed"

    def finish(self, order: NaiveOrder, reason: str | None) -> None:
        """What becomes of an order that has been matched."""
        if order.status == "executed":
            return
        if reason is not None:
            self.cancel_order(order, reason)
        elif order.request.time_in_force != "good_till_canceled":
            self.cancel_order(order, "")
        else:
            order.status = "resting"
            self.to_the_back(order)

    def to_the_back(self, order: NaiveOrder) -> None:
        self.places += 1
        order.place = self.places

    def cancel_order(self, order: NaiveOrder, reason: str) -> None:
        order.status, order.open, order.reason = "canceled", 0, reason

    # -- changes --------------------------------------------------------------------------------------------
    def amend(
        self, order: NaiveOrder, price: int, count: int, client_order_id: str, expiration_s: int | None
    ) -> None:
        self.require_resting(order)
        self.require_open()
        if price != order.price and price % 100:
            raise NaiveRefusal("invalid_price")
        if count <= order.filled:
            raise NaiveRefusal("invalid_order_size")
        if expiration_s and expiration_s <= self.now:
            raise NaiveRefusal("invalid_order")
        if client_order_id != order.request.client_order_id:
            self.require_fresh(order.user, client_order_id)
        is_post_only = order.request.post_only
        crosses = is_post_only and price != order.price and self.crossing(order.request.side, price)
        takes = not is_post_only or (crosses and self.cross == "take")
        self.require_cash(order.account, order.request, price, count - order.filled, takes=bool(takes))
        if crosses and self.cross == "refuse":
            raise NaiveRefusal("invalid_order")
        if client_order_id:
            self.used_ids.add((order.user, client_order_id))
            order.request = replace(order.request, client_order_id=client_order_id)
        if expiration_s is not None:
            order.request = replace(order.request, expiration_s=expiration_s)
        keeps_place = price == order.price and count <= order.count
        order.price, order.count, order.open, order.reason = price, count, count - order.filled, "Amend"
        if not keeps_place:
            order.status = "incoming"
            is_over = crosses and self.cross == "cancel"
            self.finish(order, "PostOnlyCrossCancel" if is_over else self.match(order, order.open))

    def decrease(self, order: NaiveOrder, by: int) -> None:
        self.require_resting(order)
        if by <= 0:
            raise NaiveRefusal("invalid_order_size")
        if by >= order.open:
            self.cancel_order(order, "Decrease")
            return
        order.count, order.open, order.reason = order.count - by, order.open - by, "Decrease"

    def cancel(self, order: NaiveOrder) -> None:
        self.require_resting(order)
        self.cancel_order(order, "")

    def cancel_all(self, user: str, subaccount: int) -> None:
        for order in self.resting():
            if order.account == (user, subaccount):
                self.cancel_order(order, "")

    def require_resting(self, order: NaiveOrder) -> None:
        if order.status != "resting":
            raise NaiveRefusal("not_found")

    # -- groups, time and pauses ----------------------------------------------------------------------------
    def group(self, user: str, name: str) -> NaiveGroup:
        if name not in self.groups or self.groups[name].user != user:
            raise NaiveRefusal("not_found")
        return self.groups[name]

    def trigger(self, name: str) -> None:
        self.groups[name].is_triggered = True
        for order in self.resting():
            if order.request.order_group_id == name:
                self.cancel_order(order, "")

    def reset(self, name: str) -> None:
        self.groups[name].is_triggered = False
        self.groups[name].matches.clear()

    def set_limit(self, name: str, limit: int) -> None:
        self.groups[name].limit = limit
        self.stop_if_reached(name)

    def count_in_group(self, order: NaiveOrder, count: int) -> bool:
        name = order.request.order_group_id
        if not name:
            return False
        self.groups[name].matches.append((self.now, count))
        self.stop_if_reached(name)
        return self.groups[name].is_triggered

    def stop_if_reached(self, name: str) -> None:
        group = self.groups[name]
        if sum(count for when, count in group.matches if when > self.now - 15) >= group.limit:
            self.trigger(name)

    def pass_time(self, seconds: int) -> None:
        self.now += seconds
        for order in self.resting():
            if 0 < order.request.expiration_s <= self.now:
                self.cancel_order(order, "ExpiryCancel")

    def pause(self) -> None:
        self.is_paused = True
        for order in self.resting():
            if order.request.cancel_on_pause:
                self.cancel_order(order, "HaltCancel")

    def activate(self) -> None:
        for order in self.resting():
            self.cancel_order(order, "HaltCancel")
        self.is_active = True
