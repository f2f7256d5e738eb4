"""What the engine believes of its markets is held against what the exchange lists, whoever told it: the
stream may lose a word, and a list may be older than the stream's last.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from mm.core.events import FeeSchedule, MarketState
from mm.core.units import SECOND
from mm.kalshi.fees import FeeTerms
from mm.kalshi.session import Session
from tests.app.test_discovery import TODAY, Bot, Lists, turns
from tests.kalshi.frames import frame, subscribed

PUBLISHED, FREE = FeeSchedule(70_000, 0), FeeSchedule(0, 0)


class Followed(Bot):
    """With the stream's word on the life of E-1, too."""

    def __init__(self) -> None:
        super().__init__(Lists(TODAY))
        self.session = Session(["E-1"], lambda: 0.5)
        self.start()
        self.session.learn(self.discovery.terms)
        for sid, text in enumerate(self.session.connected(self.lists.now), start=1):
            command = json.loads(text)
            channel = command["params"]["channels"][0]
            self.session.receive(self.lists.now, subscribed(command["id"], channel, sid))
            if channel == "market_lifecycle_v2":
                self._sid = sid
        self.number = 0

    def says(self, kind: str, **msg: Any) -> None:
        """One frame of the stream."""
        self.number += 1
        text = frame(kind, sid=self._sid, seq=self.number, msg=msg)
        self.hear(self.session.receive(self.lists.now, text))

    def happens(self, event_type: str, **more: Any) -> None:
        self.says("market_lifecycle_v2", market_ticker="E-1", event_type=event_type, **more)

    def believes(self, state: MarketState) -> bool:
        return self.market.state is state

    def loses_a_frame(self) -> None:
        self.number += 1


def test_what_the_stream_said_and_took_back_unheard_is_mended_at_the_next_look() -> None:
    bot = Followed()
    bot.look()
    bot.happens("deactivated", is_deactivated=True)
    bot.says("event_fee_update", event_ticker="E", fee_type_override="quadratic", fee_multiplier_override=0)
    assert (bot.market.state, bot.market.fees) == (MarketState.PAUSED, FREE)
    bot.hear(bot.session.disconnected(bot.lists.now, "the link was lost"))
    bot.look()
    assert (bot.market.state, bot.market.fees) == (MarketState.ACTIVE, PUBLISHED)
    assert bot.look() == [], "once"


def test_a_lost_word_is_mended_although_the_list_says_what_it_said_before() -> None:
    bot = Followed()
    bot.lists.rows["E-1"]["status"] = "inactive"
    bot.look()
    bot.happens("activated", is_deactivated=False)
    bot.loses_a_frame()
    assert bot.believes(MarketState.ACTIVE)
    bot.look()
    assert bot.believes(MarketState.PAUSED)


@pytest.mark.parametrize(
    "wrong",
    [
        {"event_type": "close_date_updated", "close_ts": 4_000},
        {
            "event_type": "price_level_structure_updated",
            "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0010"}],
        },
        {"event_type": "determined", "settlement_value": "1.0000"},
    ],
)
def test_close_grid_and_settlement_are_held_against_the_list_too(wrong: dict[str, Any]) -> None:
    bot = Followed()
    bot.lists.rows["E-1"]["settlement_value_dollars"] = "0.5000"
    bot.look()
    before = (bot.market.close_ts, bot.market.grid, bot.market.settlement_value)
    bot.says("market_lifecycle_v2", market_ticker="E-1", **wrong)
    assert (bot.market.close_ts, bot.market.grid, bot.market.settlement_value) != before
    bot.look()
    assert (bot.market.close_ts, bot.market.grid, bot.market.settlement_value) == before


def test_a_list_that_is_older_than_the_streams_word_does_not_take_it_back() -> None:
    """It was drawn up before the market was paused, and arrives after."""
    bot = Followed()
    bot.lists.meanwhile = lambda: bot.happens("deactivated", is_deactivated=True)
    assert bot.look() == []
    assert bot.believes(MarketState.PAUSED)
    bot.lists.rows["E-1"]["status"] = "inactive"
    assert bot.look() == []
    assert bot.believes(MarketState.PAUSED)


