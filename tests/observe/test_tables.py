"""Rows of the CSV files: one line each, whatever a text holds, and the same cells come back."""

from __future__ import annotations

import csv
import io

from hypothesis import example, given
from hypothesis import strategies as st

from mm.observe.tables import BREAKING, row

CELLS = st.lists(
    st.one_of(st.text(max_size=8), st.text(alphabet=',"\n\r x1.-', max_size=6)), min_size=1, max_size=8
)


@given(CELLS)
@example([""])
@example(["", ""])
@example(["a,b", "c"])
@example(['say "no"', "1.5"])
@example(["line\nbreak", "\x1b[2J"])
def test_any_cells_are_one_ascii_line_and_come_back(cells: list[str]) -> None:
    line = row(*cells).decode("ascii")
    assert line.endswith("\n") and line.count("\n") == 1
    (found,) = csv.reader(io.StringIO(line), strict=True)
    assert found == [_shown(cell) for cell in cells] or cells == [""]


def _shown(cell: str) -> str:
    """Control characters and what is not ASCII, as escapes."""
    plain = BREAKING.sub(lambda found: found[0].encode("unicode_escape").decode(), cell)
    return plain.encode("ascii", "backslashreplace").decode()


def test_what_needs_no_quoting_is_written_as_it_is() -> None:
    assert row("1.5", "KXA-26NOV21-T50", "", "no opinion") == b"1.5,KXA-26NOV21-T50,,no opinion\n"
