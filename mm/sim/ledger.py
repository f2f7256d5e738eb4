"""The venue's double-entry books: every dollar is in an account, in a market's collateral, or a fee taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from mm.sim.matching import Interest
from mm.sim.used_ids import UsedIds
from mm.sim.words import PRICE_ONE, BookSide, Order, Position, Settlement


@dataclass(slots=True, eq=False)
class Account:
    """Cash, positions and resting orders of one member's subaccount. ``cash`` is that on the first shard,
    ``elsewhere`` that on others where it ever had any. Number 0 is the primary one, which also
    keeps what belongs to the member as a whole: all its orders, the client order ids it has used up, and its
    ``numbered`` subaccounts, whose ``owner`` it is.

    A crowd member stands for many: it is never short of cash and has no orders by name."""

    user_id: str
    cash: int
    is_crowd: bool = False
    elsewhere: dict[int, int] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    resting: dict[str, Interest] = field(default_factory=dict)
    client_order_ids: UsedIds = field(default_factory=UsedIds)
    settlements: list[Settlement] = field(default_factory=list)
    sweep_until_ns: int = 0
    subaccount: int = 0
    numbered: dict[int, Account] = field(default_factory=dict)
    owner: Account = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.owner = self

    def all(self) -> Iterator[Account]:
        """The primary account and its numbered subaccounts."""
        yield self
        yield from self.numbered.values()

    def position(self, ticker: str, shard: int) -> Position:
        position = self.positions.get(ticker)
        if position is None:
            position = self.positions[ticker] = Position(ticker, exchange_index=shard)
        return position

    def cash_on(self, shard: int) -> int:
        return self.elsewhere.get(shard, 0) if shard else self.cash

    def pay(self, shard: int, amount: int) -> None:
        """Money that comes, or with a minus goes."""
        if shard:
            self.elsewhere[shard] = self.elsewhere.get(shard, 0) + amount
        else:
            self.cash += amount

    def funds(self) -> dict[int, int]:
        """Cash by shard, the first one first."""
        return {0: self.cash, **self.elsewhere}

    @property
    def worth(self) -> int:
        """Cash on all shards."""
        return self.cash + sum(self.elsewhere.values())

    def closable(self, ticker: str, side: BookSide) -> int:
        """How many contracts a fill on ``side`` would close before it opens any."""
        position = self.positions.get(ticker)
        if position is None:
            return 0
        return max(0, -position.count if side == "bid" else position.count)


class Cash(NamedTuple):
    """What a fill would do to an account before fees: signed money, and how many contracts it closes."""

    effect: int
    closes: int


def cash_effect(account: Account, ticker: str, side: BookSide, price: int, count: int) -> Cash:
    """A bid pays the YES price, an ask the NO price; each contract closed returns one dollar
    (protocol section 11)."""
    closes = min(count, account.closable(ticker, side))
    paid = price if side == "bid" else PRICE_ONE - price
    return Cash(closes * PRICE_ONE - count * paid, closes)


def removed_cost(cost: int, closes: int, held: int) -> int:
    """Average cost of ``closes`` out of ``held`` contracts: cost * closes / held, rounded half up to the
    micro-dollar. Closing all removes all of it."""
    return (2 * cost * closes + held) // (2 * held)


class Ledger:
    """Cash, positions, collateral and fees of all accounts."""

    def __init__(self, total_traded: Literal["every_fill", "opening_fills"]) -> None:
        self.accounts: dict[str, Account] = {}
        self.shards: dict[str, int] = {}  # of the markets that are not on the first one
        self.collateral: dict[str, int] = {}  # contracts outstanding per market; each is backed by one dollar
        self.deposited = 0
        self.fees = 0
        self._opening_only = total_traded == "opening_fills"

    def add_account(self, user_id: str, cash: int, *, is_crowd: bool = False) -> Account:
        account = self.accounts[user_id] = Account(user_id, cash, is_crowd)
        self.deposited += cash
        return account

    def add_subaccount(self, owner: Account, number: int) -> Account:
        """Without cash of its own; a transfer brings some."""
        account = owner.numbered[number] = Account(owner.user_id, 0, subaccount=number)
        account.owner = owner
        return account

    def everyone(self) -> Iterator[Account]:
        """All accounts with all their subaccounts."""
        for account in self.accounts.values():
            yield from account.all()

    @property
    def cash(self) -> int:
        """Of all accounts, on all shards; most have but one purse, and an auditor asks after every act."""
        total = 0
        for account in self.accounts.values():
            total += account.cash
            if account.elsewhere:
                total += sum(account.elsewhere.values())
            if account.numbered:
                total += sum(one.worth for one in account.numbered.values())
        return total

    def book_fill(
        self, account: Account, ticker: str, side: BookSide, price: int, count: int, fee: int, now: int
    ) -> Position:
        """One side of one trade. The caller books both sides before anybody looks."""
        position = account.positions.get(ticker) or account.position(ticker, self.shards.get(ticker, 0))
        sign, paid = (1, price) if side == "bid" else (-1, PRICE_ONE - price)
        held = -sign * position.count
        closes = min(count, held) if held > 0 else 0
        opens = count - closes
        if closes:
            removed = removed_cost(position.cost, closes, held)
            position.cost -= removed
            position.realized += closes * (PRICE_ONE - paid) - removed
        position.cost += opens * paid
        position.count += sign * count
        position.volume += count
        position.fees += fee
        position.total_traded += (opens if self._opening_only else count) * paid
        position.updated_ns = now
        account.pay(position.exchange_index, closes * PRICE_ONE - count * paid - fee)
        self.fees += fee
        self.collateral[ticker] = self.collateral.get(ticker, 0) - closes
        return position

    def issue(self, ticker: str, count: int) -> None:
        """The other half of a trade's collateral: each contract traded is one dollar paid in by the two
        sides together, and each contract closed (in `book_fill`) one dollar paid out."""
        self.collateral[ticker] = self.collateral.get(ticker, 0) + count

    def settle(
        self, ticker: str, event_ticker: str, result: str, value: int, now: int
    ) -> Iterable[tuple[Account, Position]]:
        """Pay YES ``value`` and NO one dollar less ``value``; yields each account that was paid."""
        for account in self.everyone():
            position = account.positions.get(ticker)
            if position is None:
                continue
            if position.count or position.total_traded:
                account.settlements.append(_settlement(position, event_ticker, result, value, now))
            self._pay(account, position, value, now)
            yield account, position

    def _pay(self, account: Account, position: Position, value: int, now: int) -> None:
        payout = _payout(position, value)
        account.pay(position.exchange_index, payout)
        position.realized += payout - position.cost
        if position.count > 0:
            self.collateral[position.ticker] -= position.count
        position.count = position.cost = 0
        position.updated_ns = now

    def check(self) -> None:
        """Raises AssertionError if money or contracts appeared from nowhere."""
        accounts = list(self.everyone())
        held = sum(self.collateral.values()) * PRICE_ONE
        assert self.cash + held + self.fees == self.deposited, "money is not conserved"
        for ticker, outstanding in self.collateral.items():
            counts = [one.positions[ticker].count for one in accounts if ticker in one.positions]
            assert sum(counts) == 0, f"{ticker}: positions do not sum to 0"
            assert sum(count for count in counts if count > 0) == outstanding, f"{ticker}: collateral"
        for account in accounts:
            assert account.is_crowd or min(account.funds().values()) >= 0, f"{account.user_id} is overdrawn"
            assert all(one.cost >= 0 for one in account.positions.values())
            assert all(one.count or not one.cost for one in account.positions.values())


def _payout(position: Position, value: int) -> int:
    return position.count * value if position.count > 0 else -position.count * (PRICE_ONE - value)


def _settlement(position: Position, event_ticker: str, result: str, value: int, now: int) -> Settlement:
    yes, no = max(position.count, 0), max(-position.count, 0)
    return Settlement(
        position.ticker,
        event_ticker,
        result,
        value,
        yes,
        position.cost if yes else 0,
        no,
        position.cost if no else 0,
        _payout(position, value),
        position.fees,
        now,
        position.exchange_index,
    )
