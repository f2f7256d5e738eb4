"""The figures that the quick start's commands print, against the exchange's own books, at each moment of a
busy run: while it trades, after the breaker tripped, right after it was killed, and when it runs again."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from tests.ops.busy_run import COUNTED, METRICS, TRADING, Day, Seen

OF_FIRST_PROCESS = ("running", "tripped", "killed")
QUIET = ("tripped", "killed")  # nothing is sent any more
ALL = (*OF_FIRST_PROCESS, "restarted")


def exact(value: Any) -> Decimal:
    return Decimal(str(value))


def signed(fill: dict[str, Any]) -> Decimal:
    """Of a line of ours: what it does to the position."""
    return exact(fill["count"]) * (1 if fill["side"] == "bid" else -1)


def held(seen: Seen) -> dict[str, Decimal]:
    """At the exchange, without what is flat."""
    rows = {ticker: exact(row["position_fp"]) for ticker, row in seen.positions.items()}
    return {ticker: count for ticker, count in rows.items() if count}


@pytest.mark.parametrize("moment", ALL)
def test_every_fill_is_in_the_file_once_and_as_it_was(day: Day, moment: str) -> None:
    seen = day.moments[moment]
    ours = Counter(
        (
            fill["trade_id"],
            fill["order_id"],
            fill["ticker"],
            fill["side"],
            exact(fill["price"]),
            exact(fill["count"]),
            exact(fill["fee"]),
            fill["is_taker"],
        )
        for fill in seen.events("fill")
    )
    theirs = Counter(
        (
            fill["trade_id"],
            fill["order_id"],
            fill["ticker"],
            fill["book_side"],
            exact(fill["yes_price_dollars"]),
            exact(fill["count_fp"]),
            exact(fill["fee_cost"]),
            fill["is_taker"],
        )
        for fill in seen.fills
    )
    assert ours == theirs
    assert sum(ours.values()) > 10


@pytest.mark.parametrize("moment", ALL)
def test_positions_are_those_of_the_exchange(day: Day, moment: str) -> None:
    """In the last changes of the trading log, and in the metrics."""
    seen = day.moments[moment]
    last = {event["ticker"]: exact(event["new_inventory"]) for event in seen.events("inventory_change")}
    assert {ticker: count for ticker, count in last.items() if count} == held(seen)
    markets = seen.document(METRICS)["markets"]
    shown = {ticker: exact(market["position"]) for ticker, market in markets.items() if market["position"]}
    assert shown == held(seen)
    assert held(seen), "a run that holds nothing proves nothing"


@pytest.mark.parametrize("moment", OF_FIRST_PROCESS)
def test_fees_and_realized_pnl_are_those_of_the_exchange(day: Day, moment: str) -> None:
    """To the last digit, market by market and in the summary."""
    seen = day.moments[moment]
    document = seen.document(METRICS)
    theirs = {
        ticker: (exact(row["fees_paid_dollars"]), exact(row["realized_pnl_dollars"]))
        for ticker, row in seen.positions.items()
    }
    ours = {
        ticker: (exact(row["fees"]), exact(row["realized_pnl"]))
        for ticker, row in document["markets"].items()
        if ticker in theirs
    }
    assert ours == theirs
    summary = document["summary"]
    assert exact(summary["total_fees"]) == sum(exact(fill["fee_cost"]) for fill in seen.fills)
    assert exact(summary["total_realized_pnl"]) == sum(realized for _, realized in theirs.values())
    assert summary["total_fills"] == len(seen.fills)


@pytest.mark.parametrize("moment", QUIET)
def test_the_summary_counts_what_the_trading_log_lists(day: Day, moment: str) -> None:
    seen = day.moments[moment]
    summary = seen.document(METRICS)["summary"]
    counted = Counter(line["event_type"] for line in seen.lines(TRADING))
    for word, name in COUNTED.items():
        assert summary[name] == counted[word] > 0, name


def test_the_day_had_all_that_the_document_speaks_of(day: Day) -> None:
    seen = day.moments["restarted"]
    kinds = Counter(line["event_type"] for line in seen.lines(TRADING))
    assert set(kinds) == {
        *("order_sent", "order_acknowledged", "order_rejected", "order_canceled"),
        *("fill", "inventory_change", "pnl_snapshot", "api_error"),
    }
    rejects = [line["message"] for line in seen.events("order_rejected")]
    assert "post only cross" in rejects
    assert {503, 401} <= {line["status"] for line in seen.events("api_error")}
    assert {"bot_startup", "bot_crash", "circuit_breaker", "inventory_imbalance"} <= {
        alert["category"] for alert in seen.lines("alerts.jsonl")
    }


def test_a_restart_after_a_kill_leaves_the_breaker_tripped(day: Day) -> None:
    before, after = day.moments["killed"], day.moments["restarted"]
    name = "DEFAULT_circuit_breaker_status.json"
    assert before.document(name)["trip_rule"] == after.document(name)["trip_rule"] == "max_consecutive_errors"
    assert after.document(name)["trip_time"] == pytest.approx(before.document(name)["trip_time"], abs=1e-3)
    killed_at = before.lines(TRADING)[-1]["timestamp"]
    assert not [order for order in after.events("order_sent") if order["timestamp"] > killed_at]
