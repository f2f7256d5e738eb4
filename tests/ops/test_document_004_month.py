"""The quick start's commands after a month: the busy run's lines on each of 31 days, really rotated.

The commands see what is in the files since the last rotation, a `tail -f` from before goes on, and nothing is
lost: all days together are in the live file and its packed copies.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mm.observe.append import AppendFile
from mm.observe.rotate import rotate
from tests.ops import fenced_commands as words
from tests.ops.busy_run import METRICS, STATUS, TRADING, Day, Seen
from tests.ops.fenced_commands import READING, Followed, objects, type_in

DAYS = 31
EVERY_DAYS, KEEP = 5, 8
DAY_SECONDS = 86_400
LINE_FILES = ("alerts.jsonl", TRADING, "DEFAULT.log")
ALL_FILLS = f"""\
zcat -f {TRADING}.*.gz {TRADING} | \\
  jq -r 'select(.event_type == "fill") | .fee' | \\
  awk '{{ count++; fees += $1 }} END {{ printf "%d %.6f", count, fees }}'"""


def earlier(line: dict[str, Any], days: int) -> dict[str, Any]:
    """The same, so many days before."""
    iso = "timestamp_iso" if "timestamp_iso" in line else "timestamp"
    when = datetime.fromisoformat(line[iso]) - timedelta(days=days)
    moved = {**line, iso: f"{when:%Y-%m-%dT%H:%M:%S.%f}Z"}
    return moved if iso == "timestamp" else {**moved, "timestamp": line["timestamp"] - days * DAY_SECONDS}


def written(lines: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(line).encode("ascii") + b"\n" for line in lines)


class Month:
    """A run directory after a month. ``settle`` is what happens between the copy and the truncation."""

    def __init__(self, home: Path, seen: Seen) -> None:
        self.home = home
        for name in (STATUS, METRICS):
            shutil.copy(Path(seen.after) / name, home / name)
        self.lines = {
            name: [[earlier(line, days) for line in seen.lines(name)] for days in range(DAYS - 1, -1, -1)]
            for name in LINE_FILES
        }

    def write(self, name: str, days: range, settle: Callable[[], object] = lambda: None) -> None:
        file = AppendFile(self.home / name)
        for day in days:
            file.write(written(self.lines[name][day]))
            if (day + 1) % EVERY_DAYS == 0:
                rotate(file, KEEP, settle)
        file.close()

    def packed(self, name: str) -> list[dict[str, Any]]:
        """Of all copies, oldest first."""
        copies = sorted(
            self.home.glob(f"{name}.*.gz"), key=lambda path: int(path.suffixes[-2][1:]), reverse=True
        )
        return [json.loads(line) for path in copies for line in gzip.open(path, "rt", encoding="ascii")]


@pytest.fixture(scope="module")
def month(day: Day, tmp_path_factory: pytest.TempPathFactory) -> Month:
    found = Month(tmp_path_factory.mktemp("month"), day.moments["killed"])
    for name in LINE_FILES:
        found.write(name, range(DAYS))
    return found


def test_nothing_is_lost_or_doubled_by_rotation(month: Month) -> None:
    for name, days in month.lines.items():
        live = [json.loads(line) for line in (month.home / name).read_text("ascii").splitlines()]
        assert live == days[-1], "since the last rotation"
        assert month.packed(name) + live == [line for lines in days for line in lines]


@pytest.mark.parametrize("command", READING)
def test_every_reading_command_goes_on_working(month: Month, command: str) -> None:
    assert type_in(command, month.home) != "" or command in (words.BUNDLE, words.CRASH)


def test_the_fills_of_the_last_hour_are_those_of_the_exchange_and_none_of_yesterday(
    month: Month, day: Day
) -> None:
    found = {
        (fill["trade_id"], fill["order_id"])
        for fill in objects(type_in(words.FILLS_OF_LAST_HOUR, month.home))
    }
    assert found == {(fill["trade_id"], fill["order_id"]) for fill in day.moments["killed"].fills}


def test_over_all_copies_fills_and_fees_are_those_of_every_day(month: Month, day: Day) -> None:
    """`zcat -f` reads packed and plain files alike."""
    fills = day.moments["killed"].fills
    count, fees = type_in(ALL_FILLS, month.home).split()
    assert int(count) == DAYS * len(fills)
    assert float(fees) == pytest.approx(float(DAYS * sum(Decimal(fill["fee_cost"]) for fill in fills)))


@pytest.mark.parametrize("command", [words.TAIL_ALERTS, words.TAIL_TRADING, words.TAIL_LOG])
def test_a_command_that_goes_on_goes_on_through_a_rotation(day: Day, tmp_path: Path, command: str) -> None:
    """It has shown the last line of the old file before that is truncated, and shows the first of the new."""
    name = command.split()[2]
    month = Month(tmp_path, day.moments["killed"])
    (tmp_path / name).touch()
    followed = Followed(command, tmp_path)

    def shows(line: dict[str, Any]) -> None:
        followed.until(lambda text: json.dumps(line["timestamp"]) in text)

    month.write(name, range(EVERY_DAYS), lambda: shows(month.lines[name][EVERY_DAYS - 1][-1]))
    month.write(name, range(EVERY_DAYS, EVERY_DAYS + 1))
    shows(month.lines[name][EVERY_DAYS][-1])
    assert (tmp_path / f"{name}.1.gz").exists()
    followed.end()
