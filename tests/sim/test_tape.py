"""Recorded markets: the record must come out as it went in, and our orders must queue honestly in it."""

from __future__ import annotations

import gzip
import json
import random
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mm.sim.recording import RecordingError, Tape, TickerStep
from mm.sim.tape import NEVER, TapePlayer
from mm.sim.tape_market import QueueModel
from mm.sim.venue import Venue
from mm.sim.words import MONEY_ONE, BookSide, Order, OrderRequest

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
EPOCH = 1_778_677_200  # the stories' tapes start here, in unix seconds
TICKER = "KXT-26MAY13-15"
Top = dict[BookSide, tuple[int, int] | None]


def recorded(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"recorded data is not here: {path.name}")
    return path


def turn(
    venue: Venue, player: TapePlayer, until: int = NEVER, watch: Callable[[], None] | None = None
) -> None:
    while player.next_wake() < until:
        venue.advance(player.next_wake())
        player.wake(venue.now)
        if watch is not None:
            watch()


# -- real recordings ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "tickers"),
    [("kxbtc15m_26MAY130915_first120s.jsonl.gz", 120), ("kxbtc15m_20260513T1259_3markets.jsonl.gz", 860)],
)
def test_the_rebuilt_book_equals_the_exchanges_own_summaries(name: str, tickers: int) -> None:
    tape = Tape.load(recorded(name))
    venue = Venue(seed=1, now=10**18)
    player = TapePlayer(venue, tape, 1.0, "proportional", random.Random(1))
    tops: dict[str, list[tuple[int, Top]]] = {ticker: [] for ticker in tape.markets}

    def watch() -> None:
        for ticker, seen in tops.items():
            top = venue.best(ticker)
            if not seen or seen[-1][1] != top:
                seen.append((venue.now, top))

    turn(venue, player, watch=watch)
    venue.check()
    steps = [
        (ticker, step)
        for ticker, market in tape.markets.items()
        for step in market.steps
        if isinstance(step, TickerStep)
    ]
    wrong = [
        step
        for ticker, step in steps
        if not stood_within(tops[ticker], player.venue_time(step.when), 50 * MILLISECOND, step)
    ]
    assert (len(steps), wrong) == (tickers, [])


def stood_within(tops: list[tuple[int, Top]], when: int, slack: int, step: TickerStep) -> bool:
    wanted: Top = {"bid": step.bid if step.bid[1] else None, "ask": step.ask if step.ask[1] else None}
    first = max(bisect_right(tops, when - slack, key=lambda one: one[0]) - 1, 0)
    last = bisect_right(tops, when + slack, key=lambda one: one[0])
    return any(top == wanted for _, top in tops[first:last])


def test_results_follow_the_strikes_of_the_next_market_or_the_official_values() -> None:
    tape = Tape.load(recorded("kxbtc15m_20260513T1259_3markets.jsonl.gz"))
    venue = Venue(seed=1, now=10**18)
    values = {"KXBTC15M-26MAY130930-30": 80_128.27}
    turn(venue, TapePlayer(venue, tape, 50.0, "proportional", random.Random(1), settlement_values=values))
    assert [market.result for market in venue.markets.values()] == ["yes", "yes", "no"]
    assert {market.price_level_structure for market in venue.markets.values()} == {"tapered_deci_cent"}


@pytest.mark.parametrize("model", ["proportional", "risk_averse"])
def test_a_member_in_the_middle_of_a_real_market_keeps_the_books(model: QueueModel) -> None:
    """A member joins the best prices again and again, and takes now and then."""
    tape = Tape.load(recorded("kxbtc15m_26MAY130915_first120s.jsonl.gz"))
    venue = Venue(seed=1, now=10**18)
    venue.add_account("ann", 10_000 * MONEY_ONE)
    player = TapePlayer(venue, tape, 1.0, model, random.Random(1))
    (ticker,) = tape.markets
    turns = 0

    def quote() -> None:
        nonlocal turns
        turns += 1
        if turns % 40 == 0:
            venue.cancel_all("ann")
            for side, top in venue.best(ticker).items():
                if top is not None:
                    venue.create(
                        "ann", OrderRequest(ticker, side, 1_000, top[0], "good_till_canceled", "maker")
                    )
            venue.check()
        if turns % 700 == 0 and (ask := venue.best(ticker)["ask"]) is not None:
            request = OrderRequest(ticker, "bid", 5_000, ask[0], "immediate_or_cancel", "maker")
            venue.create("ann", request)

    turn(venue, player, watch=quote)
    venue.check()
    made = sum(order.maker_cost > 0 for order in venue.orders_of("ann"))
    assert made > 5


# -- stories on tapes of a few lines ------------------------------------------------------------------------
def frame(kind: str, **message: Any) -> dict[str, Any]:
    return {"recv_ns": 0, "frame": {"type": kind, "msg": {"market_ticker": TICKER, **message}}}


def snapshot(yes: dict[str, str], no: dict[str, str]) -> dict[str, Any]:
    return frame("orderbook_snapshot", yes_dollars_fp=list(yes.items()), no_dollars_fp=list(no.items()))


