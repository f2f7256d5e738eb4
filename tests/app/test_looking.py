"""A search for markets that fails for minutes is told to a person, once, and that it works again, too."""

from __future__ import annotations

import structlog

from mm.app.looking import Looking
from mm.core.actions import Alert
from mm.core.units import SECOND, Nanos


class Story:
    def __init__(self) -> None:
        self.now: Nanos = 1_000 * SECOND
        self.told: list[str] = []
        self.looking = Looking(structlog.get_logger(), self._announce, lambda: self.now)

    def _announce(self, alert: Alert, ts: Nanos) -> None:
        self.told.append(f"{alert.level.value} {alert.message}")

    def fails(self, seconds: int) -> None:
        """Every five seconds, for so long."""
        for _ in range(0, seconds, 5):
            self.looking.failed("503 http_503")
            self.now += 5 * SECOND


def test_what_fails_for_a_moment_is_nothing_to_tell() -> None:
    story = Story()
    for _ in range(20):
        story.fails(60)
        story.looking.succeeded()
    assert story.told == []


def test_what_fails_for_long_is_told_once_and_its_end_too() -> None:
    story = Story()
    story.fails(900)
    assert story.told == ["warning the list of markets could not be read for 5 min: 503 http_503"]
    story.looking.succeeded()
    story.looking.succeeded()
    assert len(story.told) == 2 and story.told[1].startswith("info the list of markets is read again")


def test_markets_with_strange_terms_are_told_once_and_their_return_too() -> None:
    story = Story()
    odd = {f"E-{number}": "unknown fee type: 'flat'" for number in range(7)}
    for seen in ({}, odd, odd, odd | {"F-1": "price_ranges"}, odd, {}, {}):
        story.looking.strange(seen)
    told = [
        text.replace("fees or price steps are in words that are not known", "strange") for text in story.told
    ]
    assert len(told) == 4
    assert told[0].startswith("warning strange, so there are no quotes: E-0 (unknown fee type: 'flat'); E-1")
    assert told[0].endswith("and 2 more")
    assert told[1] == "warning strange, so there are no quotes: F-1 (price_ranges)"
    assert told[2].startswith("info") and told[2].endswith(": F-1")
    assert told[3].startswith("info") and told[3].endswith("and 2 more")
