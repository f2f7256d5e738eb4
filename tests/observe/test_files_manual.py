"""docs/files.md is what the files are: every key, column, name and word of it, and no other."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mm.core.actions import Alert, AlertLevel, CancelAll
from mm.core.events import BookDelta, BookGap, Command, CommandKind, MarketState, MarketStatus, Tick
from mm.core.units import Side
from mm.observe.metrics_form import empty_metrics
from tests.observe.day import live_a_day, open_in
from tests.observe.engine import START, TICKER, Bench, at, decision

MANUAL = (Path(__file__).resolve().parents[2] / "docs" / "files.md").read_text()
CODE = re.compile(r"`([^`]+)`")
COMMON = ["timestamp", "timestamp_iso", "event_type", "strategy"]


def rows(heading: str) -> Iterator[list[str]]:
    """The cells of the table under ``heading``, without its head."""
    section = MANUAL.split(f"\n{heading}\n", 1)[1]
    section = re.split(r"\n#+ ", section, maxsplit=1)[0]
    table = [line for line in section.splitlines() if line.startswith("|")][2:]
    for line in table:
        yield [cell.strip() for cell in line.strip("|").split(" | ")]


def code(cell: str) -> list[str]:
    """The words of the first piece of code in a cell."""
    found = CODE.search(cell)
    assert found is not None, cell
    return found[1].split()


def first_column(heading: str) -> list[str]:
    return [code(cells[0])[0] for cells in rows(heading)]


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The story of the house, with what a long day has besides."""
    home = tmp_path_factory.mktemp("logs")
    files = open_in(home)
    bench = Bench(files.observers)
    files.stopwatch.request(1, 3_000, at(1) + 151_000, at(1.05))
    files.stopwatch.aged(5, START)
    files.stopwatch.decided(5)
    live_a_day(bench)
    idle = msgspec.structs.replace(decision(note="cutoff"), wanted=())
    bench.step(BookGap(at(20), TICKER, "sequence gap"), CancelAll(9, "drill"))
    bench.step(MarketStatus(at(21), TICKER, state=MarketState.CLOSED, settlement_value=10_000))
    bench.step(Tick(at(22), 1, 1), decided=[idle])
    bench.step(Command(at(23), CommandKind.PAUSE, "drill"))
    warning = Alert(AlertLevel.WARNING, "position_limit", "90 of 100", "DEFAULT")
    bench.step(BookDelta(at(24), TICKER, Side.BID, 4_700, 100), warning)
    files.stopwatch.request(2, 3_000, at(1.9), at(2.2))
    bench.time(at(90))
    bench.close()
    files.close()
    return home


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_trading_log(run_dir: Path) -> None:
    manual = [(code(cells[0])[0], code(cells[1])) for cells in rows("## Strategy_NAME_trading.jsonl")]
    told = lines(run_dir / "Strategy_DEFAULT_trading.jsonl")
    for line in told:
        assert list(line)[:4] == COMMON
        assert (line["event_type"], list(line)[4:]) in manual
    assert {line["event_type"] for line in told} == {word for word, _ in manual}
    assert len({word for word, _ in manual}) == 8


def test_the_metrics() -> None:
    form: Any = empty_metrics("DEFAULT", "glft", START)
    assert list(form) == ["summary", "markets", "other_markets", "updated_at", "updated_at_iso"]
    assert first_column("### summary") == list(form["summary"])
    assert first_column("### other_markets") == list(form["other_markets"])


def test_the_markets_of_the_metrics(run_dir: Path) -> None:
    document = json.loads((run_dir / "Strategy_DEFAULT_metrics.json").read_text())
    assert first_column("### markets") == list(document["markets"][TICKER])


def test_the_heartbeat_and_the_breaker(run_dir: Path) -> None:
    beat = json.loads((run_dir / "heartbeat.json").read_text())
    assert first_column("## heartbeat.json") == list(beat)
    status = json.loads((run_dir / "DEFAULT_circuit_breaker_status.json").read_text())
    assert set(first_column("## NAME_circuit_breaker_status.json")) <= status.keys()


def test_the_tables(run_dir: Path) -> None:
    for file, columns in rows("## Tables"):
        name = code(file)[0].replace("<NAME>", "DEFAULT")
        with (run_dir / name).open() as table:
            assert next(csv.reader(table)) == code(columns)[0].split(",")


def test_the_latencies(run_dir: Path) -> None:
    with (run_dir / "Strategy_DEFAULT_latencies.csv").open() as table:
        measured = {row["name"] for row in csv.DictReader(table)}
    assert set(first_column("## Latencies")) == measured


def test_the_log(run_dir: Path) -> None:
    """Each line of the story is in the manual, with these keys; ``untold`` only if there are any."""
    manual = {code(cells[0])[0]: (cells[1], cells[2]) for cells in rows("## NAME.log")}
    for line in lines(run_dir / "DEFAULT.log"):
        if line["logger"] == "alerts" and line["event"] not in manual:
            continue
        levels, keys = manual[line["event"]]
        assert line["level"] in levels.split(", ")
        if keys.startswith("as "):
            keys = manual[code(keys)[0]][1]
        own = line.keys() - {"timestamp", "level", "logger", "event", "desk", "repeats"}
        assert own | {"untold"} >= set(code(keys)) >= own, line


def test_the_manual_has_the_words_of_the_story(run_dir: Path) -> None:
    said = {line["event"] for line in lines(run_dir / "DEFAULT.log")}
    elsewhere = {
        "websocket_reconnecting",  # the feed itself says it: tests/kalshi
        "frame_unread",  # so does its session: tests/app/test_feed_notes
        "book_requested",
        "feed_mistrusted",
        "exposure_high",
        "account_report",
        "output_stalled",  # nobody reads standard output: test_outlet, tests/live/test_stalled_output
        "lines_left_behind",  # a start after a kill: test_left_behind
        "clock_stepped",  # the system's time was set: tests/app/test_clock
    }
    assert set(first_column("## NAME.log")) - said == elsewhere