def delta(second: int, side: str, price: str, change: str) -> dict[str, Any]:
    ts_ms = (EPOCH + second) * 1000
    return frame("orderbook_delta", side=side, price_dollars=price, delta_fp=change, ts_ms=ts_ms)


def summary(second: int, price: str, volume: str) -> dict[str, Any]:
    tops = {"yes_bid_dollars": "0.5000", "yes_bid_size_fp": "1.00"}
    tops |= {"yes_ask_dollars": "0.5200", "yes_ask_size_fp": "1.00"}
    ts_ms = (EPOCH + second) * 1000
    return frame("ticker", price_dollars=price, volume_fp=volume, ts_ms=ts_ms, **tops)


def print_of(second: int, price: str, count: str, taker: str) -> dict[str, Any]:
    ts_ms = (EPOCH + second) * 1000
    return frame("trade", yes_price_dollars=price, count_fp=count, taker_side=taker, ts_ms=ts_ms)


def write(path: Path, lines: list[dict[str, Any]]) -> Path:
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    return path


class Story:
    """A tape of a few lines with ann in it. The book opens 50:100 | 52:100; she joins at second 1."""

    def __init__(self, path: Path, lines: list[dict[str, Any]], model: QueueModel = "proportional") -> None:
        watch = frame("x_watch_market", close_time="2026-05-13T13:15:00Z", strike=10.0)
        start = [snapshot({"0.5000": "100"}, {"0.4800": "100"}), summary(0, "0.5000", "1000.00")]
        tape = Tape.load(write(path / "tape.jsonl.gz", [watch, *start, *lines]))
        self.venue = Venue(seed=1, now=0)
        self.venue.add_account("ann", 1_000 * MONEY_ONE)
        self.player = TapePlayer(self.venue, tape, 1.0, model, random.Random(1))
        self.to(1)

    def to(self, second: int) -> None:
        turn(self.venue, self.player, second * SECOND + 1)
        self.venue.advance(second * SECOND + 1)
        self.venue.check()

    def place(self, side: BookSide, contracts: int, cents: int, *, takes: bool = False) -> Order:
        force = "immediate_or_cancel" if takes else "good_till_canceled"
        request = OrderRequest(TICKER, side, contracts * 100, cents * 100, force, "maker")  # type: ignore[arg-type]
        return self.venue.create("ann", request).order

    def ahead(self, order: Order) -> float:
        return self.venue.queue_position(order.order_id) / 100

    def size(self, side: BookSide, cents: int) -> float:
        return dict(self.venue.book(TICKER)[side]).get(cents * 100, 0) / 100


@pytest.mark.parametrize(("model", "ahead"), [("proportional", 50), ("risk_averse", 100)])
def test_cancels_are_split_by_the_queue_model(tmp_path: Path, model: QueueModel, ahead: float) -> None:
    lines = [delta(2, "yes", "0.5000", "100.00"), delta(3, "yes", "0.5000", "-100.00")]
    story = Story(tmp_path, lines, model)
    order = story.place("bid", 10, 50)
    story.to(2)
    assert (story.ahead(order), story.size("bid", 50)) == (100, 210)
    story.to(3)
    assert (story.ahead(order), story.size("bid", 50)) == (ahead, 110)


def test_a_trade_at_our_price_eats_the_queue_ahead_and_then_us(tmp_path: Path) -> None:
    lines = [
        delta(2, "yes", "0.5000", "-60.00"),
        summary(3, "0.5000", "1060.00"),
        delta(4, "yes", "0.5000", "-40.00"),
        summary(5, "0.5000", "1106.00"),
    ]
    story = Story(tmp_path, lines)
    order = story.place("bid", 10, 50)
    story.to(3)
    assert (story.ahead(order), order.filled) == (40, 0)
    story.to(5)
    assert (order.filled, order.remaining) == (600, 400)  # 46 traded, 40 of them were ahead
    assert story.venue.positions_of("ann")[TICKER].cost == 600 * 5_000


@pytest.mark.parametrize("model", ["proportional", "risk_averse"])
def test_shrinkage_that_a_trade_explains_is_not_counted_twice(tmp_path: Path, model: QueueModel) -> None:
    """100 ahead, 100 behind, 100 trade: exactly the 100 ahead are gone, and ours is next."""
    lines = [
        delta(2, "yes", "0.5000", "100.00"),
        delta(3, "yes", "0.5000", "-100.00"),
        summary(4, "0.5000", "1100.00"),
        delta(5, "yes", "0.5000", "-3.00"),
        summary(6, "0.5000", "1103.00"),
    ]
    story = Story(tmp_path, lines, model)
    order = story.place("bid", 10, 50)
    story.to(4)
    assert (story.ahead(order), order.filled, story.size("bid", 50)) == (0, 0, 110)
    story.to(6)
    assert order.filled == 300


