"""Reads and plays a story in columns: time, who, what happens, the book afterwards, what the bot does.

The header line says where the columns begin; a line that starts with ``#`` is prose. ``time`` is seconds from
the start, an empty one the same moment. Every action of the bot is in the last column, in order, separated by
``;``. An empty ladder is not looked at; ``?`` is a book that is not trusted. Who can do what:

feed      ``up`` ``down`` ``gap`` ``book 50:100 | 54:100`` ``delta bid 50 -100`` ``own delta bid 50 10``
market    ``active`` ``paused`` ``closed`` ``settled 1.00``
strategy  ``wants 50:10 | 54:10``
clock     ``tick`` ``tick orders 1``
operator  ``pause`` ``resume`` ``halt`` ``reset`` ``shutdown``
exchange  ``acks #1`` ``amends #1`` ``cancels #1 10`` ``refuses #1 not_found`` ``never answers #1``
          ``fills #1 4`` ``says #1 executed 10`` (asked) ``notes #1 canceled`` (by WebSocket)
account   ``clean`` ``fails`` ``cash 990`` ``holds -10@40 cash 996`` ``shows bot-run0-7 bid 10@49``
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mm.core.events import (
    BookDelta,
    BookGap,
    CommandKind,
    LinkDown,
    LinkUp,
    MarketState,
    MarketStatus,
    PositionReport,
    Tick,
)
from mm.core.units import CENT, CONTRACT, DOLLAR, MONEY_DOLLAR, SECOND, Side
from tests.core.bench import START, Bench
from tests.core.words import row
from tests.ladders import book

COLUMNS = ("time", "who", "what", "ladder", "bot")
OPERATOR = {kind.value: kind for kind in CommandKind}


class Line(NamedTuple):
    number: int
    time: str
    who: str
    what: str
    ladder: str
    bot: str


def read(path: Path) -> list[Line]:
    """The lines of a story; `ValueError` names a line that does not fit the columns."""
    found: list[Line] = []
    starts: list[int] = []
    for number, text in enumerate(path.read_text().splitlines(), start=1):
        if not text.strip() or text.startswith("#"):
            continue
        if not starts:
            starts = [text.index(column) for column in COLUMNS]
            continue
        if any(text[start - 1 : start].strip() for start in starts[1:]):
            raise ValueError(f"{path.name}:{number}: a word crosses the edge of its column")
        cut = [text[a:b] for a, b in zip(starts, [*starts[1:], None], strict=True)]
        found.append(Line(number, *(piece.strip() for piece in cut)))
    return found


class Player:
    """Plays a story on a bench of one market."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.who: dict[str, Callable[[list[str]], list[str]]] = {
            "feed": self.feed,
            "market": self.market,
            "strategy": self.strategy,
            "clock": self.clock,
            "operator": self.operator,
            "exchange": self.exchange,
            "account": self.account,
        }

    def play(self, line: Line) -> str:
        """What the bot does at this line, as the last column writes it."""
        if line.time:
            self.bench.now = START + round(float(line.time) * SECOND)
        return "; ".join(self.who[line.who](line.what.split()))

    def ladder(self) -> str:
        shown = self.bench.engine.know.markets["KXA"].book
        if not shown.in_sync:
            return "?"
        bids, asks = sorted(shown.bids.sizes.items()), sorted(shown.asks.sizes.items())
        sides = [" ".join(f"{p / CENT:g}:{n / CONTRACT:g}" for p, n in side) for side in (bids, asks)]
        return " | ".join(sides).strip()

    # -- who ---------------------------------------------------------------------------------------------
    def feed(self, words: list[str]) -> list[str]:
        bench = self.bench
        match words:
            case ["up"]:
                return bench.step(LinkUp(bench.now))
            case ["down"]:
                return bench.step(LinkDown(bench.now))
            case ["gap"]:
                return bench.step(BookGap(bench.now, "KXA", "sequence"))
            case ["book", *levels]:
                return bench.book(" ".join(levels))
            case ["delta", side, price, change]:
                return bench.step(self.delta(side, price, change, is_own=False))
            case ["own", "delta", side, price, change]:
                return bench.step(self.delta(side, price, change, is_own=True))
        raise ValueError(f"the feed cannot {words}")

    def delta(self, side: str, price: str, change: str, *, is_own: bool) -> BookDelta:
        size = round(float(change) * CONTRACT)
        return BookDelta(self.bench.now, "KXA", Side(side), round(float(price) * CENT), size, is_own)

    def market(self, words: list[str]) -> list[str]:
        bench = self.bench
        match words:
            case ["active"]:
                return bench.is_active()
            case ["settled", value]:
                paid = round(float(value) * DOLLAR)
                status = MarketStatus(bench.now, "KXA", state=MarketState.SETTLED, settlement_value=paid)
                return bench.step(status)
            case [state]:
                return bench.step(MarketStatus(bench.now, "KXA", state=MarketState(state)))
        raise ValueError(f"a market cannot be {words}")

    def strategy(self, words: list[str]) -> list[str]:
        wants, *levels = words
        assert wants == "wants"
        text = " ".join(levels)
        book(text)
        self.bench.wishes["KXA"] = text
        return []

    def clock(self, words: list[str]) -> list[str]:
        match words:
            case ["tick"]:
                return self.bench.step(Tick(self.bench.now, 100, 100))
            case ["tick", "orders", orders]:
                return self.bench.step(Tick(self.bench.now, int(orders), 100))
        raise ValueError(f"the clock cannot {words}")

    def operator(self, words: list[str]) -> list[str]:
        (command,) = words
        return self.bench.command(OPERATOR[command])

    def exchange(self, words: list[str]) -> list[str]:
        bench = self.bench
        match [word.removeprefix("#") for word in words]:
            case ["cancels", which, size] if not which.isdigit():
                left_over = bench.engine.know.orders.by_client_id[which]
                return bench.canceled_by_id(left_over, float(size))
            case ["acks", which]:
                return bench.ack(int(which))
            case ["amends", which]:
                return bench.amended(int(which))
            case ["cancels", which, size]:
                return bench.canceled(int(which), float(size))
            case ["refuses", which, code]:
                return bench.refuse(int(which), code, 404 if code == "not_found" else 400)
            case ["never", "answers", which]:
                return bench.doubt(int(which))
            case ["fills", which, size]:
                return bench.fill(bench.order(int(which)), float(size))
            case ["says", which, status, *filled]:
                return bench.told(int(which), status, *map(float, filled))
            case ["notes", which, status, *filled]:
                return bench.noticed(int(which), status, *map(float, filled))
        raise ValueError(f"the exchange cannot {words}")

    def account(self, words: list[str]) -> list[str]:
        match words:
            case ["clean"]:
                return self.bench.account()
            case ["fails"]:
                return self.bench.fail_the_read()
            case ["cash", dollars]:
                return self.bench.account(cash=round(float(dollars) * MONEY_DOLLAR))
            case ["holds", what, "cash", dollars]:
                cash = round(float(dollars) * MONEY_DOLLAR)
                return self.bench.account(self.position(what), cash=cash)
            case ["shows", client_id, side, what]:
                order_id = "X" + client_id.rsplit("-", 1)[-1]
                return self.bench.account(resting=(row(client_id, order_id, f"{side} {what}"),))
        raise ValueError(f"the account cannot {words}")

    @staticmethod
    def position(what: str) -> PositionReport:
        """``-10@40``: short ten, entered at a YES price of 40 cents."""
        parsed = re.fullmatch(r"(-?[\d.]+)@([\d.]+)", what)
        assert parsed, what
        count, price = round(float(parsed[1]) * CONTRACT), round(float(parsed[2]) * CENT)
        cost = count * price if count >= 0 else -count * (DOLLAR - price)
        return PositionReport("KXA", count, cost, 0, 0)
