"""What we own of one market and what it has earned: a signed position at average cost, to a micro-dollar.

Everything is kept on the YES leg. ``flow`` is the cash of all fills as if a short sold YES for its price; the
exchange instead takes the whole dollar as collateral (protocol section 11), which is `collateral`. Rounding
exists only where realized and unrealized are told apart, and cancels in their sum.
"""

from __future__ import annotations

from dataclasses import dataclass

from mm.core.units import CONTRACT, MONEY_DOLLAR, Count, Money, Nanos, Price, Side


def collateral(position: Count) -> Money:
    """What the exchange holds for a short: one dollar a contract."""
    return max(-position, 0) * (MONEY_DOLLAR // CONTRACT)


def rounded_share(total: Money, part: Count, whole: Count) -> Money:
    """``total * part / whole`` to the nearest millionth, halves away from zero."""
    sign = -1 if total < 0 else 1
    return sign * ((2 * abs(total) * part + whole) // (2 * whole))


@dataclass(slots=True)
class Position:
    """``cost`` is what the open position cost on the YES leg: positive when long, negative (the proceeds)
    when short. ``opening_*`` were there before this run and are not of its making."""

    ticker: str
    count: Count = 0
    cost: Money = 0
    flow: Money = 0
    fees: Money = 0
    fills: int = 0
    mark: Price | None = None
    settled: bool = False
    changed_at: Nanos = 0
    opening_count: Count = 0
    opening_cost: Money = 0
    trip_opened_at: Nanos = 0
    trip_start: Money = 0
    trip_max: Count = 0

    @property
    def average_cost(self) -> Price:
        """The YES price at which the open position was entered, 0 if flat."""
        return (
            rounded_share(self.cost, 1, self.count)
            if self.count > 0
            else (rounded_share(-self.cost, 1, -self.count) if self.count < 0 else 0)
        )

    @property
    def realized(self) -> Money:
        """Of this run, before fees."""
        return self.flow + self.cost - self.opening_cost

    @property
    def unrealized(self) -> Money:
        """Of the open position against the mark; 0 while there is no mark."""
        return 0 if self.mark is None else self.count * self.mark - self.cost

    @property
    def pnl(self) -> Money:
        return self.realized + self.unrealized - self.fees

    @property
    def is_over(self) -> bool:
        """Settled and paid out: nothing can become of it any more."""
        return self.settled and not self.count and not self.cost

    @property
    def value_at_risk(self) -> Money:
        """What is lost if the open position ends worthless."""
        return self.cost if self.count >= 0 else self.cost + collateral(self.count)

    def trade(self, side: Side, price: Price, count: Count) -> None:
        """Book ``count`` contracts: first against what is open on the other side, the rest opens."""
        signed = side.sign * count
        self.flow -= signed * price
        closing = min(count, max(-side.sign * self.count, 0))
        if closing:
            self.cost -= rounded_share(self.cost, closing, abs(self.count))
        self.cost += side.sign * (count - closing) * price
        self.count += signed
