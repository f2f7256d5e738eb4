"""Short words for stories about the venue: one market, two members, orders as text."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from mm.sim.grids import price_ranges
from mm.sim.switches import Switches
from mm.sim.venue import Venue
from mm.sim.words import (
    MONEY_ONE,
    Announcement,
    BookSide,
    Event,
    Market,
    Order,
    OrderRequest,
    Placed,
    Series,
    VenueError,
)

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
MARKET = "KXRAIN-26NOV21-T1"
DEFAULTS = OrderRequest(MARKET, "bid", 100, 5000, "good_till_canceled", "taker_at_cross")
Kind = TypeVar("Kind")


def open_venue(
    *,
    switches: Switches | None = None,
    fee_type: str = "quadratic",
    structure: str = "linear_cent",
    cash: int = 1_000 * MONEY_ONE,
    start: int = 0,
) -> Venue:
    """A venue with one open market for an hour, and members ann, bob and cat with ``cash`` each."""
    venue = Venue(seed=7, switches=switches or Switches(), now=start)
    venue.add_series(Series("KXRAIN", "Rain", fee_type=fee_type))
    venue.add_event(Event("KXRAIN-26NOV21", "KXRAIN", "Rain today"))
    add_market(venue, MARKET, structure)
    for user in ("ann", "bob", "cat"):
        venue.add_account(user, cash)
    return venue


def add_market(venue: Venue, ticker: str, structure: str = "linear_cent") -> Market:
    market = Market(
        ticker,
        "KXRAIN-26NOV21",
        f"id-{ticker}",
        "Will it rain?",
        venue.now,
        venue.now + HOUR,
        price_level_structure=structure,
        price_ranges=price_ranges(structure),
    )
    venue.add_market(market)
    return market


def place(venue: Venue, user: str, text: str, **terms: Any) -> Placed:
    """``text`` is "bid 10 @ 52": contracts (decimals allowed) and cents."""
    word, count, _, price = text.split()
    side: BookSide = "bid" if word == "bid" else "ask"
    request = dataclasses.replace(
        DEFAULTS, side=side, count=round(float(count) * 100), price=round(float(price) * 100), **terms
    )
    return venue.create(user, request)


def rest(venue: Venue, user: str, text: str, **terms: Any) -> Order:
    """Place, and insist that all of it rests."""
    placed = place(venue, user, text, **terms)
    assert placed.order.status == "resting" and placed.fill_count == 0
    return placed.order


def ladder(venue: Venue, ticker: str = MARKET) -> str:
    """The book as text, best prices in the middle: "50:10 51:5 | 53:7"."""
    book = venue.book(ticker)
    sides = []
    for side in ("bid", "ask"):
        levels = book["bid"] if side == "bid" else list(reversed(book["ask"]))
        sides.append(" ".join(f"{price / 100:g}:{size / 100:g}" for price, size in levels))
    return " | ".join(sides).strip()


def refused(status: int, code: str, act: Callable[[], object]) -> VenueError:
    with pytest.raises(VenueError) as caught:
        act()
    assert (caught.value.status, caught.value.code) == (status, code)
    return caught.value


def listen(venue: Venue) -> list[Announcement]:
    heard: list[Announcement] = []
    venue.listeners.add(heard.append)
    return heard


def only(heard: list[Announcement], kind: type[Kind]) -> list[Kind]:
    return [one for one in heard if isinstance(one, kind)]
