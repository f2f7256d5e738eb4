"""The rows of the live table: which columns a terminal has room for, and what stands in them.

A figure is shown whole or not at all: columns give way, the most detailed first, and a ticker gives its
middle, because series and strike are at its ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from mm.core.events import MarketState
from mm.core.picture import DeskPicture, MarketPicture, OrderPicture
from mm.core.units import Count, Money, Nanos, Price, Side, count_text, price_text
from mm.observe.conditions import duration
from mm.observe.log import escape
from mm.observe.plain import amount, cents

NONE: Final = "-"
SHORTEST_TICKER: Final = 12
LONGEST_TICKER: Final = 44
FEWEST_ROWS: Final = 3


class Row(NamedTuple):
    """One market: ``own`` are the prices of our open orders there, by side; ``note``: why the strategy wants
    no quote; ``now`` is the engine's time, 0 before its first word."""

    market: MarketPicture
    own: dict[Side, list[Price]]
    note: str
    now: Nanos


class Layout(NamedTuple):
    """What is shown from so many columns of a terminal on."""

    width: int
    columns: tuple[str, ...]


LAYOUTS: Final = (
    Layout(
        148,
        (
            *("bid", "ask", "our bid", "our ask", "inventory"),
            *("realized", "unreal.", "fees", "P&L", "closes in", "why not quoted"),
        ),
    ),
    Layout(100, ("bid", "ask", "our bid", "our ask", "inventory", "realized", "unreal.", "fees")),
    Layout(74, ("bid", "ask", "our bid", "our ask", "inventory", "P&L")),
    Layout(54, ("our bid", "our ask", "inventory", "P&L")),
    Layout(0, ("inventory", "P&L")),
)
LONGEST_NOTE: Final = 24


@dataclass(frozen=True, slots=True)
class MarketTable:
    """The markets of a desk in ``room`` lines, with its header. ``why`` has the latest note by ticker."""

    desk: DeskPicture
    orders: Sequence[OrderPicture]
    now: Nanos
    room: int
    why: dict[str, str] = field(default_factory=dict)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        layout = next(layout for layout in LAYOUTS if options.max_width >= layout.width)
        table = Table(pad_edge=False, box=None, header_style="dim")
        table.add_column("market")  # the only one that may wrap is the one that gives way
        for name in layout.columns:
            is_figure = name != "why not quoted"
            table.add_column(
                name,
                justify="right" if is_figure else "left",
                no_wrap=True,
                max_width=None if is_figure else LONGEST_NOTE,
            )
        markets, left_out = self._chosen()
        own = _own_prices(self.orders)
        for market in markets:
            row = Row(market, own.get(market.ticker, {}), self.why.get(market.ticker, ""), self.now)
            table.add_row(_Ticker(market), *(CELLS[name](row) for name in layout.columns))
        yield table
        if left_out:
            yield Text(f"… and {left_out} more", style="dim")

    def _chosen(self) -> tuple[list[MarketPicture], int]:
        """In their order. Without room for all, those in which nothing of ours is give way first."""
        markets, room = list(self.desk.markets), max(self.room - 1, FEWEST_ROWS)
        if len(markets) <= room:
            return markets, 0
        busy = {order.ticker for order in self.orders}
        by_weight = sorted(markets, key=lambda market: (not market.position, market.ticker not in busy))
        kept = {market.ticker for market in by_weight[: room - 1]}
        return [market for market in markets if market.ticker in kept], len(markets) - len(kept)


@dataclass(frozen=True, slots=True)
class _Ticker:
    """Yellow while the book is not known, dim while the market is not open."""

    market: MarketPicture

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        longest = min(len(escape(self.market.ticker)), LONGEST_TICKER)
        return Measurement(min(SHORTEST_TICKER, longest), longest)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        is_open = self.market.state is MarketState.ACTIVE
        style = "dim" if not is_open else "" if self.market.in_sync else "yellow"
        yield Text(_shortened(escape(self.market.ticker), options.max_width), style=style, no_wrap=True)


def _shortened(ticker: str, width: int) -> str:
    if len(ticker) <= width:
        return ticker
    tail = (width - 1) * 3 // 5
    return f"{ticker[: width - 1 - tail]}…{ticker[len(ticker) - tail :]}"


def _own_prices(orders: Sequence[OrderPicture]) -> dict[str, dict[Side, list[Price]]]:
    found: dict[str, dict[Side, list[Price]]] = {}
    for order in orders:
        found.setdefault(order.ticker, {}).setdefault(order.side, []).append(order.price)
    return found


def _level(level: tuple[Price, Count] | None) -> Text:
    return Text(NONE, style="dim") if level is None else Text(price_text(level[0]))


def _own(row: Row, side: Side, style: str) -> Text:
    """The best of our open orders on a side."""
    prices = row.own.get(side)
    if not prices:
        return Text(NONE, style="dim")
    return Text(price_text(max(prices, key=lambda price: side.sign * price)), style=style)


def _inventory(position: Count, limit: Count) -> Text:
    """Yellow from half of the limit on, red from 80 percent."""
    used = abs(position) / limit if limit else 1.0 if position else 0.0
    style = "bold red" if used > 0.8 else "yellow" if used > 0.5 else ""
    return Text(count_text(position), style=style)


def signed(money: Money) -> Text:
    """Dollars and cents, green for a gain and red for a loss."""
    text = cents(amount(money))
    return Text(text, style="" if float(text) == 0 else "green" if money > 0 else "red")


def _closes_in(row: Row) -> Text:
    closes = row.market.close_ts
    if closes is None or not row.now:
        return Text(NONE, style="dim")
    return Text(duration(closes - row.now) if closes > row.now else "over", style="dim")


def _why_not(row: Row) -> Text:
    """Only while a side is not quoted: the market's state, or the note of the last decision."""
    if len(row.own) == len(Side):
        return Text()
    if row.market.state is not MarketState.ACTIVE:
        return Text(row.market.state.value, style="dim")
    return Text(escape(row.note), style="dim")


CELLS: Final[dict[str, Callable[[Row], Text]]] = {
    "bid": lambda row: _level(row.market.bid),
    "ask": lambda row: _level(row.market.ask),
    "our bid": lambda row: _own(row, Side.BID, "green"),
    "our ask": lambda row: _own(row, Side.ASK, "red"),
    "inventory": lambda row: _inventory(row.market.position, row.market.max_position),
    "realized": lambda row: signed(row.market.realized),
    "unreal.": lambda row: signed(row.market.unrealized),
    "fees": lambda row: Text(cents(amount(row.market.fees))),
    "P&L": lambda row: signed(row.market.realized + row.market.unrealized - row.market.fees),
    "closes in": _closes_in,
    "why not quoted": _why_not,
}


def rooms(desks: Sequence[DeskPicture], height: int) -> Iterator[int]:
    """How many lines each desk's table gets of ``height`` in all; what one does not need goes to the next."""
    for number, desk in enumerate(desks):
        share = height // (len(desks) - number)
        needed = min(len(desk.markets) + 1, max(share, FEWEST_ROWS + 1))
        height -= needed
        yield needed
