"""Plays every story of ``tests/scenarios``: after each line the book and the bot's actions are as written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.scenario import Player, read

STORIES = sorted((Path(__file__).resolve().parents[1] / "scenarios").glob("*.txt"))


@pytest.mark.parametrize("story", STORIES, ids=[story.stem for story in STORIES])
def test_the_story_goes_as_it_is_told(story: Path) -> None:
    player = Player()
    for line in read(story):
        where = f"{story.name}:{line.number}"
        assert f"{where}: {player.play(line)}" == f"{where}: {line.bot}"
        if line.ladder:
            assert f"{where}: {player.ladder()}" == f"{where}: {line.ladder}"


def test_there_are_stories() -> None:
    assert len(STORIES) >= 6


def test_a_word_over_the_edge_of_its_column_is_told_with_its_place(tmp_path: Path) -> None:
    story = tmp_path / "bad.txt"
    story.write_text("time who   what  ladder bot\n0    clock ticking away  tick\n")
    with pytest.raises(ValueError, match=r"bad\.txt:2"):
        read(story)
