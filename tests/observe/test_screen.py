"""The live table on terminals of every size: no figure is cut, and what a trader looks for is there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from io import StringIO
from pathlib import Path
from threading import Event

import msgspec
import pytest
from rich.console import Console

from mm.core.actions import Stop
from mm.core.events import MarketState, Tick
from mm.core.picture import EnginePicture, OrderPicture
from mm.core.units import SECOND, Side
from mm.observe.screen import Screen, render
from tests.observe.engine import START, TICKER, TRIPPED, Bench, BookingEngine, at, decision
from tests.observe.test_files import wait_until

PATIENCE = 60.0
LONG = "KXSIMINX-26NOV210900R-T4976L"
ORDER = OrderPicture("c", "o", "DEFAULT", TICKER, Side.BID, 4_600, 100, 0, "RESTING", START)


def shown(
    picture: EnginePicture, width: int, height: int = 50, why: Mapping[str, str] | None = None
) -> list[str]:
    console = Console(width=width, height=height, force_terminal=False)
    with console.capture() as captured:
        console.print(render(picture, dict(why or {})))
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= width
    return lines


def row_of(ticker: str, lines: list[str]) -> list[str]:
    return next(line for line in lines if line.startswith(ticker)).split()


def test_what_matters_is_there_and_no_text_moves_the_cursor() -> None:
    engine = BookingEngine({"DEFAULT": [TICKER, "KXEVIL\x1b[2J\u202e" + "X" * 80], "WIDE": ["OTHER"]})
    engine.positions[TICKER] = -8_500
    engine.breaker = TRIPPED
    engine.orders = (
        ORDER,
        msgspec.structs.replace(ORDER, price=4_700),
        msgspec.structs.replace(ORDER, side=Side.ASK, price=5_200),
        msgspec.structs.replace(ORDER, side=Side.ASK, price=5_100),
    )
    lines = shown(engine.picture(), 100)
    text = "\n".join(lines)
    assert "\x1b" not in text and "\u202e" not in text
    figures = ["0.4600", "0.4900", "0.4700", "0.5100", "-85.00", "2.50", "-0.50", "0.17"]
    assert row_of(TICKER, lines)[1:] == figures
    assert lines[0].startswith("2026-09-21 14:13:20 UTC  QUOTING  feed up  cash 98765.43  breaker TRIPPED")
    assert lines[1] == "TRIPPED consecutive_errors: 10 API errors in a row"
    assert "P&L 1.82" in text


@pytest.mark.parametrize("width", [*range(31, 80, 7), 80, 99, 100, 147, 148, 200])
def test_a_figure_is_shown_whole_or_not_at_all(width: int) -> None:
    engine = BookingEngine({"DEFAULT": [LONG, "KXSIMINX-26NOV210900R-T5036L"]})
    engine.orders = (msgspec.structs.replace(ORDER, ticker=LONG),)
    first, second = shown(engine.picture(), width)[-2:]
    assert "…" not in first[width // 2 :] and first != second
    for figure in first.split()[1:]:
        assert figure == "-" or len(figure.partition(".")[2]) in (2, 4), first
    assert first.split()[0].endswith("4976L") and second.split()[0].endswith("5036L")


def test_80_columns_have_room_for_a_loss_beside_a_whole_ticker() -> None:
    header, row = shown(BookingEngine({"DEFAULT": [LONG]}).picture(), 80)[-2:]
    assert header.split()[-2:] == ["inventory", "P&L"]
    assert row.split() == [LONG, "0.4600", "0.4900", "-", "-", "0.00", "1.82"]


def test_a_wide_terminal_says_when_a_market_closes_and_why_it_is_not_quoted() -> None:
    engine = BookingEngine({"DEFAULT": [TICKER, "KXCLOSED", "KXGATED"]})
    engine.orders = (ORDER, msgspec.structs.replace(ORDER, side=Side.ASK))
    picture = engine.picture()
    (desk,) = picture.desks
    quoted, closed, gated = desk.markets
    markets = (
        msgspec.structs.replace(quoted, close_ts=START + 125 * SECOND),
        msgspec.structs.replace(closed, state=MarketState.CLOSED, close_ts=START - SECOND),
        gated,
    )
    picture = msgspec.structs.replace(picture, desks=(msgspec.structs.replace(desk, markets=markets),))
    lines = shown(picture, 200, why=dict.fromkeys((TICKER, "KXCLOSED", "KXGATED"), "volatility gate"))
    assert row_of(TICKER, lines)[-4:] == ["2", "min", "5", "s"]
    assert row_of("KXCLOSED", lines)[-2:] == ["over", "closed"]
    assert row_of("KXGATED", lines)[-3:] == ["-", "volatility", "gate"]


def test_a_desk_that_stopped_alone_and_a_pause_say_why() -> None:
    engine = BookingEngine({"DEFAULT": [TICKER], "WIDE": ["OTHER"]})
    engine.pauses = (("operator", "lunch\x1b[2J"),)
    picture = engine.picture()
    stopped, other = picture.desks
    stopped = msgspec.structs.replace(stopped, breaker=TRIPPED)
    lines = shown(msgspec.structs.replace(picture, desks=(stopped, other)), 80)
    assert "breaker ok" in lines[0] and lines[1].startswith("paused (operator): lunch")
    told = [line for line in lines if "TRIPPED consecutive_errors" in line]
    assert len(told) == 1 and told[0].startswith("DEFAULT")


def test_a_low_terminal_keeps_the_markets_in_which_something_is_ours_in_their_order() -> None:
    tickers = [f"KXM-{number:02}" for number in range(40)]
    engine = BookingEngine({"DEFAULT": tickers, "WIDE": ["OTHER"]})
    engine.positions["KXM-31"] = 100
    engine.orders = (msgspec.structs.replace(ORDER, ticker="KXM-39"),)
    lines = shown(engine.picture(), 80, height=24)
    assert len(lines) <= 24 and row_of("OTHER", lines)
    kept = [line.split()[0] for line in lines if line.startswith("KXM-")]
    assert kept == sorted(kept) and kept[-2:] == ["KXM-31", "KXM-39"] and kept[0] == "KXM-00"
    assert f"… and {40 - len(kept)} more" in lines


def test_figures_are_those_of_every_other_place_to_the_nearest_cent() -> None:
    picture = BookingEngine().picture()
    desk = msgspec.structs.replace(picture.desks[0], realized=9_999, unrealized=0, fees=0)
    picture = msgspec.structs.replace(picture, cash=979_538_000, desks=(desk,))
    assert "cash 979.54 " in shown(picture, 80)[0] and "P&L 0.01" in shown(picture, 80)[1]
    desk = msgspec.structs.replace(desk, realized=-4_000)
    assert "P&L 0.00" in shown(msgspec.structs.replace(picture, desks=(desk,)), 80)[1]


def test_the_live_screen_ends_with_the_last_word_of_the_engine() -> None:
    sheet = StringIO()
    screen = Screen(Console(file=sheet, width=200, force_terminal=True, _environ={}))
    bench = Bench([screen])
    bench.step(Tick(at(0), 1, 1), decided=[decision(note="volatility gate")])
    bench.time(at(1))
    bench.engine.positions[TICKER] = 12_300
    bench.step(Tick(at(1.1), 1, 1), Stop(0, "asked to"))
    bench.close()
    screen.leave(PATIENCE)
    *_, last = (line for line in sheet.getvalue().splitlines() if TICKER in line)
    assert "123.00" in last and "volatility gate" in last


def test_a_terminal_that_takes_nothing_holds_nobody_up() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as terminal, os.fdopen(reader, "rb") as far_end:
        screen = Screen(
            Console(file=terminal, width=100_000, force_terminal=True, _environ={}), lambda: "x" * 99_999
        )
        bench = Bench([screen])
        bench.time(at(1))
        bench.close()
        screen.leave(0.1)
        assert screen.is_drawing, "the pipe is full, and the thread is left behind"
        os.set_blocking(reader, False)  # the last bytes may have been read before the thread has ended

        def is_given_back() -> bool:
            far_end.read()
            return not screen.is_drawing

        wait_until(is_given_back)


def test_a_terminal_that_went_away_is_let_go() -> None:
    with suppress(OSError), Path("/dev/full").open("w") as terminal:  # closing it tries once more
        screen = Screen(Console(file=terminal, width=80, force_terminal=True, _environ={}))
        screen.leave(PATIENCE)
        Bench([screen]).time(at(1))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_its_own_is_no_silence() -> None:
    broken = Event()

    def remark() -> str:
        assert not broken.is_set(), "a fault of ours"
        return ""

    screen = Screen(Console(file=StringIO(), width=80, force_terminal=True, _environ={}), remark)
    broken.set()
    screen.leave(PATIENCE)
    with pytest.raises(RuntimeError, match="has ended"):
        Bench([screen]).time(at(1))
