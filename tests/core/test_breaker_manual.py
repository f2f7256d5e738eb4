"""The manual's table of the breaker is the breaker's own: every row, whom it stops, what ends it."""

from __future__ import annotations

from pathlib import Path

from mm.core.breaker_rows import ROWS, Resets, resets_of, scope_of

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "circuit-breaker.md"
WORDS = {
    Resets.PERSON: "person",
    Resets.NEW_DAY: "new day",
    Resets.RESTART: "restart",
    Resets.WHEN_OVER: "when over",
}


def test_the_table_of_the_manual_is_that_of_the_breaker() -> None:
    lines = [line for line in MANUAL.read_text().splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    told = [(name.strip("`"), stops, ends) for name, _, _, stops, ends in cells]
    assert told == [(row.name, scope_of(row).value, WORDS[row.resets]) for row in ROWS]


def test_what_is_no_row_ends_with_a_person() -> None:
    for rule in ("halted", "status_file", "a rule of a later version"):
        assert resets_of(rule) is Resets.PERSON
