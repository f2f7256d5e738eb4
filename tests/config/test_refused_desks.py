"""Desks that cannot be meant: their names, strategies and parameters, and markets that two of them claim."""

from __future__ import annotations

import pytest

from tests.config.helpers import GOOD, errors_of
from tests.config.short_files import MAPPING, V, desk, two_desks

DESK_NAME = "must be 1 to 32 letters, digits, '_' or '-', beginning with a letter or digit"

DESKS = [
    (V, "c:1:1: desks: missing"),
    (V + "desks: {}\n", "c:2:8: desks: at least one desk is needed"),
    (V + "desks: []\n", f"c:2:8: desks: {MAPPING}, not a list"),
    (V + "desks: {A: null}\n", f"c:2:12: desks.A: {MAPPING}, not null"),
    (V + "desks: {A: {}}\n", "c:2:9: desks.A.strategy: missing"),
    (V + "desks: {../A: {strategy: own}}\n", f"c:2:9: desks.../A: {DESK_NAME}"),
    (V + "desks: {-A: {strategy: own}}\n", f"c:2:9: desks.-A: {DESK_NAME}"),
    (V + f"desks: {{{'A' * 33}: {{strategy: own}}}}\n", f"c:2:9: desks.{'A' * 33}: {DESK_NAME}"),
    (desk("strategy: own, limit: {}"), "c:2:28: desks.A.limit: unknown key"),
    (desk("strategy: oen"), 'c:2:23: desks.A.strategy: no such strategy, did you mean "own"?'),
    (
        desk("strategy: ../own"),
        "c:2:23: desks.A.strategy: must be the name of a file in strategies/, without .py",
    ),
    (
        desk("strategy: formulas"),
        "c:2:23: desks.A.strategy: this file has no class Strategy with Params: it is not a strategy",
    ),
    (
        desk("strategy: unloadable"),
        "c:2:23: desks.A.strategy: this strategy cannot be loaded: name 'widht' is not defined",
    ),
    (desk("strategy: needy"), "c:2:9: desks.A.params.target: missing"),
    (desk("strategy: own, params: 3"), f"c:2:36: desks.A.params: {MAPPING}, not a number"),
    (
        desk("strategy: own, params: {half_spred_cents: 1}"),
        'c:2:37: desks.A.params.half_spred_cents: unknown key, did you mean "half_spread_cents"?',
    ),
    (
        desk("strategy: own, params: {half_spread_cents: 51}"),
        "c:2:56: desks.A.params.half_spread_cents: must be at most 50 (half the width)",
    ),
    (
        desk("strategy: own, params: {half_spread_cents: wide}"),
        "c:2:56: desks.A.params.half_spread_cents: must be a number, not text (half the width)",
    ),
    (
        desk("strategy: own, params: {size_contracts: 1.5}"),
        "c:2:53: desks.A.params.size_contracts: must be a whole number, not a number with a point",
    ),
    (
        desk("strategy: own, params: {reference: midd}"),
        'c:2:48: desks.A.params.reference: must be mid or micro, did you mean "mid"?',
    ),
    (
        desk("strategy: own, params: {lean: shorter}"),
        'c:2:43: desks.A.params.lean: must be long or short, did you mean "short"?',
    ),
    (
        desk("strategy: own, params: {is_eager: 1}"),
        "c:2:47: desks.A.params.is_eager: must be true or false, not a number",
    ),
    (
        desk("strategy: own, params: {ladder: [1, x]}"),
        "c:2:49: desks.A.params.ladder[1]: must be a number, not text",
    ),
    (desk("strategy: own, params: {low: 2}"), "c:2:36: desks.A.params: low must not be above high"),
    (
        desk("strategy: own, params: {low: 1e-3}"),
        "c:2:42: desks.A.params.low: write 0.001 (quote it if you mean text)",
    ),
    (
        desk("strategy: own, markets: {tickers: KX}"),
        "c:2:47: desks.A.markets.tickers: must be a list, such as [A, B], not text",
    ),
    (
        desk("strategy: own, markets: {tickers: [KX, kx]}"),
        "c:2:52: desks.A.markets.tickers[1]: must be a ticker: capital letters, digits, '.', '_' and '-'",
    ),
    (
        desk("strategy: own, markets: {tickers: [KX, KX]}"),
        "c:2:52: desks.A.markets.tickers[1]: is in this list already",
    ),
    (
        desk("strategy: own, markets: {filter: {min_probability: 0.9, max_probability: 0.1}}"),
        "c:2:64: desks.A.markets.filter.min_probability: must not be larger than max_probability",
    ),
    (
        GOOD + "exchange: {environment: demo}\n",
        "c:2:9: desks.A.markets: say which: tickers, events or series (real exchanges have thousands)",
    ),
]

SHARED = [
    ("series: [KXBTC]", "series: [KXBTC]", "markets.series[0]: KXBTC", "KXBTC"),
    ("series: [KXBTC]", "events: [KXBTC-26]", "markets.events[0]: KXBTC-26", "KXBTC"),
    ("events: [KXBTC-26]", "tickers: [KXBTC-26-B1]", "markets.tickers[0]: KXBTC-26-B1", "KXBTC-26"),
    ("tickers: [KXBTC-26-B1]", "series: [KXBTC]", "markets.series[0]: KXBTC", "KXBTC-26-B1"),
]


@pytest.mark.parametrize(("text", "error"), DESKS, ids=lambda case: repr(case)[-50:])
def test_one_mistake_is_one_error_at_its_place(text: str, error: str) -> None:
    assert errors_of(text) == [error]


@pytest.mark.parametrize(("first", "second", "where", "whose"), SHARED)
def test_a_market_belongs_to_one_desk(first: str, second: str, where: str, whose: str) -> None:
    text = two_desks("A", first, "B", second)
    (error,) = errors_of(text)
    assert error.startswith("c:4:")
    assert error.endswith(f'desks.B.{where} is in desk "A" too ({whose}): a market belongs to one desk')


def test_a_desk_of_every_market_leaves_none_for_another() -> None:
    text = f"{V}desks:\n  A: {{strategy: own}}\n  B: {{strategy: own, markets: {{series: [KX]}}}}\n"
    assert errors_of(text) == [
        'c:4:31: desks.B.markets: without tickers, events or series it shares markets with desk "A"'
    ]


def test_desks_whose_files_could_be_one() -> None:
    text = two_desks("A", "series: [KX]", "a", "series: [KY]")
    assert errors_of(text) == [
        'c:4:6: desks.a: differs from desk "A" only by capitals: their files could be one'
    ]