def test_a_list_that_trails_the_stream_by_a_second_does_not_take_it_back() -> None:
    bot = Followed()
    bot.lists.now += 4 * SECOND
    bot.happens("deactivated", is_deactivated=True)
    bot.lists.now -= 4 * SECOND  # the look is a second later
    assert bot.look() == []
    assert bot.believes(MarketState.PAUSED)
    bot.look()
    assert bot.believes(MarketState.ACTIVE), "it goes on saying so: the stream's word was not the last"


def test_an_opening_that_nobody_announces_is_told_at_the_first_look() -> None:
    bot = Bot(Lists({**TODAY, "status": "initialized"}), tickers='["E-1"]').start()
    bot.lists.rows["E-1"]["status"] = "active"
    assert [status.state for status in bot.look()] == [MarketState.ACTIVE]
    assert bot.market.state == MarketState.ACTIVE


def test_fees_that_are_not_understood_end_the_old_ones_and_known_ones_heal() -> None:
    bot = Followed()
    bot.lists.series["fee_type"] = "flat"
    assert [status.terms_unknown for status in bot.look()] == [True]
    assert bot.market.fees is None and list(bot.discovery.strange()) == ["E-1"]
    assert "flat" in bot.discovery.strange()["E-1"]
    assert bot.look() == [], "once"
    bot.lists.series["fee_type"] = "quadratic"
    bot.look()
    assert bot.market.fees == PUBLISHED and bot.discovery.strange() == {}


@pytest.mark.parametrize(
    ("kind", "msg"),
    [
        ("event_fee_update", {"event_ticker": "E", "fee_type_override": "flat"}),
        ("event_fee_update", {"event_ticker": "E", "fee_type_override": "margin_market_maker_program_fees"}),
        (
            "market_lifecycle_v2",
            {
                "market_ticker": "E-1",
                "event_type": "price_level_structure_updated",
                "price_level_structure": "",
                "price_ranges": [],
            },
        ),
    ],
)
def test_what_the_stream_says_in_strange_words_ends_the_old_terms_until_a_list_knows_better(
    kind: str, msg: dict[str, Any]
) -> None:
    bot = Followed()
    bot.look()
    bot.says(kind, **msg)
    assert bot.market.fees is None and list(bot.discovery.strange()) == ["E-1"]
    assert bot.session.stats.bad == 1 and "E-1" in bot.session.stats.last_bad
    bot.says("event_fee_update", event_ticker="E", fee_type_override=None, fee_multiplier_override=None)
    assert bot.market.fees is None, "the grid may be the strange one"
    bot.look()
    assert bot.market.fees == PUBLISHED


def test_a_market_that_closes_in_strange_words_is_known_to_be_closed() -> None:
    bot = Followed()
    bot.lists.rows["E-1"] |= {"status": "closed", "price_ranges": []}
    bot.look()
    assert bot.believes(MarketState.CLOSED) and bot.market.terms_unknown
    bot.lists.rows["E-1"] |= {"status": "finalized", "settlement_value_dollars": "1.0000"}
    bot.look()
    assert bot.believes(MarketState.SETTLED) and bot.market.settlement_value == 10_000
    assert bot.discovery.strange() == {}, "nobody quotes it any more"
    assert bot.discovery.forget(lambda ticker: True) == ["E-1"]


def test_an_odd_figure_that_is_not_of_the_terms_does_not_pull_the_quotes() -> None:
    bot = Followed()
    bot.lists.rows["E-1"]["volume_fp"] = "many"
    assert bot.look() == []
    assert bot.market.fees == PUBLISHED and list(bot.discovery.unread) == ["E-1"]


def test_an_events_change_of_fees_is_one_of_the_series_as_it_is_now() -> None:
    """The series was halved while we followed; then the event overrides the type alone."""
    bot = Followed()
    bot.lists.series["fee_multiplier"] = 0.5

    def follow(tickers: list[str], terms: list[FeeTerms]) -> None:
        assert tickers == []
        bot.session.learn(terms)

    bot.lists.now += 5 * SECOND
    turns(bot, 1, follow)
    assert bot.market.fees == FeeSchedule(35_000, 0)
    bot.says(
        "event_fee_update", event_ticker="E", fee_type_override="quadratic", fee_multiplier_override=None
    )
    assert bot.market.fees == FeeSchedule(35_000, 0)
