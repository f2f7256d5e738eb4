"""What a start remembers: a crash resets nothing, a stop in order what is no loss, a person everything."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from mm.app.memory import forgiven, recall, remembered, reset_files
from mm.core.actions import AlertLevel
from mm.core.breaker_rows import ROWS, Resets, resets_of
from mm.core.memory import BreakerMemory, DeskMemory, TripMemory
from mm.core.picture import BreakerPicture
from mm.core.units import SECOND
from mm.observe.first_files import last_status, write_status
from mm.observe.status import UNREADABLE, BreakerStatus, read_status

NOW = 1_790_000_000 * SECOND + 123_456_789
LOST = TripMemory("daily_loss_dollars", "lost $50.00 today", NOW)
ERRORS = TripMemory("max_consecutive_errors", "10 API errors in a row", NOW)
KILLED = TripMemory("kill_switch", "kill switch: drill", NOW)
LEANS = TripMemory("max_inventory_imbalance", "inventory is 81%", NOW, "A")
MEMORY = BreakerMemory(
    account="https://example.test",
    saved_at=NOW,
    errors_in_a_row=7,
    losing_streak=3,
    pnl=-9_007_199_254_740_993,
    worth=-5,
    pnl_floor_base=-3,
    day=20_700,
    day_base=12,
    day_equity=1_000_000_000,
    week_base=13,
    marks={"KXA": 4_750},
    desks={"A": DeskMemory(-70, -50, 2), "B": DeskMemory(10, 0, 0)},
)
FINE = BreakerPicture(True, "", "", 0, 0, {}, {}, ())


def written(home: Path, name: str, memory: BreakerMemory) -> BreakerStatus:
    """As the engine leaves it, and read back."""
    trip = next((trip for trip in memory.trips if trip.desk in ("", name)), None)
    picture = FINE
    if trip is not None:
        picture = BreakerPicture(False, trip.rule, trip.reason, trip.ts, 0, {}, {}, ())
    write_status(home, name, picture, NOW, memory)
    status = last_status(home, name)
    assert status is not None
    return status


def having(*trips: TripMemory, stopped: str = "", saved_at: int = NOW) -> BreakerMemory:
    return msgspec.structs.replace(MEMORY, trips=trips, stopped=stopped, saved_at=saved_at)


def test_every_figure_comes_back_exactly(tmp_path: Path) -> None:
    memory = having(LOST, LEANS)
    assert remembered({"A": written(tmp_path, "A", memory)}) == memory
    document = json.loads((tmp_path / "A_circuit_breaker_status.json").read_text())
    assert list(document)[-1] == "memory"
    assert document["memory"]["pnl"] == "-9007199254740993", "jq would round it"


@pytest.mark.parametrize("trip", [LOST, ERRORS, LEANS], ids=lambda trip: trip.rule)
def test_a_crash_resets_nothing(tmp_path: Path, trip: TripMemory) -> None:
    found = recall({"A": written(tmp_path, "A", having(trip))})
    assert found.memory == having(trip)
    assert [alert.level for alert in found.alerts] == [AlertLevel.CRITICAL]
    assert 'kmm breaker reset --reason "..."' in found.alerts[0].message


@pytest.mark.parametrize("rule", [row.name for row in ROWS])
def test_a_stop_in_order_and_a_start_reset_what_is_no_loss(tmp_path: Path, rule: str) -> None:
    trip = TripMemory(rule, "why", NOW)
    found = recall({"A": written(tmp_path, "A", having(trip, stopped="SIGTERM"))})
    is_kept = resets_of(rule) in (Resets.PERSON, Resets.NEW_DAY)
    assert found.memory.trips == ((trip,) if is_kept else ())
    assert found.memory.errors_in_a_row == 0, "ten errors that are forgiven must not trip again at once"
    assert found.memory.losing_streak == 3
    if resets_of(rule) is Resets.RESTART:
        assert [alert.level for alert in found.alerts] == [AlertLevel.INFO]
        assert "SIGTERM" in found.alerts[0].message


def test_a_person_resets_everything_and_losses_count_anew(tmp_path: Path) -> None:
    found = recall({"A": written(tmp_path, "A", having(LOST, LEANS))}, "a wrong fee, mended")
    memory, pnl = found.memory, MEMORY.pnl
    assert (memory.trips, memory.errors_in_a_row, memory.losing_streak) == ((), 0, 0)
    assert (memory.pnl_floor_base, memory.day_base, memory.week_base) == (pnl, pnl, pnl)
    assert memory.desks["A"] == DeskMemory(-70, -70, 0)
    assert (memory.worth, memory.marks) == (MEMORY.worth, MEMORY.marks)
    assert [alert.level for alert in found.alerts] == [AlertLevel.INFO] * 2
    assert all("a wrong fee, mended" in alert.message for alert in found.alerts)


def test_a_reset_without_a_trip_forgives_nothing(tmp_path: Path) -> None:
    assert recall({"A": written(tmp_path, "A", MEMORY)}, "just in case").memory == MEMORY


def test_what_ends_by_itself_is_looked_at_anew(tmp_path: Path) -> None:
    assert recall({"A": written(tmp_path, "A", having(KILLED))}).memory.trips == ()


def test_the_newest_file_wins_and_a_file_of_before_a_reset_does_not(tmp_path: Path) -> None:
    """Killed between the writes of two files."""
    old, new = having(LOST, saved_at=NOW - 1), having(saved_at=NOW)
    statuses = {"A": written(tmp_path, "A", new), "B": written(tmp_path, "B", old)}
    assert remembered(statuses) == new


@pytest.mark.parametrize("content", [b"", b"{", b"\x00" * 99, b'{"is_open":true}'])
def test_one_file_that_cannot_be_read_stops_the_account(tmp_path: Path, content: bytes) -> None:
    fine = written(tmp_path, "A", MEMORY)
    broken = tmp_path / "B_circuit_breaker_status.json"
    broken.write_bytes(content)
    memory = remembered({"A": fine, "B": read_status(broken)})
    assert [(trip.rule, trip.desk) for trip in memory.trips] == [(UNREADABLE, "")]
    assert memory.pnl == MEMORY.pnl


@pytest.mark.parametrize("part", ['"pnl":"-', '"trips":[', '"saved_at":"', '"desks":{'])
def test_a_memory_that_makes_no_sense_means_tripped(tmp_path: Path, part: str) -> None:
    path = tmp_path / "A_circuit_breaker_status.json"
    written(tmp_path, "A", having(LOST))
    text = path.read_text()
    compact = json.dumps(json.loads(text), separators=(",", ":"))
    assert part in compact
    path.write_text(compact.replace(part, part[:-1] + "{}" + part[-1:], 1))
    assert read_status(path).trip_rule == UNREADABLE


def test_a_file_of_an_older_version_is_believed_about_its_trip(tmp_path: Path) -> None:
    write_status(tmp_path, "A", BreakerPicture(False, "pnl_threshold", "lost", NOW, 0, {}, {}, ()), NOW)
    (trip,) = remembered({"A": last_status(tmp_path, "A")}).trips
    assert (trip.rule, trip.reason, trip.desk) == ("pnl_threshold", "lost", "")


def test_a_desk_that_the_newest_memory_does_not_know_brings_its_own(tmp_path: Path) -> None:
    """It was not part of the latest run."""
    older = msgspec.structs.replace(having(LEANS, saved_at=NOW - 5), desks={"A": DeskMemory(-70, 0, 2)})
    newest = msgspec.structs.replace(having(saved_at=NOW), desks={"B": DeskMemory(10, 0, 0)})
    memory = remembered({"A": written(tmp_path, "A", older), "B": written(tmp_path, "B", newest)})
    assert memory.trips == (LEANS,)
    assert memory.desks == {"A": DeskMemory(-70, 0, 2), "B": DeskMemory(10, 0, 0)}


# -- kmm breaker reset while nothing runs ------------------------------------------------------------------
def test_a_reset_of_the_files_is_told_by_the_next_start(tmp_path: Path) -> None:
    for name in ("A", "B"):
        written(tmp_path, name, having(LOST, LEANS))
    assert reset_files(tmp_path, ("A", "B"), "looked at it", NOW + 1) == (LOST, LEANS)
    statuses = {name: last_status(tmp_path, name) for name in ("A", "B")}
    assert all(status is not None and status.is_open for status in statuses.values())
    found = recall(statuses)
    assert found.memory.trips == ()
    assert found.memory.day_base == MEMORY.pnl
    assert [alert.message for alert in found.alerts] == [
        "the breaker was reset while nothing ran: looked at it"
    ]


def test_a_reset_of_one_desk_leaves_the_account_and_the_other_desks(tmp_path: Path) -> None:
    for name in ("A", "B"):
        written(tmp_path, name, having(LOST, LEANS))
    assert reset_files(tmp_path, ("A", "B"), "sold by hand", NOW + 1, "A") == (LEANS,)
    memory = remembered({name: last_status(tmp_path, name) for name in ("A", "B")})
    assert (memory.trips, memory.day_base) == ((LOST,), MEMORY.day_base)
    assert memory.desks == {"A": DeskMemory(-70, -70, 0), "B": DeskMemory(10, 0, 0)}


def test_where_nothing_tripped_nothing_is_written(tmp_path: Path) -> None:
    written(tmp_path, "A", MEMORY)
    before = (tmp_path / "A_circuit_breaker_status.json").read_bytes()
    assert reset_files(tmp_path, ("A",), "why not", NOW + 1) == ()
    assert (tmp_path / "A_circuit_breaker_status.json").read_bytes() == before


def test_a_file_that_cannot_be_read_is_reset_too(tmp_path: Path) -> None:
    (tmp_path / "A_circuit_breaker_status.json").write_bytes(b"\x00")
    (trip,) = reset_files(tmp_path, ("A",), "restored from a backup", NOW)
    assert trip.rule == UNREADABLE
    status = last_status(tmp_path, "A")
    assert status is not None and status.is_open


def test_forgiving_one_desk_forgives_that_desk_only() -> None:
    memory = forgiven(having(LOST, LEANS), "A")
    assert (memory.trips, memory.errors_in_a_row, memory.desks["B"]) == ((LOST,), 7, DeskMemory(10, 0, 0))
