"""The live table of a terminal: markets, books, our quotes, inventory, P&L, breaker.

The trading loop only hands over a picture. A side thread draws it, for a terminal may stop taking anything
(Ctrl-S, a link that hangs), and then nobody else may wait for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Final

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.text import Text

from mm.core.actions import Stop
from mm.core.events import Tick
from mm.core.picture import BreakerPicture, DeskPicture, EnginePicture, Observed
from mm.core.units import SECOND, Nanos
from mm.observe.files import iso
from mm.observe.log import escape
from mm.observe.observer import Every, Watcher
from mm.observe.plain import amount, cents
from mm.observe.screen_table import NONE, MarketTable, rooms, signed

FRAMES_A_SECOND = 4
LOOK_EVERY: Nanos = SECOND // FRAMES_A_SECOND
PATIENCE_SECONDS: Final = 1.0
MODE_STYLE = {"QUOTING": "bold green", "PAUSED": "bold yellow", "HALTED": "bold red"}


class Screen(Watcher):
    """Shows the engine on ``console`` until `close`, which waits for nothing: `leave` does, for a moment.
    ``remark``, if it says something, is a line above. A terminal that went away is let go."""

    def __init__(self, console: Console, remark: Callable[[], str] = str) -> None:
        super().__init__({Tick: self._tick}, {Stop: self._stop})
        self._remark = remark
        self._picture: EnginePicture | None = None
        self._why: dict[str, str] = {}
        self._look = Every(LOOK_EVERY)
        self._live = Live(
            console=console,
            get_renderable=self._draw,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._is_gone = False
        self._is_closing = Event()
        self._thread = Thread(target=self._show, name="screen", daemon=True)
        self._thread.start()

    def _tick(self, event: Tick, engine: Observed) -> None:
        for decision in engine.decisions:
            self._why[decision.ticker] = decision.note

    def _stop(self, ts: Nanos, action: Stop, engine: Observed) -> None:
        """What stays on the terminal is the end, as the comparison below it has it."""
        self._picture = engine.picture()

    def on_time(self, now: Nanos, engine: Observed) -> None:
        if not self.is_drawing and not self._is_gone:
            raise RuntimeError("the thread that draws has ended")
        if self._look.is_due(now):
            self._picture = engine.picture()
            known = {market.ticker for desk in self._picture.desks for market in desk.markets}
            self._why = {ticker: note for ticker, note in self._why.items() if ticker in known}

    def close(self) -> None:
        """Draw the last picture and give the terminal back, some time."""
        self._is_closing.set()

    def leave(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Wait so long for that. A thread that the terminal holds is left behind."""
        self._thread.join(patience_seconds)

    @property
    def is_drawing(self) -> bool:
        """Whether the terminal is not given back yet."""
        return self._thread.is_alive()

    def _show(self) -> None:
        try:
            with self._live:
                while not self._is_closing.wait(1 / FRAMES_A_SECOND):
                    self._live.refresh()
        except OSError:
            self._is_gone = True

    def _draw(self) -> RenderableType:
        picture = Text("starting") if self._picture is None else render(self._picture, self._why)
        remark = escape(self._remark())
        return Group(Text(remark, style="bold yellow"), picture) if remark else picture


def own_terminal() -> Console:
    """A console on standard output that shares nothing with `sys.stdout`, which Python could not give up at
    its end while a thread is held in it. For the same reason nobody closes it."""
    stdout = sys.stdout
    return Console(
        file=os.fdopen(os.dup(stdout.fileno()), "w", encoding=stdout.encoding, errors=stdout.errors)
    )


def render(picture: EnginePicture, why: dict[str, str] | None = None) -> RenderableType:
    """The whole screen, in what room there is; pure. ``why`` has the latest note of a decision by ticker."""
    return _Whole(picture, why or {})


@dataclass(frozen=True, slots=True)
class _Whole:
    picture: EnginePicture
    why: dict[str, str] = field(default_factory=dict)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        picture = self.picture
        heading = list(_heading(picture))
        yield from heading
        height = options.max_height - len(heading) - len(picture.desks) - 1
        for desk, room in zip(picture.desks, rooms(picture.desks, height), strict=True):
            yield _title(desk, is_told=not picture.breaker.trading_allowed)
            yield MarketTable(desk, picture.orders, picture.now, room, self.why)


def _heading(picture: EnginePicture) -> Iterator[Text]:
    """How it is; then, a line each, why nothing is quoted."""
    mode, breaker = picture.mode.upper(), picture.breaker
    line = Text(f"{iso(picture.now)[:19].replace('T', ' ')} UTC  " if picture.now else "", style="dim")
    line.append(mode, style=MODE_STYLE.get(mode, "bold cyan"))
    line.append("  feed ")
    line.append(*(("up", "green") if picture.link_up else ("down", "bold red")))
    line.append("  cash ").append(NONE if picture.cash is None else cents(amount(picture.cash)))
    line.append("  breaker ")
    line.append(*(("ok", "green") if breaker.trading_allowed else ("TRIPPED", "bold red")))
    yield line
    if not breaker.trading_allowed:
        yield Text(_trip(breaker), style="bold red")
    for who, reason in picture.pauses:
        yield Text(escape(f"paused ({who}): {reason}"), style="bold yellow")


def _trip(breaker: BreakerPicture) -> str:
    return escape(f"TRIPPED {breaker.trip_rule}: {breaker.trip_reason}")


def _title(desk: DeskPicture, *, is_told: bool) -> Text:
    """``is_told``: the heading says already why nothing is quoted."""
    total = desk.realized + desk.unrealized - desk.fees
    title = Text.assemble((escape(desk.name), "bold"), f"  {escape(desk.strategy)}  P&L ", signed(total))
    if desk.breaker is not None and not desk.breaker.trading_allowed and not is_told:
        title.append(f"  {_trip(desk.breaker)}", style="bold red")
    return title
