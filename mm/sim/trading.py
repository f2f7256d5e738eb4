"""How interests meet: matching under self-trade and margin rules, and what each trade changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mm.sim.fees import net_fee
from mm.sim.floor import Floor
from mm.sim.ledger import cash_effect
from mm.sim.matching import HalfBook, Interest
from mm.sim.words import (
    PRICE_ONE,
    BookChanged,
    BookSide,
    Filled,
    Fills,
    Market,
    Order,
    OrderChanged,
    OrderStatus,
    Position,
    PositionChanged,
    SelfTrade,
    TickerChanged,
    Traded,
)

GROUP_STOP = "order group stopped"  # never written on an order: no documented reason is about groups


class _Share(NamedTuple):
    """One side's part of a trade, worked out before it happens."""

    fee: int
    accumulator: int
    cash_after: int


class Trading:
    """Matches, rests and withdraws interests, keeping order records, ledger and listeners in step."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        # Told of each match of an order in a group; answers whether that order must not go on.
        self.on_match: Callable[[Order, int], bool] = lambda order, count: False

    # -- matching -------------------------------------------------------------------------------------------
    def match(self, taker: Interest, ticker: str, self_trade: SelfTrade, fills: Fills) -> str:
        """Trade ``taker`` against the book as far as its price goes, at the resting prices.

        Returns why it had to stop early: SelfTradeCancel, MarginCancel, GROUP_STOP, or "" if it did not."""
        book = self.floor.books[ticker]
        while taker.remaining:
            maker = book.crossing(taker.side, taker.price)
            if maker is None:
                return ""
            if maker.account.owner is taker.account.owner and not taker.account.is_crowd:
                if self_trade == "taker_at_cross":
                    return "SelfTradeCancel"
                self.withdraw(maker, ticker, "SelfTradeCancel", causer=taker.order)
                continue
            reason = self.execute(taker, maker, ticker, min(taker.remaining, maker.remaining), fills)
            if reason:
                return reason
        return ""

    def execute(self, taker: Interest, maker: Interest, ticker: str, count: int, fills: Fills) -> str:
        """Trade ``count`` at the maker's price if both can pay (rule 5.3(c), protocol section 11).

        A maker who cannot is withdrawn, and nothing trades; returns MarginCancel if the taker cannot, and
        GROUP_STOP if it traded but its order group is stopped by that."""
        price = maker.price
        takers = self._share(taker, ticker, price, count, is_taker=True)
        if takers.cash_after < 0 and not taker.account.is_crowd:
            return "MarginCancel"
        makers = self._share(maker, ticker, price, count, is_taker=False)
        if makers.cash_after < 0 and not maker.account.is_crowd:
            self.withdraw(maker, ticker, "MarginCancel", causer=taker.order)
            return ""
        self.floor.books[ticker].sides[maker.side].reduce(maker, count)
        taker.remaining -= count
        self.floor.ledger.issue(ticker, count)
        fills.count += count
        fills.value += price * count
        fills.fees += takers.fee
        self._print(taker, maker, ticker, price, count, takers, makers)
        self._count_in_group(maker.order, count)
        return GROUP_STOP if self._count_in_group(taker.order, count) else ""

    def _count_in_group(self, order: Order | None, count: int) -> bool:
        return order is not None and order.request.order_group_id != "" and self.on_match(order, count)

    def _share(self, one: Interest, ticker: str, price: int, count: int, *, is_taker: bool) -> _Share:
        account, order = one.account, one.order
        effect = cash_effect(account, ticker, one.side, price, count).effect
        fee = self.floor.fee_terms[ticker].trade_fee(price, count, is_taker=is_taker)
        if order is None:  # the crowd's balances are kept to the micro-dollar, so nothing is rounded
            return _Share(fee, 0, account.cash + effect - fee)
        switches = self.floor.switches
        net, accumulator = net_fee(
            effect,
            fee,
            order.fee_accumulator,
            switches.balance_unit,
            capped=switches.rebate_never_exceeds_fee,
        )
        return _Share(net, accumulator, account.cash_on(order.exchange_index) + effect - net)

    def _print(
        self,
        taker: Interest,
        maker: Interest,
        ticker: str,
        price: int,
        count: int,
        takers: _Share,
        makers: _Share,
    ) -> None:
        """The trade has happened: write it into every book first, then tell."""
        floor = self.floor
        market = floor.markets[ticker]
        market.clock = floor.clock
        trade = self._write(market, price, count, taker.side)
        taken = self._book_side(taker, trade, takers, is_taker=True)
        made = self._book_side(maker, trade, makers, is_taker=False)
        market.open_interest = floor.ledger.collateral[ticker]
        floor.announce(BookChanged(floor.now, ticker, market.clock, maker.side, price, -count, taker.order))
        floor.announce(trade)
        self._tell_side(taker.order, trade, takers, taken, is_taker=True)
        self._tell_side(maker.order, trade, makers, made, is_taker=False)
        floor.announce(TickerChanged(floor.now, ticker))

    def _write(self, market: Market, price: int, count: int, taker_side: BookSide) -> Traded:
        floor = self.floor
        number = floor.new_number()
        trade = Traded(floor.now, market.ticker, floor.id_of(number), price, count, taker_side)
        floor.trades[market.ticker].add(number, trade)
        market.last_price = price
        market.last_trade_size = count
        market.volume += count
        market.dollar_volume += price * count
        return trade

    def report(self, ticker: str, taker_side: BookSide, price: int, count: int) -> None:
        """Print a trade in which nobody's position changes (see `Crowd.report`)."""
        trade = self._write(self.floor.markets[ticker], price, count, taker_side)
        self.floor.announce(trade)
        self.floor.announce(TickerChanged(trade.now, ticker))

    def _book_side(self, one: Interest, trade: Traded, share: _Share, *, is_taker: bool) -> Position:
        order, account = one.order, one.account
        position = self.floor.ledger.book_fill(
            account, trade.ticker, one.side, trade.price, trade.count, share.fee, trade.now
        )
        if order is not None:
            self._record(order, trade, share, is_taker=is_taker)
            if order.remaining == 0:
                order.status = "executed"
                account.resting.pop(order.order_id, None)
        return position

    def _tell_side(
        self, order: Order | None, trade: Traded, share: _Share, position: Position, *, is_taker: bool
    ) -> None:
        """The taker's owner hears of its order only once, when the request is done."""
        if order is None:
            return
        floor, now = self.floor, trade.now
        fill = Filled(
            now, trade.trade_id, order, trade.price, trade.count, is_taker, share.fee, position.count
        )
        floor.announce(fill)
        floor.announce(PositionChanged(now, order.user_id, position, order.request.subaccount))
        if not is_taker:
            floor.announce(OrderChanged(now, order))

    def _record(self, order: Order, trade: Traded, share: _Share, *, is_taker: bool) -> None:
        paid = trade.price if order.side == "bid" else PRICE_ONE - trade.price
        if is_taker:
            order.taker_cost += paid * trade.count
            order.taker_fees += share.fee
        else:
            order.maker_cost += paid * trade.count
            order.maker_fees += share.fee
        order.fee_accumulator = share.accumulator
        order.filled += trade.count
        order.remaining -= trade.count
        order.updated_ns = trade.now
        order.last_update_reason = "Trade"

    # -- the book -------------------------------------------------------------------------------------------
    def rest(self, interest: Interest, ticker: str) -> None:
        """Queue up what is left of an interest that crosses nothing."""
        half = self.floor.books[ticker].sides[interest.side]
        half.add(interest)
        if interest.order is not None:
            interest.account.resting[interest.order.order_id] = interest
        self._changed(ticker, half, interest, interest.remaining, interest.order)

    def lessen(self, interest: Interest, ticker: str, by: int, causer: Order | None) -> None:
        """Take ``by`` out of the book; the place in the queue stays."""
        half = self.floor.books[ticker].sides[interest.side]
        half.reduce(interest, by)
        self._changed(ticker, half, interest, -by, causer)

    def grow(self, interest: Interest, ticker: str, by: int) -> None:
        """Add to an interest that is the last in its queue."""
        half = self.floor.books[ticker].sides[interest.side]
        half.grow(interest, by)
        self._changed(ticker, half, interest, by, interest.order)

    def withdraw(self, interest: Interest, ticker: str, reason: str, *, causer: Order | None = None) -> None:
        """Take a resting interest out of the book; an order behind it ends as canceled."""
        order = interest.order
        self.lessen(interest, ticker, interest.remaining, causer or order)
        if order is not None:
            self.end(order, reason)
            interest.account.resting.pop(order.order_id, None)

    def end(self, order: Order, reason: str, status: OrderStatus = "canceled") -> None:
        """Record that an order, in no queue any more, is done."""
        order.status = status
        order.remaining = 0
        order.updated_ns = self.floor.now
        order.last_update_reason = reason
        self.tell(order)

    def tell(self, order: Order) -> None:
        self.floor.announce(OrderChanged(self.floor.now, order))

    def _changed(
        self, ticker: str, half: HalfBook, where: Interest, change: int, order: Order | None
    ) -> None:
        """Tell of the level of ``where``, and of the best prices where it is, or was, one of them."""
        floor = self.floor
        market = floor.markets[ticker]
        market.clock = floor.clock
        price = where.price
        floor.announce(BookChanged(floor.now, ticker, market.clock, where.side, price, change, order))
        if not half.keys or half.sign * price >= half.keys[-1]:
            floor.announce(TickerChanged(floor.now, ticker))
