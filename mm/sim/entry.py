"""Order entry: create, amend, decrease, cancel, and the cancel-all sweep (protocol section 5)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from mm.sim import rules
from mm.sim.attic import forget_orders
from mm.sim.floor import Floor
from mm.sim.groups import Groups
from mm.sim.ledger import Account
from mm.sim.matching import Interest
from mm.sim.subaccounts import account_of
from mm.sim.switches import AmendCross
from mm.sim.trading import GROUP_STOP, Trading
from mm.sim.words import Amended, BookSide, Fills, Market, Order, OrderRequest, Placed, VenueError


class Entry:
    """Takes members' requests. Each method returns what the exchange answers, or raises VenueError."""

    def __init__(self, floor: Floor, trading: Trading, groups: Groups) -> None:
        self.floor = floor
        self.trading = trading
        self.groups = groups

    # -- create ---------------------------------------------------------------------------------------------
    def create(self, user_id: str, request: OrderRequest) -> Placed:
        floor = self.floor
        floor.begin()
        account = account_of(floor, user_id, request.subaccount)
        market = floor.market(request.ticker)
        rules.require_funds(account, market)
        rules.require_valid(floor, market, request)
        self.groups.require_welcome(user_id, request)
        rules.require_entry(floor, market)
        rules.require_fresh_id(floor, account, request.client_order_id)
        rules.require_room(account)
        wanted = self._wanted(account, request)
        rules.require_allowed_position(floor, account, request.ticker, request.side, wanted)
        rules.require_cash(floor, account, request, request.price, wanted, takes=not request.post_only)
        reason = self._refusal_by_book(account, request)
        order = self._accept(account, request)
        incoming = Interest(account, request.side, request.price, wanted, order)
        fills = Fills()
        if not reason:
            reason = self.trading.match(incoming, request.ticker, request.self_trade, fills)
        if not reason and wanted < request.count and not incoming.remaining:
            reason = "ReduceOnlyCancel"
        self._place_rest(incoming, order, reason)
        return Placed(order, fills, order.remaining)

    def _wanted(self, account: Account, request: OrderRequest) -> int:
        """Reduce-only orders are capped to the position they can close."""
        if not request.reduce_only:
            return request.count
        return min(request.count, account.closable(request.ticker, request.side))

    def _refusal_by_book(self, account: Account, request: OrderRequest) -> str:
        """Post-only and fill-or-kill look at the book first; a returned reason cancels on placement."""
        book = self.floor.books[request.ticker]
        if request.post_only and book.crossing(request.side, request.price) is not None:
            if self.floor.switches.post_only_cross == "refuse":
                raise _post_only_refusal()
            return "PostOnlyCrossCancel"
        if request.time_in_force == "fill_or_kill":
            available = book.opposite(request.side).volume_at_or_better(request.price)
            if available < request.count:
                self._use_up(account, request.client_order_id)
                raise VenueError(409, "fill_or_kill_insufficient_resting_volume")
        return ""

    def _use_up(self, account: Account, client_order_id: str) -> None:
        if client_order_id:
            rules.used_ids(self.floor, account).add(client_order_id)

    def _accept(self, account: Account, request: OrderRequest) -> Order:
        now = self.floor.now
        order = Order(
            self.floor.new_id(),
            account.user_id,
            request,
            request.price,
            request.count,
            request.count,
            now,
            now,
            exchange_index=self.floor.markets[request.ticker].exchange_index,
        )
        self._use_up(account, request.client_order_id)
        self.floor.orders[order.order_id] = order
        account.owner.orders.append(order)
        forget_orders(self.floor, account.owner)
        return order

    def _place_rest(self, incoming: Interest, order: Order, reason: str) -> None:
        """After matching: rest, end, or be done."""
        if order.status == "executed":
            self.trading.tell(order)
        elif reason:
            self.trading.end(order, "" if reason == GROUP_STOP else reason)
        elif order.request.time_in_force != "good_till_canceled":
            partly = self.floor.switches.partly_filled_ioc_status
            self.trading.end(order, "", partly if order.filled else "canceled")
        else:
            self.trading.rest(incoming, order.ticker)
            self.trading.tell(order)
            self._set_expiry(order)
            self._tail_of_cancel_all(incoming.account, order)

    # -- amend ----------------------------------------------------------------------------------------------
    def amend(
        self,
        user_id: str,
        order_id: str,
        *,
        ticker: str,
        side: BookSide,
        price: int,
        count: int,
        client_order_id: str = "",
        updated_client_order_id: str = "",
        expiration_s: int | None = None,
        subaccount: int = 0,
    ) -> Amended:
        """``count`` is the total: already filled plus desired resting. ``expiration_s`` 0 removes the
        expiry, ``None`` keeps it."""
        floor = self.floor
        floor.begin()
        interest, order = self._resting(user_id, order_id, subaccount)
        market = floor.market(order.ticker)
        self._require_match(order, ticker, side, client_order_id)
        rules.require_entry(floor, market)
        self._require_terms(market, order, price, count, expiration_s)
        if updated_client_order_id and updated_client_order_id != order.request.client_order_id:
            rules.require_fresh_id(floor, interest.account, updated_client_order_id)
        open_count = count - order.filled
        rules.require_allowed_position(floor, interest.account, order.ticker, side, open_count)
        cross = self._post_only_cross(order, price)
        takes = cross == "take" or not order.request.post_only
        rules.require_cash(
            floor, interest.account, order.request, price, open_count, takes=takes, except_order=order_id
        )
        if cross == "refuse":
            raise _post_only_refusal()
        before = order.remaining
        self._rename(interest.account, order, updated_client_order_id, expiration_s)
        fills = self._move(
            interest, order, price, open_count, "PostOnlyCrossCancel" if cross == "cancel" else ""
        )
        return Amended(order, fills, order.remaining, order.remaining != before)

    def _require_match(self, order: Order, ticker: str, side: BookSide, client_order_id: str) -> None:
        mismatches = {
            "order_ticker_mismatch": ticker != order.ticker,
            "order_side_mismatch": side != order.side,
            "order_id_and_client_order_id_mismatch": client_order_id
            not in ("", order.request.client_order_id),
        }
        for code, differs in mismatches.items():
            if differs:
                raise VenueError(400, code)

    def _require_terms(
        self, market: Market, order: Order, price: int, count: int, expiration_s: int | None
    ) -> None:
        if price != order.price:  # one that a coarser grid has left off its steps may keep its price
            rules.require_price(market, price)
        if count <= order.filled:
            raise VenueError(400, "invalid_order_size", details="count must exceed what has filled")
        rules.require_expiration(self.floor, expiration_s or 0)

    def _post_only_cross(self, order: Order, price: int) -> AmendCross | None:
        """What becomes of a post-only order whose new price crosses; None for any other amend."""
        if not order.request.post_only or price == order.price:
            return None
        if self.floor.books[order.ticker].crossing(order.side, price) is None:
            return None
        return self.floor.switches.post_only_cross_amend

    def _rename(self, account: Account, order: Order, new_id: str, expiration_s: int | None) -> None:
        """Apply the new client order id and expiry, on a copy: the request belongs to whoever made it."""
        old = order.request
        self._use_up(account, new_id)
        order.request = replace(
            old,
            client_order_id=new_id or old.client_order_id,
            expiration_s=old.expiration_s if expiration_s is None else expiration_s,
        )
        if expiration_s:
            self._set_expiry(order)

    def _move(self, interest: Interest, order: Order, price: int, open_count: int, reason: str) -> Fills:
        """A smaller size at the same price keeps its place; anything else goes to the back, or trades, or
        with a ``reason`` ends."""
        trading, fills = self.trading, Fills()
        change = open_count - interest.remaining
        order.count += change
        order.updated_ns = self.floor.now
        order.last_update_reason = "Amend"
        if price == interest.price and change <= 0:
            order.remaining = open_count
            if change:
                trading.lessen(interest, order.ticker, -change, order)
            trading.tell(order)
            return fills
        trading.lessen(interest, order.ticker, interest.remaining, order)
        del interest.account.resting[order.order_id]
        interest.price = order.price = price
        interest.remaining = order.remaining = open_count
        reason = reason or trading.match(interest, order.ticker, order.request.self_trade, fills)
        self._place_rest(interest, order, reason)
        return fills

    # -- decrease and cancel --------------------------------------------------------------------------------
    def decrease(
        self, user_id: str, order_id: str, reduce_by: int | None, reduce_to: int | None, subaccount: int
    ) -> Order:
        """Exactly one of the two, in counts. Down to 0 is a cancel (section 5.3)."""
        self.floor.begin()
        interest, order = self._resting(user_id, order_id, subaccount)
        rules.require_cancel(self.floor, self.floor.market(order.ticker))
        if (reduce_by is None) == (reduce_to is None):
            raise VenueError(400, "bad_request", details="exactly one of reduce_by and reduce_to is needed")
        by = reduce_by if reduce_by is not None else interest.remaining - (reduce_to or 0)
        if by < 0 or (reduce_to is not None and reduce_to < 0) or reduce_by == 0:
            raise VenueError(400, "invalid_order_size", details="an order can only be decreased")
        if by >= interest.remaining:
            self.trading.withdraw(interest, order.ticker, "Decrease")
        elif by:
            order.count -= by
            order.remaining -= by
            order.updated_ns = self.floor.now
            order.last_update_reason = "Decrease"
            self.trading.lessen(interest, order.ticker, by, order)
            self.trading.tell(order)
        return order

    def cancel(self, user_id: str, order_id: str, subaccount: int) -> tuple[Order, int]:
        """The order and the count taken out of the book. Unknown, executed and canceled are one 404."""
        self.floor.begin()
        interest, order = self._resting(user_id, order_id, subaccount)
        rules.require_cancel(self.floor, self.floor.market(order.ticker))
        reduced_by = interest.remaining
        self.trading.withdraw(interest, order.ticker, "")
        return order, reduced_by

    def cancel_all(self, user_id: str, subaccount: int) -> None:
        """Sweep what rests now; the tail (see Switches) may sweep what comes to rest later. Raises VenueError
        in an exchange pause, unless a switch has it accepted and forgotten."""
        self.floor.begin()
        account = account_of(self.floor, user_id, subaccount)
        if not self.floor.exchange_active and self.floor.switches.cancel_all_in_exchange_pause == "refuse":
            raise rules.paused(self.floor)
        account.sweep_until_ns = self.floor.now + self.floor.switches.cancel_all_tail_ns
        for interest in list(account.resting.values()):
            order = interest.order
            assert order is not None
            if self.floor.exchange_active and self.floor.markets[order.ticker].status in (
                "active",
                "inactive",
            ):
                self.trading.withdraw(interest, order.ticker, "")

    def _resting(self, user_id: str, order_id: str, subaccount: int) -> tuple[Interest, Order]:
        """An order of another subaccount is not found: clients say whose it is (protocol section 5.3)."""
        interest = account_of(self.floor, user_id, subaccount).resting.get(order_id)
        if interest is None or interest.order is None:
            raise VenueError(404, "not_found", "not found")
        return interest, interest.order

    # -- what time does to orders ---------------------------------------------------------------------------
    def _set_expiry(self, order: Order) -> None:
        if order.request.expiration_s:
            when = order.request.expiration_s * rules.SECOND
            self.floor.at(when, partial(self._expire, order, order.request.expiration_s))

    def _expire(self, order: Order, expiration_s: int) -> None:
        if order.request.expiration_s == expiration_s:  # else an amend has moved it
            self._sweep(order, "ExpiryCancel")

    def _tail_of_cancel_all(self, account: Account, order: Order) -> None:
        floor = self.floor
        if (
            account.sweep_until_ns > floor.now
            and floor.random.random() < floor.switches.cancel_all_tail_share
        ):
            self.floor.at(
                floor.random.randint(floor.now, account.sweep_until_ns), partial(self._sweep_tail, order)
            )

    def _sweep_tail(self, order: Order) -> None:
        if self.floor.exchange_active:
            self._sweep(order, "")

    def _sweep(self, order: Order, reason: str) -> None:
        account = account_of(self.floor, order.user_id, order.request.subaccount)
        interest = account.resting.get(order.order_id)
        if interest is not None:
            self.trading.withdraw(interest, order.ticker, reason)


def _post_only_refusal() -> VenueError:
    """As recorded for a create (protocol section 5.1)."""
    return VenueError(400, "invalid_order", details="post only cross")
