"""Candlesticks: kept as trades and best prices happen, folded into hours and days, and bounded."""

from __future__ import annotations

import random
from typing import Any

import pytest

from mm.sim.candles import KEPT, MINUTE, Candle, Span, folded, period_end
from tests.sim.faces import OPEN, OTHER, SECOND, START, Face

PATH = f"/series/KXTEST/markets/{OPEN}/candlesticks"
TO_MINUTE = period_end(START, 1) - START  # from the start of a story to the end of its first minute


def window(minutes: int, low: int = 0, high: int = 4_000_000_000, **more: Any) -> str:
    others = "".join(f"&{name}={value}" for name, value in more.items())
    return f"start_ts={low}&end_ts={high}&period_interval={minutes}{others}"


def trade(face: Face, price: str, count: str, ticker: str = OPEN) -> None:
    face.create("bob", "ask", price, count, ticker=ticker)
    face.create("ann", "bid", price, count, ticker=ticker)


def test_a_minute_tells_quotes_trades_volume_and_open_interest() -> None:
    face = Face()
    face.wait(TO_MINUTE + 1)  # the first moment of the next minute
    face.create("bob", "ask", "0.60", "9")
    face.create("bob", "bid", "0.40", "9")
    trade(face, "0.50", "1")
    trade(face, "0.56", "3")
    (candle,) = face.get(PATH, window(1))["candlesticks"]
    assert candle["end_period_ts"] * SECOND == START + TO_MINUTE + MINUTE
    assert candle["price"] == {
        "open_dollars": "0.5000",
        "low_dollars": "0.5000",
        "high_dollars": "0.5600",
        "close_dollars": "0.5600",
        "mean_dollars": "0.5450",
        "previous_dollars": None,
    }
    assert candle["yes_bid"]["open_dollars"] == "0.0000"
    assert candle["yes_bid"]["close_dollars"] == "0.4000"
    assert (candle["yes_ask"]["high_dollars"], candle["yes_ask"]["low_dollars"]) == ("1.0000", "0.5000")
    assert (candle["volume_fp"], candle["open_interest_fp"]) == ("4.00", "4.00")


def test_a_period_owns_its_last_moment_and_carries_the_quotes_on() -> None:
    face = Face()
    face.wait(TO_MINUTE)
    face.create("bob", "bid", "0.40", "9")
    trade(face, "0.50", "1")
    face.wait(1)
    trade(face, "0.52", "2")
    first, second = face.get(PATH, window(1))["candlesticks"]
    assert (first["end_period_ts"] + 60, first["volume_fp"]) == (second["end_period_ts"], "1.00")
    assert second["yes_bid"]["open_dollars"] == first["yes_bid"]["close_dollars"] == "0.4000"
    assert (second["price"]["previous_dollars"], second["volume_fp"]) == ("0.5000", "2.00")
    only = face.get(PATH, window(1, second["end_period_ts"]))["candlesticks"]
    assert only == [second]


def test_hours_and_days_are_their_minutes_put_together() -> None:
    face = Face()
    random_ = random.Random(3)
    for _ in range(40):
        trade(face, f"0.{random_.randint(30, 70)}", "1")
        face.wait(random_.randint(1, 200) * SECOND)
        if face.venue.markets[OPEN].status != "active":
            face.venue.move_close(OPEN, face.now + 3600 * SECOND)
    for minutes in (60, 1_440):
        rows = face.get(PATH, window(minutes))["candlesticks"]
        assert sum(float(one["volume_fp"]) for one in rows) == 40
        ends = [one["end_period_ts"] for one in rows]
        assert ends == sorted(set(ends))
        assert not [end for end in ends if end % (minutes * 60)]
        for row in rows:
            inside = face.get(PATH, window(1, row["end_period_ts"] - minutes * 60 + 1, row["end_period_ts"]))
            prices = [one["price"] for one in inside["candlesticks"]]
            assert row["price"]["high_dollars"] == max(one["high_dollars"] for one in prices)
            assert row["price"]["low_dollars"] == min(one["low_dollars"] for one in prices)
            assert row["price"]["open_dollars"] == prices[0]["open_dollars"]
            assert row["price"]["close_dollars"] == prices[-1]["close_dollars"]
            assert row["open_interest_fp"] == inside["candlesticks"][-1]["open_interest_fp"]


