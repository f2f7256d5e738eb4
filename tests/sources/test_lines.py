"""Outside values appended to a file by another program."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mm.core.events import AnyEvent, Reference
from mm.sources.lines import LONGEST_LINE, LineSource

PATIENCE_SECONDS = 60.0


class Followed:
    """A source on a file, and what it complained of."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.complaints: list[str] = []
        self.source = LineSource(path, lambda: 7, self.complaints.append)

    def append(self, text: str) -> list[AnyEvent]:
        with self.path.open("a") as file:
            file.write(text)
        return self.source.read()


@pytest.fixture
def followed(tmp_path: Path) -> Followed:
    return Followed(tmp_path / "index.jsonl")


def test_what_was_there_before_is_history(tmp_path: Path) -> None:
    path = tmp_path / "index.jsonl"
    path.write_text('{"name":"SPX","value":1}\n')
    followed = Followed(path)
    assert followed.source.read() == []
    assert followed.append('{"name":"SPX","value":5000.5,"ts":12.5}\n') == [
        Reference(7, "SPX", 5000.5, 12_500_000_000)
    ]


def test_a_file_that_comes_later_is_read_from_its_beginning(followed: Followed) -> None:
    assert followed.source.read() == []
    assert followed.append('{"name":"SPX","value":1}\n') == [Reference(7, "SPX", 1.0)]


def test_a_line_counts_when_it_is_whole(followed: Followed) -> None:
    assert followed.source.read() == []
    assert followed.append('{"name":"SPX",') == []
    assert followed.append('"value":2}\n{"name":"NDX","value":3}\n{"na') == [
        Reference(7, "SPX", 2.0),
        Reference(7, "NDX", 3.0),
    ]


def test_a_file_that_was_replaced_or_cut_is_read_anew(followed: Followed) -> None:
    followed.source.read()
    followed.append('{"name":"SPX","value":1}\n{"name":"SPX","value":2}\n')
    followed.path.write_text('{"name":"SPX","value":3}\n')
    assert followed.source.read() == [Reference(7, "SPX", 3.0)]
    other = followed.path.with_suffix(".new")
    other.write_text('{"name":"SPX","value":4}\n')
    other.replace(followed.path)
    assert followed.source.read() == [Reference(7, "SPX", 4.0)]


@pytest.mark.parametrize(
    "bad",
    [
        "{}",
        "[]",
        "hello",
        '{"name":"SPX","value":"5"}',
        '{"name":"","value":5}',
        '{"name":"SPX","value":1e999}',
    ],
)
def test_a_bad_line_is_told_and_the_next_one_read(followed: Followed, bad: str) -> None:
    followed.source.read()
    assert followed.append(f'{bad}\n{{"name":"SPX","value":5}}\n') == [Reference(7, "SPX", 5.0)]
    assert len(followed.complaints) == 1


def test_a_line_without_end_is_given_up(followed: Followed) -> None:
    followed.source.read()
    assert followed.append("x" * (LONGEST_LINE + 1)) == []
    assert followed.append('\n{"name":"SPX","value":5}\n') == [Reference(7, "SPX", 5.0)]
    assert len(followed.complaints) == 1


def test_it_hands_over_what_is_appended_while_it_runs(followed: Followed) -> None:
    async def story() -> list[AnyEvent]:
        arrived: asyncio.Future[list[AnyEvent]] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(followed.source.run(arrived.set_result))
        await asyncio.sleep(0)
        with followed.path.open("a") as file:
            file.write('{"name":"SPX","value":5}\n')
        events = await asyncio.wait_for(arrived, PATIENCE_SECONDS)
        task.cancel()
        return events

    assert asyncio.run(story()) == [Reference(7, "SPX", 5.0, 0)]
