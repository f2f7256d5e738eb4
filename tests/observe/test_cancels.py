"""A cancel says in every file what it was about and why. The bug was an empty reason in the trading log, and
rows of the table of actions without side, price and size."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from mm.alerts.file import AlertFile
from mm.core.actions import AmendOrder, AnyAction, CancelAll, CancelOrder
from mm.core.events import AnyEvent, OrderAck, OrderCanceled, OrderReport, OrderStatus, Tick
from mm.core.units import Side
from mm.observe.heartbeat import Process
from mm.observe.house import LeftBehind, RunSettings, open_run_files
from mm.observe.journal import Journal
from tests.observe.day import open_in, place, records
from tests.observe.engine import START, TICKER, Bench, at

TRADING, ACTIONS = "Strategy_DEFAULT_trading.jsonl", "Strategy_DEFAULT_actions.csv"
CANCEL = CancelOrder(3, "mm-1", "order-1", TICKER, "too near to the close")


def told_by_the_exchange(reason: str = "") -> OrderReport:
    return OrderReport(
        at(4), 0, "mm-1", "order-1", TICKER, Side.BID, OrderStatus.CANCELED, 4_600, 0, 0, reason=reason
    )


OURS = OrderCanceled(at(4), 3, "mm-1", "order-1", 1_000)
ENDS: dict[str, tuple[list[AnyAction], AnyEvent, tuple[str, str]]] = {
    "by our cancel": ([CANCEL], OURS, ("us", CANCEL.reason)),
    "by our cancel, told by the stream first": (
        [CANCEL],
        told_by_the_exchange(),
        ("exchange", CANCEL.reason),
    ),
    "by a cancel of everything": ([CancelAll(3, "kill")], told_by_the_exchange(), ("exchange", "kill")),
    "by the exchange": ([], told_by_the_exchange("market closed"), ("exchange", "market closed")),
    "by the exchange, for reasons of its own": (
        [CANCEL],
        told_by_the_exchange("self trade"),
        ("exchange", "self trade"),
    ),
    "by the exchange, silently": ([], told_by_the_exchange(), ("exchange", "")),
}


@pytest.mark.parametrize("how", ENDS)
def test_the_end_of_an_order_has_its_reason(tmp_path: Path, how: str) -> None:
    asked, end, expected = ENDS[how]
    files = open_in(tmp_path)
    bench = Bench(files.observers)
    bench.step(Tick(at(1), 10, 10), place(1))
    bench.step(OrderAck(at(2), 1, "mm-1", "order-1", 0, 1_000))
    bench.step(Tick(at(3), 10, 10), *asked)
    bench.step(end)
    bench.close()
    files.close()
    (line,) = (line for line in records(tmp_path / TRADING) if line["event_type"] == "order_canceled")
    assert (line["by"], line["reason"]) == expected
    (line,) = (line for line in records(tmp_path / "DEFAULT.log") if line["event"] == "order_cancelled")
    assert line["reason"] == expected[1] or not expected[1]


def test_a_cancel_in_the_table_of_actions_says_what_it_was_about(tmp_path: Path) -> None:
    files = open_in(tmp_path)
    bench = Bench(files.observers)
    amend = AmendOrder(2, "mm-1", "order-1", TICKER, Side.BID, 4_700, 1_200, "moved")
    unknown = CancelOrder(4, "mm-0", "order-0", TICKER, "left over from a former run")
    bench.step(Tick(at(1), 10, 10), place(1))
    bench.step(Tick(at(2), 10, 10), amend)
    bench.step(Tick(at(3), 10, 10), CANCEL, unknown)
    bench.close()
    files.close()
    rows = list(csv.DictReader((tmp_path / ACTIONS).read_text().splitlines()))
    about = [(row["kind"], row["side"], row["price"], row["size"]) for row in rows]
    assert about[1:] == [
        ("amend", "bid", "0.47", "12.0"),
        ("cancel", "bid", "0.47", "12.0"),
        ("cancel", "", "", ""),
    ]


def test_a_cancel_whose_order_the_journals_end_does_not_tell_is_not_written_twice(tmp_path: Path) -> None:
    """Only the last two parts of a killed run's journal are read again."""
    files = open_in(tmp_path)
    journal = Journal(tmp_path / "journal", {}, part_bytes=1)
    bench = Bench(files.observers)
    steps: list[tuple[AnyEvent, tuple[AnyAction, ...]]] = [
        (Tick(at(1), 9, 9), (place(1),)),
        (Tick(at(3), 9, 9), (CANCEL,)),
    ]
    for event, actions in steps:
        journal.event(event)
        journal.actions(actions)
        journal.flush()
        bench.step(event, *actions)
    bench.close()
    journal.close()
    files.close()
    before = (tmp_path / ACTIONS).read_bytes()
    left = LeftBehind(None, tmp_path / "journal", was_killed=True)
    desks = {"DEFAULT": "glft"}
    again = open_run_files(
        RunSettings(tmp_path, desks, START, Process(2, "test"), AlertFile, left_behind=left)
    )
    Bench(again.observers).close()
    again.close()
    assert (tmp_path / ACTIONS).read_bytes() == before
