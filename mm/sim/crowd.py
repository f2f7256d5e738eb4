"""How everybody else trades: anonymous sized entries in the same queues, without orders of their own."""

from __future__ import annotations

from mm.sim.floor import Floor
from mm.sim.ledger import Account
from mm.sim.matching import Book, Interest
from mm.sim.trading import Trading
from mm.sim.words import MONEY_ONE, BookSide, Fills, VenueError

DEEP_POCKETS = 1_000_000_000 * MONEY_ONE


class Crowd:
    """Crowd members pay, are paid, and hold positions like anyone, but are never short of cash."""

    def __init__(self, floor: Floor, trading: Trading) -> None:
        self.floor = floor
        self.trading = trading

    def join(self, user_id: str) -> Account:
        """A new crowd member. Raises VenueError if the name is taken."""
        if user_id in self.floor.ledger.accounts:
            raise VenueError(409, "user_already_exists", details=user_id)
        return self.floor.ledger.add_account(user_id, DEEP_POCKETS, is_crowd=True)

    def is_open(self, ticker: str) -> bool:
        floor = self.floor
        return floor.exchange_active and floor.trading_active and floor.markets[ticker].status == "active"

    def book(self, ticker: str) -> Book:
        return self.floor.books[ticker]

    def take(self, account: Account, ticker: str, side: BookSide, price: int, count: int) -> int:
        """Trade up to ``count`` as far as ``price``; returns how many traded."""
        self.floor.begin()
        fills = Fills()
        self.trading.match(Interest(account, side, price, count), ticker, "maker", fills)
        return fills.count

    def rest(self, account: Account, ticker: str, side: BookSide, price: int, count: int) -> Interest:
        """Trade what crosses, then queue up with the rest. ``remaining`` is 0 if all of it traded."""
        self.floor.begin()
        interest = Interest(account, side, price, count)
        if self.floor.books[ticker].crossing(side, price) is not None:
            self.trading.match(interest, ticker, "maker", Fills())
        if interest.remaining:
            self.trading.rest(interest, ticker)
        return interest

    def hit(self, account: Account, ticker: str, maker: Interest, count: int) -> int:
        """Trade ``count`` with one resting interest, whoever stands before it; returns how many traded.

        For players of recorded markets, who know from the record that its turn has come."""
        self.floor.begin()
        fills = Fills()
        taker_side: BookSide = "ask" if maker.side == "bid" else "bid"
        taker = Interest(account, taker_side, maker.price, count)
        self.trading.execute(taker, maker, ticker, min(count, maker.remaining), fills)
        return fills.count

    def lessen(self, ticker: str, interest: Interest, by: int) -> None:
        self.floor.begin()
        self.trading.lessen(interest, ticker, by, None)

    def grow(self, ticker: str, interest: Interest, by: int) -> None:
        """Only for an interest that is the last in its queue."""
        self.floor.begin()
        self.trading.grow(interest, ticker, by)

    def withdraw(self, ticker: str, interest: Interest) -> None:
        """Does nothing if it is gone already."""
        if interest.remaining:
            self.floor.begin()
            self.trading.lessen(interest, ticker, interest.remaining, None)

    def step_aside(self, ticker: str, interest: Interest, by: int) -> None:
        """Move ``by`` of an entry to the back of its own level. The level's size, and so the wire, sees
        nothing; whoever stood behind it moves up."""
        half = self.floor.books[ticker].sides[interest.side]
        moved = Interest(interest.account, interest.side, interest.price, by)
        half.add(moved)
        half.reduce(interest, by)

    def report(self, ticker: str, taker_side: BookSide, price: int, count: int) -> None:
        """A trade among the crowd that the record knows of: printed, while the same account gives and
        takes, so that no position and no cash moves."""
        self.trading.report(ticker, taker_side, price, count)
