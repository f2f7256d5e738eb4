"""The live table of a terminal: markets, books, our quotes, inventory, P&L, breaker.

The trading loop only hands over a picture; a side thread draws it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mm.core.picture import DeskPicture, EnginePicture, MarketPicture, Observed, OrderPicture
from mm.core.units import SECOND, Count, Money, Nanos, Price, Side, count_text, money_text, price_text
from mm.observe.files import iso
from mm.observe.log import escape
from mm.observe.observer import Every, Watcher

FRAMES_A_SECOND = 4
LOOK_EVERY: Nanos = SECOND // FRAMES_A_SECOND
WIDTH = 100
PARTS = ("realized", "unreal.", "fees")
SUM = ("P&L",)
MODE_STYLE = {"QUOTING": "bold green", "PAUSED": "bold yellow", "HALTED": "bold red"}
NONE = "-"


class Screen(Watcher):
    """Shows the engine on ``console`` until `close`; ``remark``, if it says something, is a line above."""

    def __init__(self, console: Console, remark: Callable[[], str] = str) -> None:
        super().__init__({}, {})
        self._remark = remark
        self._picture: EnginePicture | None = None
        self._look = Every(LOOK_EVERY)
        self._live = Live(
            console=console,
            get_renderable=self._draw,
            refresh_per_second=FRAMES_A_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def on_time(self, now: Nanos, engine: Observed) -> None:
        if self._look.is_due(now):
            self._picture = engine.picture()

    def close(self) -> None:
        self._live.stop()

    def _draw(self) -> RenderableType:
        picture = Text("starting") if self._picture is None else render(self._picture)
        remark = escape(self._remark())
        return Group(Text(remark, style="bold yellow"), picture) if remark else picture


def render(picture: EnginePicture) -> RenderableType:
    """The whole screen, at most `WIDTH` columns; pure. On a narrower one the parts of P&L are one column."""
    stopped_all = not picture.breaker.trading_allowed
    desks = [_Desk(desk, picture.orders, stopped_all=stopped_all) for desk in picture.desks]
    return Group(_heading(picture), *desks)


def _heading(picture: EnginePicture) -> Text:
    mode = picture.mode.upper()
    time = iso(picture.now)[:19].replace("T", " ") + "  " if picture.now else ""
    line = Text(time, style="dim")
    line.append(mode, style=MODE_STYLE.get(mode, "bold cyan"))
    line.append("  feed ")
    line.append(*(("up", "green") if picture.link_up else ("down", "bold red")))
    line.append("  cash ").append(NONE if picture.cash is None else money_text(picture.cash)[:-4])
    breaker = picture.breaker
    line.append("  breaker ")
    if breaker.trading_allowed:
        line.append("ok", style="green")
    else:
        line.append(f"TRIPPED {escape(breaker.trip_rule)}: {escape(breaker.trip_reason)}", style="bold red")
    return line


@dataclass(frozen=True, slots=True)
class _Desk:
    """``stopped_all``: the heading says already why nothing is quoted."""

    desk: DeskPicture
    orders: tuple[OrderPicture, ...]
    stopped_all: bool

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, WIDTH)
        yield _title(self.desk, self.stopped_all)
        yield _table(self.desk, self.orders, width)


def _title(desk: DeskPicture, stopped_all: bool) -> Text:
    total = desk.realized + desk.unrealized - desk.fees
    title = Text.assemble((escape(desk.name), "bold"), f"  {escape(desk.strategy)}  P&L ", _signed(total))
    breaker = desk.breaker
    if breaker is not None and not breaker.trading_allowed and not stopped_all:
        title.append(
            f"  TRIPPED {escape(breaker.trip_rule)}: {escape(breaker.trip_reason)}", style="bold red"
        )
    return title


def _table(desk: DeskPicture, orders: tuple[OrderPicture, ...], width: int) -> Table:
    parts = PARTS if width == WIDTH else SUM
    table = Table(
        width=width,
        pad_edge=False,
        box=None,
        header_style="dim",
    )
    table.add_column("market", overflow="ellipsis", no_wrap=True, ratio=1)
    for name in ("bid", "ask", "our bid", "our ask", "inventory", *parts):
        table.add_column(name, justify="right", no_wrap=True)
    for market in desk.markets:
        table.add_row(*_market(market, orders), *_pnl(market, parts))
    return table


def _market(market: MarketPicture, orders: tuple[OrderPicture, ...]) -> tuple[Text, ...]:
    name = Text(escape(market.ticker), style="" if market.in_sync else "yellow")
    return (
        name,
        _level(market.bid),
        _level(market.ask),
        _own(market.ticker, Side.BID, orders),
        _own(market.ticker, Side.ASK, orders),
        _inventory(market.position, market.max_position),
    )


def _pnl(market: MarketPicture, parts: tuple[str, ...]) -> tuple[Text, ...]:
    if parts == SUM:
        return (_signed(market.realized + market.unrealized - market.fees),)
    return _signed(market.realized), _signed(market.unrealized), Text(_cents(market.fees))


def _level(level: tuple[Price, Count] | None) -> Text:
    return Text(NONE if level is None else price_text(level[0]), style="dim" if level is None else "")


def _own(ticker: str, side: Side, orders: tuple[OrderPicture, ...]) -> Text:
    """The best of our open orders on a side."""
    prices = [order.price for order in orders if order.ticker == ticker and order.side is side]
    if not prices:
        return Text(NONE, style="dim")
    best = max(prices, key=lambda price: side.sign * price)
    return Text(price_text(best), style="green" if side is Side.BID else "red")


def _inventory(position: Count, limit: Count) -> Text:
    """Yellow from half of the limit on, red from 80 percent."""
    used = abs(position) / limit if limit else 1.0 if position else 0.0
    style = "bold red" if used > 0.8 else "yellow" if used > 0.5 else ""
    return Text(count_text(position), style=style)


def _cents(money: Money) -> str:
    """Dollars with two decimals, cut towards zero."""
    text = money_text(money)[:-4]
    return "0.00" if text == "-0.00" else text


def _signed(money: Money) -> Text:
    return Text(_cents(money), style="green" if money > 0 else "red" if money < 0 else "")
