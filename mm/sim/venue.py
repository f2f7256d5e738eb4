"""The simulated exchange: one door to order entry, market life, accounts and everybody else.

Time is an argument, randomness is seeded; there is no socket, no thread and no clock in here.
"""

from __future__ import annotations

from mm.sim.crowd import Crowd
from mm.sim.entry import Entry
from mm.sim.fees import FeeTerms
from mm.sim.floor import CRYPTO, Floor
from mm.sim.groups import Groups
from mm.sim.ledger import Account
from mm.sim.listeners import Listeners
from mm.sim.members import Members
from mm.sim.operations import Operations
from mm.sim.shards import Shards
from mm.sim.subaccounts import Subaccounts, account_of
from mm.sim.switches import Switches
from mm.sim.trade_log import TradeLog
from mm.sim.trading import Trading
from mm.sim.words import (
    Amended,
    BookSide,
    Event,
    EventAdded,
    Market,
    Order,
    OrderRequest,
    Placed,
    Position,
    Series,
    Settlement,
    VenueError,
)

_DEFAULT_SWITCHES = Switches()
LevelSizes = list[tuple[int, int]]


class Venue(Members, Operations):
    """Prices 1/10,000 dollar on the YES leg, counts 1/100 contract, money 1/1,000,000 dollar, times ns."""

    def __init__(self, *, seed: int, switches: Switches = _DEFAULT_SWITCHES, now: int = 0) -> None:
        self._floor = Floor(seed, switches, now)
        trading = Trading(self._floor)
        groups = Groups(self._floor, trading)
        Members.__init__(self, groups, Subaccounts(self._floor), Shards(self._floor))
        Operations.__init__(self, self._floor, trading)
        self._entry = Entry(self._floor, trading, groups)
        self.crowd = Crowd(self._floor, trading)

    # -- what there is --------------------------------------------------------------------------------------
    @property
    def now(self) -> int:
        return self._floor.now

    @property
    def switches(self) -> Switches:
        return self._floor.switches

    @property
    def series(self) -> dict[str, Series]:
        return self._floor.series

    @property
    def events(self) -> dict[str, Event]:
        return self._floor.events

    @property
    def markets(self) -> dict[str, Market]:
        return self._floor.markets

    @property
    def orders(self) -> dict[str, Order]:
        """Every order ever accepted, by order id."""
        return self._floor.orders

    @property
    def accounts(self) -> dict[str, Account]:
        """The members' primary accounts; their numbered subaccounts are in ``numbered`` of each."""
        return self._floor.ledger.accounts

    @property
    def trades(self) -> dict[str, TradeLog]:
        """The latest trades of each market, oldest first."""
        return self._floor.trades

    @property
    def listeners(self) -> Listeners:
        return self._floor.listeners

    @property
    def fees_collected(self) -> int:
        return self._floor.ledger.fees

    def fee_terms(self, ticker: str) -> FeeTerms:
        """Raises VenueError 404 for an unknown ticker."""
        self._floor.market(ticker)
        return self._floor.fee_terms[ticker]

    @property
    def shards(self) -> dict[int, str]:
        """The shards there are, with a description of each."""
        return self._floor.shards

    def cash(self, user_id: str, subaccount: int = 0, shard: int = 0) -> int:
        return account_of(self._floor, user_id, subaccount).cash_on(shard)

    def is_funded(self, user_id: str, subaccount: int, shard: int) -> bool:
        """Whether a member ever had cash on a shard; on the first, everyone has."""
        return shard in account_of(self._floor, user_id, subaccount).funds()

    def orders_of(self, user_id: str) -> list[Order]:
        """All orders of one member in all subaccounts, oldest first."""
        return self._floor.account(user_id).orders

    def positions_of(self, user_id: str, subaccount: int = 0) -> dict[str, Position]:
        return account_of(self._floor, user_id, subaccount).positions

    def settlements_of(self, user_id: str, subaccount: int = 0) -> list[Settlement]:
        return account_of(self._floor, user_id, subaccount).settlements

    def book(self, ticker: str) -> dict[BookSide, LevelSizes]:
        """``{"bid": levels, "ask": levels}`` as (YES price, count), **best last** on both sides.

        Raises VenueError 404 for an unknown ticker."""
        self._floor.market(ticker)
        return {side: half.sizes() for side, half in self._floor.books[ticker].sides.items()}

    def best(self, ticker: str) -> dict[BookSide, tuple[int, int] | None]:
        """The best (YES price, count) of each side, ``None`` for an empty one. Cheaper than `book`."""
        book = self._floor.books[ticker]
        return {"bid": book.bids.top, "ask": book.asks.top}

    def queue_position(self, order_id: str) -> int:
        """Count ahead of a resting order at its price. Raises VenueError 404 if it does not rest."""
        order = self._floor.orders.get(order_id)
        if order is None:
            raise VenueError(404, "not_found", "not found")
        account = account_of(self._floor, order.user_id, order.request.subaccount)
        interest = account.resting.get(order_id)
        if interest is None:
            raise VenueError(404, "not_found", "not found")
        return self._floor.books[order.ticker].sides[order.side].ahead_of(interest)

    def new_id(self) -> str:
        """For what is numbered outside of the venue."""
        return self._floor.new_id()

    # -- setting up -----------------------------------------------------------------------------------------
    def add_account(self, user_id: str, cash: int) -> None:
        """Raises VenueError if the name is taken or ``cash`` is negative."""
        if user_id in self.accounts:
            raise VenueError(409, "user_already_exists", details=user_id)
        if cash < 0:
            raise VenueError(400, "invalid_deposit", details=str(cash))
        self._floor.ledger.add_account(user_id, cash)

    def add_series(self, series: Series) -> None:
        """Puts it on its shard, as the switches have it."""
        if series.category == CRYPTO:
            series.exchange_index = self.switches.crypto_shard
        self._floor.series[series.ticker] = series
        series.updated_ns = self.now

    def add_event(self, event: Event) -> None:
        if event.series_ticker in self.series:
            event.exchange_index = self.series[event.series_ticker].exchange_index
        self._floor.events[event.event_ticker] = event
        event.updated_ns = self.now
        self._floor.announce(EventAdded(self.now, event.event_ticker))

    # -- orders ---------------------------------------------------------------------------------------------
    def create(self, user_id: str, request: OrderRequest) -> Placed:
        return self._entry.create(user_id, request)

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
        """``count`` is the total: filled plus desired resting (protocol section 5.2)."""
        return self._entry.amend(
            user_id,
            order_id,
            ticker=ticker,
            side=side,
            price=price,
            count=count,
            client_order_id=client_order_id,
            updated_client_order_id=updated_client_order_id,
            expiration_s=expiration_s,
            subaccount=subaccount,
        )

    def decrease(
        self,
        user_id: str,
        order_id: str,
        *,
        reduce_by: int | None = None,
        reduce_to: int | None = None,
        subaccount: int = 0,
    ) -> Order:
        """Exactly one of the two; keeps the place in the queue; down to 0 is a cancel."""
        return self._entry.decrease(user_id, order_id, reduce_by, reduce_to, subaccount)

    def cancel(self, user_id: str, order_id: str, *, subaccount: int = 0) -> tuple[Order, int]:
        """The order, and the count that left the book."""
        return self._entry.cancel(user_id, order_id, subaccount)

    def cancel_all(self, user_id: str, *, subaccount: int = 0) -> None:
        self._entry.cancel_all(user_id, subaccount)

    def check(self) -> None:
        """Raises AssertionError unless money, positions, queues and orders all agree."""
        self._floor.ledger.check()
        for book in self._floor.books.values():
            book.check()
        for account in self._floor.ledger.everyone():
            for order_id, interest in account.resting.items():
                order = self.orders[order_id]
                assert order.status == "resting" and order.remaining == interest.remaining > 0, order_id
                assert order.filled + order.remaining == order.count, order_id
                assert interest in self._floor.books[order.ticker].sides[order.side].levels[order.price].queue