def test_the_latest_candle_before_the_window_is_put_forward_where_asked() -> None:
    face = Face()
    trade(face, "0.50", "1")
    face.wait(10 * MINUTE)
    low = face.now // SECOND
    assert face.get(PATH, window(1, low))["candlesticks"] == []
    asked = window(1, low, include_latest_before_start="true")
    (put_forward,) = face.get(PATH, asked)["candlesticks"]
    assert put_forward["end_period_ts"] == period_end(low * SECOND, 1) // SECOND
    assert put_forward["price"]["close_dollars"] is None
    assert (put_forward["price"]["previous_dollars"], put_forward["volume_fp"]) == ("0.5000", "0.00")
    trade(face, "0.51", "1")  # now there is a real one at that place
    assert [one["volume_fp"] for one in face.get(PATH, asked)["candlesticks"]] == ["1.00"]


def test_batches_and_events_have_one_list_for_each_market() -> None:
    face = Face()
    trade(face, "0.50", "1")
    trade(face, "0.50", "2", OTHER)
    batch = face.get("/markets/candlesticks", f"market_tickers={OPEN},KXNONE,{OTHER}&{window(60)}")["markets"]
    assert [(one["market_ticker"], one["candlesticks"][0]["volume_fp"]) for one in batch] == [
        (OPEN, "1.00"),
        (OTHER, "2.00"),
    ]
    low = face.now // SECOND
    of_event = face.get("/series/KXTEST/events/KXTEST-26/candlesticks", window(1, low))
    assert of_event["market_tickers"] == [OPEN, OTHER]
    assert [len(rows) for rows in of_event["market_candlesticks"]] == [1, 1]
    assert of_event["adjusted_end_ts"] == low + 2_500 * 60  # 5,000 candles for two markets


def test_a_batch_ends_at_ten_thousand_candles() -> None:
    face = Face()
    face.venue.move_close(OPEN, face.now + 200 * MINUTE)
    for _ in range(150):
        face.create("bob", "bid", "0.40", "1")
        face.wait(MINUTE)
    batch = face.get("/markets/candlesticks", f"market_tickers={','.join([OPEN] * 100)}&{window(1)}")[
        "markets"
    ]
    assert [len(one["candlesticks"]) for one in batch] == [150] * 66 + [100] + [0] * 33


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        (PATH, "start_ts=1&end_ts=2", 400),
        (PATH, "start_ts=1&period_interval=1", 400),
        (PATH, window(5), 400),
        ("/markets/candlesticks", window(1), 400),
        ("/markets/candlesticks", f"market_tickers={'A,' * 101}&{window(1)}", 400),
        (f"/series/KXOTHER/markets/{OPEN}/candlesticks", window(1), 404),
        ("/series/KXTEST/markets/KXNONE/candlesticks", window(1), 404),
        ("/series/KXTEST/events/KXNONE/candlesticks", window(1), 404),
        (f"/historical/markets/{OPEN}/candlesticks", window(1), 404),
    ],
)
def test_what_cannot_be_asked_is_refused(path: str, query: str, status: int) -> None:
    Face().get(path, query, status=status)


def test_memory_is_bounded() -> None:
    face = Face()
    ladder_minutes = KEPT[1] + 100
    face.venue.move_close(OPEN, face.now + ladder_minutes * 2 * MINUTE)
    for _ in range(ladder_minutes):
        face.create("bob", "bid", "0.40", "1")
        face.wait(MINUTE)
    assert len(face.get(PATH, window(1))["candlesticks"]) == KEPT[1] + 1  # and the running one
    assert 24 <= len(face.get(PATH, window(60))["candlesticks"]) <= 28


def test_folding_is_the_same_in_one_step_or_in_two() -> None:
    draw = random.Random(5)
    minutes = []
    for number in sorted(draw.sample(range(1, 6_000), 900)):
        one = draw.randint(1, 99)
        span = Span(one, one - 1, one + 1, one)
        minutes.append(Candle(number * MINUTE, span, span, draw.choice([None, span]), 0, number, number))
    assert folded(folded(minutes, 60), 1_440) == folded(minutes, 1_440)
    assert folded(minutes, 1) == minutes
