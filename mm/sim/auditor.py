"""A second set of books beside the venue's own, kept from nothing but its announcements; the two must agree.

For whoever tests the venue, or with it: `Auditor.audit` may be called after every single act, since it looks
only at what has changed. (`Venue.check` looks at everything.)
"""

from __future__ import annotations

from collections import Counter, defaultdict

from mm.sim.ledger import Account
from mm.sim.matching import Book
from mm.sim.subaccounts import account_of
from mm.sim.venue import Venue
from mm.sim.words import (
    PRICE_ONE,
    Announcement,
    BookChanged,
    BookSide,
    Filled,
    LifecycleChanged,
    Order,
    OrderChanged,
    Traded,
)

_Purse = tuple[str, int]
_Holder = tuple[str, int, str]


class Auditor:
    """Hears everything that ``venue`` announces from now on; what there is already, it takes over.

    ``audits`` counts how often it looked."""

    def __init__(self, venue: Venue) -> None:
        self.audits = 0
        self._floor = venue.crowd.floor
        self._sizes: defaultdict[str, Counter[tuple[BookSide, int]]] = defaultdict(Counter)
        self._positions: defaultdict[_Holder, int] = defaultdict(int)
        self._resting: defaultdict[_Purse, set[str]] = defaultdict(set)
        self._ended: set[str] = set()
        self._known: dict[str, tuple[int, int]] = {}  # contracts outstanding and fees paid, by market
        self._outstanding = self._fees_paid = 0
        self._touched: set[str] = set()
        self._told: dict[str, Order] = {}
        self._held: set[_Holder] = set()
        self._clocks: dict[str, int] = {}  # how far a book's clock had come with the last action
        self._take_over()
        venue.listeners.add(self._hear)

    def _take_over(self) -> None:
        """What it was not told of counts as told, and is looked at with the first audit."""
        for ticker, book in self._floor.books.items():
            self._sizes[ticker].update(_shown(book))
            self._touched.add(ticker)
        for account in self._floor.ledger.everyone():
            purse = account.user_id, account.subaccount
            self._resting[purse].update(account.resting)
            for ticker, position in account.positions.items():
                self._positions[*purse, ticker] = position.count

    def audit(self) -> None:
        """Raises AssertionError unless money, positions, fees, queues and orders all agree, no book is
        crossed, and what was announced adds up to what there is."""
        self.audits += 1
        for ticker in self._touched:
            self._clocks[ticker] = self._floor.markets[ticker].clock
            self._audit_book(ticker)
            self._audit_positions(ticker)
        self._audit_money()
        for holder in self._held:
            self._audit_position(holder)
        for order in self._told.values():
            self._audit_order(order)
        for changed in (self._touched, self._told, self._held):
            changed.clear()

    # -- what it hears --------------------------------------------------------------------------------------
    def _hear(self, told: Announcement) -> None:
        match told:
            case BookChanged():
                self._book_changed(told)
            case Traded():
                self._touched.add(told.ticker)
            case Filled():
                self._filled(told)
            case OrderChanged():
                self._order_changed(told.order)
            case LifecycleChanged(event_type="settled"):
                self._settled(told.ticker)

    def _book_changed(self, told: BookChanged) -> None:
        seen = self._clocks.get(told.ticker, 0)
        assert told.clock > seen, f"{told.ticker}: an action has the clock of one before it"
        sizes, level = self._sizes[told.ticker], (told.side, told.price)
        sizes[level] += told.change
        assert sizes[level] >= 0, f"{told.ticker} {level} lost more than it had"
        if not sizes[level]:
            del sizes[level]
        self._touched.add(told.ticker)

    def _filled(self, told: Filled) -> None:
        order = told.order
        assert order.order_id not in self._ended, f"{order.order_id} filled after its end"
        holder = (order.user_id, order.request.subaccount, order.ticker)
        self._positions[holder] += told.count if order.side == "bid" else -told.count
        assert told.post_position == self._positions[holder], f"{holder}: a fill tells another position"
        self._held.add(holder)

    def _order_changed(self, order: Order) -> None:
        resting = self._resting[order.user_id, order.request.subaccount]
        if order.status == "resting":
            assert order.order_id not in self._ended, f"{order.order_id} rests after its end"
            resting.add(order.order_id)
        else:
            resting.discard(order.order_id)
            self._ended.add(order.order_id)
        self._told[order.order_id] = order

    def _settled(self, ticker: str) -> None:
        self._touched.add(ticker)
        for holder in self._positions:
            if holder[2] == ticker:
                self._positions[holder] = 0
                self._held.add(holder)

    # -- what it finds --------------------------------------------------------------------------------------
    def _audit_money(self) -> None:
        ledger = self._floor.ledger
        held = self._outstanding * PRICE_ONE
        assert ledger.cash + held + ledger.fees == ledger.deposited, "money is not conserved"
        assert self._fees_paid == ledger.fees, "the fees paid are not the fees collected"

    def _audit_positions(self, ticker: str) -> None:
        ledger = self._floor.ledger
        accounts = list(ledger.everyone())
        positions = [one.positions[ticker] for one in accounts if ticker in one.positions]
        counts = [position.count for position in positions]
        assert sum(counts) == 0, f"{ticker}: positions do not sum to 0"
        outstanding = sum(count for count in counts if count > 0)
        assert outstanding == ledger.collateral[ticker], f"{ticker}: collateral"
        fees = sum(position.fees for position in positions)
        known = self._known.get(ticker, (0, 0))
        self._outstanding += outstanding - known[0]
        self._fees_paid += fees - known[1]
        self._known[ticker] = (outstanding, fees)
        for account in accounts:
            assert account.is_crowd or min(account.funds().values()) >= 0, f"{account.user_id} is overdrawn"

    def _audit_book(self, ticker: str) -> None:
        book = self._floor.books[ticker]
        assert _shown(book) == self._sizes[ticker], f"{ticker}: the changes told do not add up to the book"
        book.check()

    def _audit_position(self, holder: _Holder) -> None:
        user_id, subaccount, ticker = holder
        position = self._account(user_id, subaccount).positions[ticker]
        assert position.count == self._positions[holder], f"{holder}: the fills told are not the position"

    def _audit_order(self, order: Order) -> None:
        """It stands in its queue with what is left of it, or it has ended and stands nowhere."""
        account = self._account(order.user_id, order.request.subaccount)
        resting = self._resting[order.user_id, order.request.subaccount]
        assert account.resting.keys() == resting, f"{order.user_id}: what rests is not what was told to rest"
        if order.order_id not in resting:
            assert order.remaining == 0, f"{order.order_id} has ended and is still open"
            return
        interest = account.resting[order.order_id]
        queue = self._floor.books[order.ticker].sides[order.side].levels[order.price].queue
        assert interest in queue and interest.remaining == order.remaining > 0, f"{order.order_id}: queue"
        assert order.filled + order.remaining == order.count, f"{order.order_id} does not add up"

    def _account(self, user_id: str, subaccount: int) -> Account:
        return account_of(self._floor, user_id, subaccount)


def _shown(book: Book) -> dict[tuple[BookSide, int], int]:
    return {(side, price): size for side, half in book.sides.items() for price, size in half.sizes()}
