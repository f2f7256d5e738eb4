"""What we own and what it has earned: the positions of all markets, what they add up to, and round trips.

Cash is opening cash + flow - collateral - fees, and P&L is flow + position * mark (`mm.core.position`): no
rounding anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from mm.core.events import Fill, PositionReport
from mm.core.position import Position, collateral
from mm.core.units import Count, Money, Nanos, Price, Side

REMEMBERED_TRADES = 200_000
REMEMBERED_VALUES = 20_000


class RoundTrip(msgspec.Struct, frozen=True, gc=False):
    """A position from flat to flat. ``pnl`` is net of fees; ``max_count`` the largest size held."""

    ticker: str
    opened_at: Nanos
    closed_at: Nanos
    pnl: Money
    max_count: Count


@dataclass(slots=True)
class Sums:
    """Over all positions, kept as they change: with a thousand markets nobody adds them up at each Tick."""

    cash: Money = 0
    at_risk: Money = 0
    pnl: Money = 0
    value: Money = 0

    def add(self, position: Position, sign: int) -> None:
        """``sign`` -1 takes a position out before it changes, +1 puts it in again."""
        held = collateral(position.count)
        self.cash += sign * (position.flow - position.fees - held)
        self.at_risk += sign * position.value_at_risk
        self.pnl += sign * position.pnl
        self.value += sign * (position.count * (position.mark or 0) + held)


class Ledger:
    """All positions of the account, fills booked once, and round trips as they end.

    ``held`` are the positions that are not flat; ``moved`` the markets whose position, or its value, is
    another one since somebody last emptied it.
    """

    def __init__(self) -> None:
        self.positions: dict[str, Position] = {}
        self.held: dict[str, Position] = {}
        self.moved: dict[str, None] = {}
        self.round_trips: list[RoundTrip] = []
        self.losing_streak = 0
        self.trips_ended = 0
        self.opening_cash: Money | None = None
        self._opening_cost: Money = 0
        self._booked: dict[tuple[str, str], None] = {}
        self._sums = Sums()
        # What retired markets paid for YES, and what they add to the sums over positions.
        self._values: dict[str, Price] = {}
        self._retired_fees: Money = 0
        self._retired_fills = 0

    def position(self, ticker: str) -> Position:
        """To be changed; of a retired market one that is settled."""
        found = self.positions.get(ticker)
        if found is None:
            value = self._values.get(ticker)
            found = self.positions[ticker] = Position(ticker, mark=value, settled=value is not None)
        return found

    def count(self, ticker: str) -> Count:
        """What is held of a market, signed."""
        position = self.held.get(ticker)
        return position.count if position is not None else 0

    def _is_changed(self, position: Position) -> None:
        """Into the sums again, and told."""
        self._sums.add(position, 1)
        self.moved[position.ticker] = None
        if position.count:
            self.held[position.ticker] = position
        else:
            self.held.pop(position.ticker, None)

    # -- opening ---------------------------------------------------------------------------------------
    def open(self, cash: Money, positions: tuple[PositionReport, ...], known: tuple[Fill, ...]) -> None:
        """Take over what the exchange holds for us before this run trades; ``known`` fills are in it."""
        self.moved.update(dict.fromkeys(self.positions))
        self.positions, self.held = {}, {}
        for report in positions:
            signed_cost = _signed_cost(report)
            self.positions[report.ticker] = Position(
                report.ticker,
                count=report.position,
                cost=signed_cost,
                opening_count=report.position,
                opening_cost=signed_cost,
                trip_max=abs(report.position),
            )
        self._sums = Sums()
        for position in self.positions.values():
            self._is_changed(position)
        held = sum(collateral(report.position) for report in positions)
        self.opening_cash = cash + held
        self._opening_cost = sum(position.opening_cost for position in self.positions.values())
        for fill in known:
            self._remember(fill)

    def take_over(self, ticker: str, report: PositionReport | None) -> None:
        """Believe the exchange: it holds this (``None``: nothing), however that came about. That is neither
        a gain nor a loss of ours."""
        position = self.position(ticker)
        self._sums.add(position, -1)
        before = position.count
        cost = _signed_cost(report) if report is not None else 0
        unrealized, opening_cost = position.unrealized, position.opening_cost
        position.opening_cost += cost - position.cost
        position.count, position.cost = report.position if report is not None else 0, cost
        position.opening_cost += position.unrealized - unrealized
        self._opening_cost += position.opening_cost - opening_cost
        if before * position.count <= 0:
            self._open_trip(position, 0)  # like one that was there at the start: since when is not known
        position.trip_max = max(position.trip_max, abs(position.count))
        self._is_changed(position)

    # -- fills and settlement --------------------------------------------------------------------------
    def book(self, fill: Fill) -> bool:
        """Book a fill; ``False`` if this trade of this order is booked already. Before the opening is known
        a fill is only remembered: the opening positions will contain it."""
        if (fill.trade_id, fill.order_id) in self._booked:
            return False
        self._remember(fill)
        if self.opening_cash is None:
            return True
        position = self.position(fill.ticker)
        self._sums.add(position, -1)
        self._book(position, fill)
        self._is_changed(position)
        return True

    def _book(self, position: Position, fill: Fill) -> None:
        before = position.count
        if before == 0:
            self._open_trip(position, fill.ts)
        position.fees += fill.fee
        position.fills += 1
        position.changed_at = fill.ts
        if before and abs(fill.side.sign * fill.count) > abs(before) and fill.side.sign * before < 0:
            self._trade_through_zero(position, fill)
        else:
            position.trade(fill.side, fill.price, fill.count)
        position.trip_max = max(position.trip_max, abs(position.count))
        if position.count == 0:
            self._close_trip(position, fill.ts)
        elif position.settled and position.mark is not None:
            self._pay_out(position, position.mark, fill.ts)

    def _trade_through_zero(self, position: Position, fill: Fill) -> None:
        """One fill that closes and opens: the fee belongs to the trip it closes."""
        closing = abs(position.count)
        position.trade(fill.side, fill.price, closing)
        self._close_trip(position, fill.ts)
        self._open_trip(position, fill.ts)
        position.trade(fill.side, fill.price, fill.count - closing)

    def settle(self, ticker: str, value: Price, now: Nanos) -> None:
        """The market paid ``value`` for YES. There is no settlement fee (protocol section 11). A fill that is
        learned of later was paid for too."""
        self.mark(ticker, value)
        position = self.position(ticker)
        if position.settled:
            return
        self._sums.add(position, -1)
        position.settled = True
        position.changed_at = now
        if position.count:
            self._pay_out(position, value, now)
        self._is_changed(position)

    def retire(self, ticker: str) -> Position:
        """Forget a settled position; what it has earned stays in all sums. A fill that is still learned of
        later is booked, and paid for at the same value."""
        position = self.positions.pop(ticker)
        assert position.is_over and position.mark is not None, f"{ticker} is not over"
        self.moved.pop(ticker, None)
        self._retired_fees += position.fees
        self._retired_fills += position.fills
        self._values[ticker] = position.mark
        if len(self._values) > REMEMBERED_VALUES:
            del self._values[next(iter(self._values))]
        return position

    def mark(self, ticker: str, mark: Price) -> None:
        """Value a market's position at ``mark`` from now on."""
        position = self.position(ticker)
        if position.mark != mark:
            self._sums.add(position, -1)
            position.mark = mark
            self._sums.add(position, 1)
            self.moved[ticker] = None

    def _pay_out(self, position: Position, value: Price, now: Nanos) -> None:
        side = Side.ASK if position.count > 0 else Side.BID
        position.trade(side, value, abs(position.count))
        self._close_trip(position, now)

    def _open_trip(self, position: Position, now: Nanos) -> None:
        position.trip_opened_at, position.trip_max = now, 0
        position.trip_start = position.realized - position.fees

    def _close_trip(self, position: Position, now: Nanos) -> None:
        pnl = position.realized - position.fees - position.trip_start
        trip = RoundTrip(position.ticker, position.trip_opened_at, now, pnl, position.trip_max)
        self.round_trips.append(trip)
        del self.round_trips[:-1000]
        self.losing_streak = self.losing_streak + 1 if pnl < 0 else 0
        self.trips_ended += 1

    def _remember(self, fill: Fill) -> None:
        self._booked[(fill.trade_id, fill.order_id)] = None
        if len(self._booked) > REMEMBERED_TRADES:
            del self._booked[next(iter(self._booked))]

    # -- sums ------------------------------------------------------------------------------------------
    @property
    def cash(self) -> Money | None:
        """What the exchange's balance must be; ``None`` before the opening is known."""
        if self.opening_cash is None:
            return None
        return self.opening_cash + self._sums.cash

    @property
    def value_at_risk(self) -> Money:
        """What all open positions could still lose."""
        return self._sums.at_risk

    @property
    def worth(self) -> Money | None:
        """Cash and all positions at their marks, at cost where there is none: changes by P&L, and by money
        that comes or goes, alone. ``None`` before the opening is known."""
        return None if self.opening_cash is None else self.opening_cash + self._opening_cost + self._sums.pnl

    @property
    def fees(self) -> Money:
        """Of all fills of this run."""
        return self._retired_fees + sum(position.fees for position in self.positions.values())

    @property
    def fills(self) -> int:
        """How many were booked."""
        return self._retired_fills + sum(position.fills for position in self.positions.values())

    @property
    def equity_held(self) -> Money:
        """What the open positions are worth at their marks, collateral included."""
        return self._sums.value

    def pnl(self, tickers: tuple[str, ...] | None = None) -> Money:
        """Realized + unrealized - fees of this run, of some markets or of all."""
        if tickers is None:
            return self._sums.pnl
        return sum(self.positions[ticker].pnl for ticker in tickers if ticker in self.positions)


def _signed_cost(report: PositionReport) -> Money:
    """On the YES leg: a short has cost its proceeds, less than nothing."""
    return report.cost if report.position >= 0 else report.cost - collateral(report.position)