def test_a_trade_at_a_worse_price_has_gone_through_us_first(tmp_path: Path) -> None:
    lines = [delta(2, "yes", "0.5000", "-8.00"), summary(3, "0.5000", "1008.00")]
    story = Story(tmp_path, lines)
    order = story.place("bid", 10, 51)
    story.to(3)
    assert order.filled == 800 and order.maker_cost == 800 * 5_100


def test_recorded_trades_go_before_steps_of_the_volume(tmp_path: Path) -> None:
    lines = [print_of(2, "0.5200", "103.00", "yes"), summary(3, "0.5200", "1500.00")]
    story = Story(tmp_path, lines)
    order = story.place("ask", 10, 52)
    story.to(3)
    assert order.filled == 300
    assert sum(one.count for one in story.venue.trades[TICKER]) == 10_300


def test_a_recorded_order_that_crosses_us_fills_us(tmp_path: Path) -> None:
    lines = [delta(2, "no", "0.4900", "4.00"), delta(3, "no", "0.5000", "9.00")]
    story = Story(tmp_path, lines)
    order = story.place("bid", 10, 51)
    story.to(2)
    assert (order.filled, story.size("ask", 51)) == (400, 0)
    story.to(3)
    assert order.status == "executed" and order.maker_cost == 1_000 * 5_100
    # The rest of it stands at 50, where the older recorded bid gives way.
    assert (story.size("ask", 50), story.size("bid", 50)) == (3, 0)


def test_what_we_take_stays_taken_until_the_record_empties_the_level(tmp_path: Path) -> None:
    lines = [
        delta(2, "no", "0.4800", "5.00"),
        delta(3, "no", "0.4800", "-105.00"),
        delta(4, "no", "0.4800", "7.00"),
    ]
    story = Story(tmp_path, lines)
    assert story.place("bid", 30, 52, takes=True).filled == 3_000
    story.to(2)
    assert story.size("ask", 52) == 75
    story.to(3)
    assert story.size("ask", 52) == 0
    story.to(4)
    assert story.size("ask", 52) == 7


def test_a_crossed_record_never_crosses_the_book_and_heals(tmp_path: Path) -> None:
    lines = [delta(2, "yes", "0.5200", "5.00"), delta(3, "yes", "0.5200", "-5.00")]
    story = Story(tmp_path, lines)
    story.to(2)
    assert (story.size("bid", 52), story.size("ask", 52)) == (5, 0)
    story.to(3)
    assert (story.size("bid", 52), story.size("ask", 52)) == (0, 100)
    assert story.venue.markets[TICKER].volume == 0


def test_frames_of_different_channels_are_put_in_order_of_exchange_time(tmp_path: Path) -> None:
    """The summary of second 3 arrives before the delta of second 2, whose shrinkage it explains."""
    lines = [summary(3, "0.5000", "1060.00"), delta(2, "yes", "0.5000", "-60.00")]
    story = Story(tmp_path, lines)
    order = story.place("bid", 10, 50)
    story.to(3)
    assert (story.ahead(order), story.size("bid", 50)) == (40, 50)


def test_the_record_returns_after_a_reactivation(tmp_path: Path) -> None:
    story = Story(tmp_path, [delta(2, "yes", "0.4900", "5.00"), delta(4, "yes", "0.4900", "1.00")])
    story.venue.deactivate(TICKER)
    story.to(3)
    story.venue.activate(TICKER)
    assert story.size("bid", 50) == 0
    story.to(4)
    assert (story.size("bid", 49), story.size("bid", 50), story.size("ask", 52)) == (6, 100, 100)


# -- bad input ----------------------------------------------------------------------------------------------
def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"none\.gz"):
        Tape.load(tmp_path / "none.gz")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", r":2: "),
        ('{"recv_ns": 1}', r":2: "),
        (json.dumps(delta(1, "yes", "0.50001", "1.00")), "more than 4 decimals"),
        ('{"frame": {"type": "orderbook_delta", "msg": {"market_ticker": "A"}}}', "KeyError"),
    ],
)
def test_a_broken_line_is_named_by_its_number(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "tape.gz"
    with gzip.open(path, "wt") as file:
        file.write(json.dumps(snapshot({}, {})) + "\n" + line + "\n")
    with pytest.raises(RecordingError, match=message):
        Tape.load(path)


def test_a_file_cut_short_or_without_frames_is_an_error(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.gz", [delta(second, "yes", "0.5000", "1.00") for second in range(200)])
    cut = tmp_path / "cut.gz"
    cut.write_bytes(whole.read_bytes()[:-20])
    with pytest.raises(RecordingError, match=r"cut\.gz"):
        Tape.load(cut)
    with pytest.raises(RecordingError, match="no order-book frames"):
        Tape.load(write(tmp_path / "empty.gz", [frame("subscribed")]))


def test_a_speed_must_be_positive(tmp_path: Path) -> None:
    tape = Tape.load(write(tmp_path / "tape.gz", [delta(1, "yes", "0.5000", "1.00")]))
    with pytest.raises(ValueError, match="speed"):
        TapePlayer(Venue(seed=1), tape, 0.0, "proportional", random.Random(1))
