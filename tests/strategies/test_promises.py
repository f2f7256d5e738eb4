"""What every strategy promises for every view, however odd: checked on views that nobody thought of."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm.core.events import FeeSchedule, Levels
from mm.core.grid import CENT_GRID, TAPERED_DECI_CENT_GRID, Band, PriceGrid
from mm.core.strategy import Decision, MarketView, Params, Strategy
from mm.core.units import CENT, DOLLAR, SECOND, Price, Side
from strategies import avellaneda_stoikov, fixed_spread, glft, top_of_book
from strategies.avellaneda_stoikov import AvellanedaStoikovParams
from strategies.fixed_spread import FixedSpreadParams
from strategies.glft import GlftParams
from strategies.top_of_book import TopOfBookParams
from tests.ladders import HOUR

GRIDS = (
    CENT_GRID,
    TAPERED_DECI_CENT_GRID,
    PriceGrid((Band(0, DOLLAR, 1),)),
    PriceGrid((Band(0, DOLLAR, 50),)),
)
MAKERS: dict[str, tuple[type, Params]] = {
    "fixed_spread": (fixed_spread.Strategy, FixedSpreadParams(max_book_spread_cents=100)),
    "fixed_spread, tight": (
        fixed_spread.Strategy,
        FixedSpreadParams(
            half_spread_cents=0.01, skew_cents_per_contract=100, center="micro", max_book_spread_cents=100
        ),
    ),
    "top_of_book": (top_of_book.Strategy, TopOfBookParams(max_book_spread_cents=100)),
    "top_of_book, eager": (
        top_of_book.Strategy,
        TopOfBookParams(
            improve_steps=3, min_spread_cents=0.01, skew_cents_per_contract=0.3, max_book_spread_cents=100
        ),
    ),
    "avellaneda_stoikov": (
        avellaneda_stoikov.Strategy,
        AvellanedaStoikovParams(volatility_warm_up_seconds=1, max_book_spread_cents=100),
    ),
    "avellaneda_stoikov, fixed": (
        avellaneda_stoikov.Strategy,
        AvellanedaStoikovParams(
            fixed_volatility_cents=2.0, risk_aversion_per_cent=10, max_book_spread_cents=100
        ),
    ),
    "glft": (
        glft.Strategy,
        GlftParams(volatility_warm_up_seconds=1, volatility_stop_cents=100, max_book_spread_cents=100),
    ),
    "glft, extreme": (
        glft.Strategy,
        GlftParams(
            volatility_warm_up_seconds=1,
            volatility_stop_cents=100,
            risk_aversion_per_cent=10,
            depth_decay_per_cent=1_000,
            fill_rate_per_second=1e-9,
            volatility_margin_root_seconds=0,
            size_contracts=1_000_000,
            max_book_spread_cents=100,
        ),
    ),
}
OF_EVERY_MAKER = pytest.mark.parametrize("maker", MAKERS)
THOROUGH = settings(max_examples=100)


def made(maker: str) -> Strategy:
    kind, params = MAKERS[maker]
    strategy: Strategy = kind(params)
    return strategy


def _sorted(levels: dict[Price, int], best_is_highest: bool) -> Levels:
    return tuple(sorted(levels.items(), reverse=best_is_highest))


prices = st.integers(1, DOLLAR - 1)
counts = st.integers(1, 10**8)
sides = st.dictionaries(prices, counts, max_size=3)
positions = st.integers(-30_000, 30_000)
any_view = st.builds(
    MarketView,
    ticker=st.just("KXTEST"),
    now=st.integers(0, 10**11),
    bids=sides.map(lambda levels: _sorted(levels, True)),
    asks=sides.map(lambda levels: _sorted(levels, False)),
    position=positions,
    average_cost=prices,
    max_position=st.integers(0, 20_000),
    grid=st.sampled_from(GRIDS),
    fees=st.builds(FeeSchedule, taker_ppm=st.just(70_000), maker_ppm=st.integers(0, 70_000)),
    time_to_close=st.one_of(st.none(), st.integers(-(10**9), 10**13)),
)


class TwoSided(NamedTuple):
    """A book that can be quoted, and what goes with it."""

    bid: tuple[Price, int]
    ask: tuple[Price, int]
    grid: PriceGrid
    maker_ppm: int

    def seen(self, at_seconds: int, position: int = 0) -> MarketView:
        return MarketView(
            ticker="KXTEST",
            now=at_seconds * SECOND,
            bids=(self.bid,),
            asks=(self.ask,),
            position=position,
            average_cost=0,
            max_position=10_000,
            grid=self.grid,
            fees=FeeSchedule(70_000, self.maker_ppm),
            time_to_close=HOUR,
        )


@st.composite
def two_sided_books(draw: st.DrawFn) -> TwoSided:
    low, high = sorted(draw(st.lists(prices, min_size=2, max_size=2, unique=True)))
    return TwoSided(
        (low, draw(counts)), (high, draw(counts)), draw(st.sampled_from(GRIDS)), draw(st.integers(0, 70_000))
    )


def check(view: MarketView, decision: Decision) -> None:
    by_side = {quote.side: quote for quote in decision.quotes}
    assert len(by_side) == len(decision.quotes)
    for quote in decision.quotes:
        assert view.grid.is_on_grid(quote.price)
        assert quote.count > 0
        assert quote.side.sign * view.position + quote.count <= view.max_position
    if decision.quotes:
        assert view.best_bid is not None and view.best_ask is not None and view.best_bid < view.best_ask
        assert decision.fair is not None and decision.reservation is not None
    if bid := by_side.get(Side.BID):
        assert bid.price < (view.best_ask or 0)
        assert bid.price < (decision.reservation or 0)
    if ask := by_side.get(Side.ASK):
        assert ask.price > (view.best_bid or DOLLAR)
        assert ask.price > (decision.reservation or 0)
    assert bool(decision.note) == (len(decision.quotes) < 2)


@OF_EVERY_MAKER
@given(views=st.lists(any_view, max_size=6))
@THOROUGH
def test_any_sequence_of_views_is_answered_within_the_promises(maker: str, views: list[MarketView]) -> None:
    strategy = made(maker)
    for view in views:
        check(view, strategy.quotes(view))


@OF_EVERY_MAKER
@given(book=two_sided_books(), position=positions)
@THOROUGH
def test_a_two_sided_book_is_quoted_within_the_promises(maker: str, book: TwoSided, position: int) -> None:
    strategy = made(maker)
    for second in range(3):
        strategy.quotes(book.seen(second))
    view = book.seen(3, position)
    decision = strategy.quotes(view)
    check(view, decision)
    assert decision.fair is not None and decision.reservation is not None
    assert view.bids[0][0] < decision.fair < view.asks[0][0]


@OF_EVERY_MAKER
@given(book=two_sided_books(), held=st.lists(positions, min_size=2, max_size=4))
@THOROUGH
def test_the_more_is_held_the_lower_and_the_less_is_bid(maker: str, book: TwoSided, held: list[int]) -> None:
    def quotes_at(position: int) -> tuple[Price, int, Price, int]:
        strategy = made(maker)
        for second in range(3):
            strategy.quotes(book.seen(second))
        by_side = {quote.side: quote for quote in strategy.quotes(book.seen(3, position)).quotes}
        bid, ask = by_side.get(Side.BID), by_side.get(Side.ASK)
        return (
            bid.price if bid else 0,
            bid.count if bid else 0,
            ask.price if ask else DOLLAR,
            ask.count if ask else 0,
        )

    for less, more in pairwise(sorted(held)):
        bid, bid_count, ask, ask_count = quotes_at(less)
        lower_bid, fewer_bid, lower_ask, more_ask = quotes_at(more)
        assert lower_bid <= bid and lower_ask <= ask
        assert fewer_bid <= bid_count or not bid
        assert more_ask >= ask_count or lower_ask == DOLLAR


@OF_EVERY_MAKER
@given(book=two_sided_books(), touch=st.integers(1, DOLLAR - 1), overlap=st.integers(0, 5 * CENT))
@THOROUGH
def test_what_is_not_a_two_sided_book_is_never_quoted(
    maker: str, book: TwoSided, touch: Price, overlap: int
) -> None:
    strategy = made(maker)
    for second in range(3):
        strategy.quotes(book.seen(second))
    good = book.seen(3)
    bids, asks = ((touch + overlap, 100),), ((touch, 100),)
    under = touch - 1
    without_size = (((under, 0),), asks), (((under, 100),), ((touch, 0),)), (((under, 0),), ((touch, 0),))
    for bad_bids, bad_asks in (((), ()), (bids, ()), ((), asks), (bids, asks), *without_size):
        bad = replaced(good, bad_bids, bad_asks)
        decision = strategy.quotes(bad)
        assert decision.quotes == ()
        assert "book" in decision.note


def replaced(view: MarketView, bids: Levels, asks: Levels) -> MarketView:
    return MarketView(
        view.ticker,
        view.now,
        bids,
        asks,
        view.position,
        view.average_cost,
        view.max_position,
        view.grid,
        view.fees,
        view.time_to_close,
    )
