"""The exchange tells the best prices twice, and one of the two stands still: is the book alive?"""

from __future__ import annotations

import pytest

from mm.core.events import BookDelta, LinkDown, LinkUp, MarketState, MarketStatus, Ticker
from mm.core.units import CENT, CONTRACT, DOLLAR, Side
from tests.core.bench import Bench, engine_settings
from tests.core.words import number

AGREES = (50, 54)
DIFFERS = (49, 54)


def open_orders(bench: Bench) -> list[int]:
    return [int(number(order.client_order_id)[1:]) for order in bench.engine.know.orders]


def both_rest(*markets: str) -> Bench:
    bench = Bench(engine_settings(markets or ("KXA",))).quoting(wishes="51:10 | 53:10")
    bench.tick()
    for which in open_orders(bench):
        bench.ack(which)
    return bench


def ticker(bench: Bench, bid: int, ask: int, market: str = "KXA") -> list[str]:
    """The exchange's word on the best prices in cents; 0 or 100 is an empty side."""
    sizes = [CONTRACT if 0 < price * CENT < DOLLAR else 0 for price in (bid, ask)]
    return bench.step(Ticker(bench.now, market, bid * CENT, sizes[0], ask * CENT, sizes[1], 50 * CENT, 0))


def moves(bench: Bench) -> list[str]:
    """A change deep in the book, which says nothing about its best prices but that it is alive."""
    return bench.step(BookDelta(bench.now, "KXA", Side.BID, 10 * CENT, CONTRACT))


def contradicted(bench: Bench, market: str = "KXA") -> list[str]:
    """For as long as it takes."""
    ticker(bench, *DIFFERS, market)
    assert bench.tick(4.99) == []
    return bench.tick(0.01)


def fetched(bench: Bench) -> list[str]:
    """The orders of before are gone, a new book has come, and what is quoted now rests."""
    for which in open_orders(bench):
        bench.canceled(which, 10)
    bench.book("50:100 | 54:100")
    lines = bench.tick()
    for which in open_orders(bench):
        bench.ack(which)
    return lines


def test_a_ticker_that_agrees_changes_nothing_however_long_the_book_stands_still() -> None:
    bench = both_rest()
    for _ in range(60):
        ticker(bench, *AGREES)
        assert bench.tick(60) == []


def test_a_contradicted_book_is_lost_after_five_seconds_and_quoted_again_once_it_is_fetched() -> None:
    bench = both_rest()
    assert contradicted(bench) == ["resubscribe KXA", "cancel #1", "cancel #2"]
    assert fetched(bench) == ["place #3 bid 10@51", "place #4 ask 10@53"]


@pytest.mark.parametrize("prices", [(50, 53), (50, 55), (51, 54), (0, 54), (50, 100)])
def test_either_side_contradicts_and_so_does_an_empty_one(prices: tuple[int, int]) -> None:
    bench = both_rest()
    ticker(bench, *prices)
    assert "resubscribe KXA" in bench.tick(5)


def test_an_empty_side_agrees_with_an_empty_side_whatever_its_price() -> None:
    bench = both_rest()
    bench.book("50:100 |")
    ticker(bench, 50, 100)
    ticker(bench, 50, 0)
    assert "resubscribe KXA" not in bench.tick(5)


def test_a_book_that_moves_a_ticker_that_agrees_and_a_new_book_end_the_doubt() -> None:
    bench = both_rest()
    for ends in (moves, lambda bench: ticker(bench, *AGREES), lambda bench: bench.book("50:100 | 54:100")):
        ticker(bench, *DIFFERS)
        bench.tick(4.9)
        ends(bench)
        assert bench.tick(60) == []


def test_a_second_contradiction_within_a_minute_is_the_feeds() -> None:
    bench = both_rest()
    contradicted(bench)
    fetched(bench)
    assert contradicted(bench)[0] == "reconnect"


def test_a_contradiction_long_after_the_last_one_is_a_first_one() -> None:
    bench = both_rest()
    contradicted(bench)
    fetched(bench)
    bench.tick(55)
    assert contradicted(bench)[0] == "resubscribe KXA"


def test_a_market_that_a_new_connection_did_not_heal_is_left_alone_and_a_person_is_told() -> None:
    bench = both_rest()
    for _ in range(2):
        contradicted(bench)
        fetched(bench)
    bench.step(LinkDown(bench.now))
    fetched(bench)
    bench.step(LinkUp(bench.now))
    fetched(bench)
    bench.account()
    assert fetched(bench)
    assert contradicted(bench)[:2] == ["alert api_errors", "resubscribe KXA"]
    assert fetched(bench) == []
    assert bench.tick(59) == []
    assert [line.split()[0] for line in bench.tick(1)] == ["place", "place"]


def test_of_many_books_that_stand_still_none_is_left_alone_when_the_feed_is_begun_anew() -> None:
    bench = both_rest("KXA", "KXB")
    for market in ("KXA", "KXB"):
        ticker(bench, *DIFFERS, market)
    assert bench.tick(5)[:2] == ["resubscribe KXA", "resubscribe KXB"]
    for market in ("KXA", "KXB"):
        bench.book("50:100 | 54:100", market)
        ticker(bench, *DIFFERS, market)
    lines = bench.tick(5)
    assert [line for line in lines if not line.startswith(("cancel", "place"))] == ["reconnect"]
    assert all(market.pulled_until == 0 for market in bench.engine.know.markets.values())


def test_a_market_that_has_closed_is_not_asked_for_again() -> None:
    bench = both_rest()
    ticker(bench, *DIFFERS)
    bench.step(MarketStatus(bench.now, "KXA", state=MarketState.CLOSED))
    assert "resubscribe KXA" not in bench.tick(5)


def test_a_link_that_was_lost_meanwhile_ends_the_doubt() -> None:
    bench = both_rest()
    ticker(bench, *DIFFERS)
    bench.step(LinkDown(bench.now))
    assert not [line for line in bench.tick(5) if line.startswith("resub")]
