"""Which markets each desk quotes: its scope in the configuration, read from the exchange, then its filter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from mm.config.desks import Desk, MarketFilter, Markets
from mm.core.events import MarketState
from mm.core.units import CENT, DOLLAR, SECOND, Nanos
from mm.kalshi.catalog import read_event_markets, read_markets, read_open_markets, read_series_markets
from mm.kalshi.conversation import Conversation
from mm.kalshi.listing import Listings, MarketListing

TO_COME = (MarketState.ACTIVE, MarketState.UNOPENED, MarketState.PAUSED)


def read_scope(markets: Markets, *, may_be_missing: bool = False) -> Conversation[Listings]:
    """Everything a desk's scope names that is open or still to open, by ticker, each once.
    ``may_be_missing``: a market that is named need not exist (any more).

    :raises ReadError: if there is no answer, or a market that is named does not exist.
    """
    found: dict[str, MarketListing] = {}
    odd = Listings()

    def add(listings: Listings) -> None:
        found.update((listing.ticker, listing) for listing in listings)
        odd.unread.update(listings.unread)
        odd.remnants.update(listings.remnants)

    if markets.tickers:
        add((yield from read_markets(markets.tickers, may_be_missing=may_be_missing)))
    for event in markets.events:
        add((yield from read_event_markets(event)))
    for series in markets.series:
        for status in ("open", "unopened"):
            add((yield from read_series_markets(series, status)))
    if not markets.literals:
        for status in ("open", "unopened"):
            add((yield from read_open_markets(status)))
    return Listings((found[ticker] for ticker in sorted(found)), odd.unread, odd.remnants)


def chosen(desk: Desk, listings: Sequence[MarketListing], taken: Mapping[str, str], now: Nanos) -> list[str]:
    """The tickers that the desk's filter lets through, most volume first, at most ``max_markets`` together
    with those it has. ``taken``: the desk of every market that has one already."""
    rules = desk.markets.filter
    fit = [
        listing
        for listing in listings
        if listing.ticker not in taken
        and listing.state in TO_COME
        and not any(_objections(listing, rules, now))
    ]
    fit.sort(key=lambda listing: (-listing.volume, listing.ticker))
    if rules.max_markets is not None:
        still_quoted = sum(1 for listing in listings if listing.ticker in taken and listing.state in TO_COME)
        fit = fit[: max(rules.max_markets - still_quoted, 0)]
    return [listing.ticker for listing in fit]


def _objections(listing: MarketListing, rules: MarketFilter, now: Nanos) -> Iterator[bool]:
    """One for each rule of the filter; a market that is not open yet has no book to judge."""
    minutes = Decimal(listing.close_ts - now) / (60 * SECOND)
    yield _outside(minutes, rules.min_minutes_to_close, rules.max_minutes_to_close)
    volume, liquidity = rules.min_volume_contracts, rules.min_liquidity_contracts
    yield volume is not None and listing.volume < volume.units
    if listing.state is MarketState.UNOPENED:
        return
    yield liquidity is not None and listing.liquidity < liquidity.units
    wants_book = (
        rules.min_probability,
        rules.max_probability,
        rules.min_spread_cents,
        rules.max_spread_cents,
    )
    if listing.bid is None or listing.ask is None:
        yield any(rule is not None for rule in wants_book)
        return
    mid = Decimal(listing.bid[0] + listing.ask[0]) / (2 * DOLLAR)
    yield _outside(mid, rules.min_probability, rules.max_probability)
    yield _outside(
        Decimal(listing.ask[0] - listing.bid[0]) / CENT, rules.min_spread_cents, rules.max_spread_cents
    )


def _outside(value: Decimal, least: Decimal | None, most: Decimal | None) -> bool:
    return (least is not None and value < least) or (most is not None and value > most)
