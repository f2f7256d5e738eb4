"""Desks: one strategy, its parameters, its markets, its limits. A market belongs to one desk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from mm.config.amounts import Cents, Contracts, Dollars, Fraction, Minutes
from mm.config.section import Conflict, Range, Section, Shape, Ticker, Tickers, in_order

DeskName: TypeAlias = Annotated[
    str,
    Shape(
        r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}",
        "1 to 32 letters, digits, '_' or '-', beginning with a letter or digit",
    ),
]
STRATEGY = Shape(r"[a-z][a-z0-9_]{0,63}", "the name of a file in strategies/, without .py")
StrategyName: TypeAlias = Annotated[str, STRATEGY]
Probability: TypeAlias = Annotated[Fraction, Range(least=0, most=1)]
Size: TypeAlias = Annotated[Contracts, Range(least=0, most=1_000_000_000)]
Spread: TypeAlias = Annotated[Cents, Range(least=0, most=100)]
Wait: TypeAlias = Annotated[Minutes, Range(least=0, most=5_256_000)]
Limit: TypeAlias = Annotated[Dollars, Range(above=0, most=1_000_000_000)]
ContractLimit: TypeAlias = Annotated[Contracts, Range(above=0, most=10_000_000)]


class MarketFilter(Section):
    """Which of the markets named above are quoted; `null` does not look."""

    min_probability: Probability | None = None
    """Only markets whose mid is at least this."""
    max_probability: Probability | None = None
    """Only markets whose mid is at most this."""
    min_liquidity_contracts: Size | None = None
    """Only markets with at least this much resting at the best prices, both sides together."""
    min_volume_contracts: Size | None = None
    """Only markets that have traded at least this much."""
    min_spread_cents: Spread | None = None
    """Only markets whose best prices are at least this far apart."""
    max_spread_cents: Spread | None = None
    """Only markets whose best prices are at most this far apart."""
    min_minutes_to_close: Wait | None = None
    """Only markets that close no sooner than this."""
    max_minutes_to_close: Wait | None = None
    """Only markets that close no later than this."""
    max_markets: Annotated[int, Range(least=1, most=1000)] | None = None
    """Never more than this many, those with the most volume first."""

    def conflicts(self) -> Iterator[Conflict]:
        for what in ("probability", "spread_cents", "minutes_to_close"):
            yield from in_order(self, f"min_{what}", f"max_{what}")


class Markets(Section):
    """The scope of a desk. All three lists empty means every open market, on the simulated exchange only."""

    tickers: Tickers = ()
    """Markets by their own ticker."""
    events: Tickers = ()
    """All markets of these events."""
    series: Tickers = ()
    """All markets of these series, those to come too."""
    filter: MarketFilter = MarketFilter()
    """Which of them are quoted."""

    @property
    def literals(self) -> tuple[Ticker, ...]:
        return (*self.tickers, *self.events, *self.series)

    def conflicts(self) -> Iterator[Conflict]:
        for kind in ("tickers", "events", "series"):
            names: tuple[str, ...] = getattr(self, kind)
            for position, name in enumerate(names):
                if name in names[:position]:
                    yield (kind, position), "is in this list already"


class DeskLimits(Section):
    """What a desk may at most hold and send. Open orders count as if they had filled."""

    max_position_contracts: ContractLimit = Contracts(100)
    """Of one market, long or short."""
    max_order_contracts: ContractLimit = Contracts(50)
    """Of one order."""
    max_order_dollars: Limit = Dollars(50)
    """Of one order: what it costs if it fills."""
    max_event_exposure_dollars: Limit = Dollars(200)
    """The most that can be lost on one event."""


class Desk(Section):
    """One strategy at work. The desk's name is that of its files."""

    strategy: StrategyName
    """The file in `strategies/` that decides what to quote."""
    params: dict[str, object] = Field(default_factory=dict)
    """The strategy's own settings, see `docs/strategies.md`."""
    markets: Markets = Markets()
    """What it quotes."""
    limits: DeskLimits = DeskLimits()
    """How much."""


def _no_market_twice(desks: dict[str, Desk]) -> dict[str, Desk]:
    """A market, event or series of two desks would have two masters (clockwork, "Words")."""
    found: list[Conflict] = []
    if not desks:
        found.append(((), "at least one desk is needed"))
    owners: dict[str, str] = {}
    for name in desks:
        found.extend(_shared_name(name, owners))
        owners[name] = name
    found.extend(_overlaps(list(desks.items())))
    if found:
        raise PydanticCustomError("conflicts", "conflicts", {"conflicts": found})
    return desks


def _shared_name(name: str, seen: dict[str, str]) -> Iterator[Conflict]:
    """Names make file names, and not every disk tells capitals from small letters."""
    for other in seen:
        if other.lower() == name.lower():
            yield (name,), f'differs from desk "{other}" only by capitals: their files could be one'


def _overlaps(desks: list[tuple[str, Desk]]) -> Iterator[Conflict]:
    for position, (name, desk) in enumerate(desks):
        for other, earlier in desks[:position]:
            if not desk.markets.literals or not earlier.markets.literals:
                yield (
                    (name, "markets"),
                    f'without tickers, events or series it shares markets with desk "{other}"',
                )
            for kind in ("tickers", "events", "series"):
                for index, mine in enumerate(getattr(desk.markets, kind)):
                    if theirs := _overlap(mine, earlier.markets.literals):
                        yield (
                            (name, "markets", kind, index),
                            f'{mine} is in desk "{other}" too ({theirs}): a market belongs to one desk',
                        )


def _overlap(mine: str, others: tuple[str, ...]) -> str | None:
    """Tickers nest by their prefixes: series KXBTC, event KXBTC-26NOV2117, market KXBTC-26NOV2117-B90250."""
    return next(
        (
            other
            for other in others
            if f"{mine}-".startswith(f"{other}-") or f"{other}-".startswith(f"{mine}-")
        ),
        None,
    )


Desks: TypeAlias = Annotated[dict[DeskName, Desk], AfterValidator(_no_market_twice)]


def is_strategy_name(text: str) -> bool:
    """Whether it is safe to look for a file of this name."""
    return STRATEGY.holds(text)
