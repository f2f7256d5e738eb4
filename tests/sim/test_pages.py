"""Pages of a list that changes while a client turns them: nothing twice, nothing lost, and an end."""

from __future__ import annotations

import json
from typing import Any

from mm.sim.rest import Query
from mm.sim.rest_pages import page
from tests.sim.faces import OPEN, OTHER, SECOND, Face


def test_an_order_that_ends_between_two_pages_does_not_send_the_client_back_to_the_first() -> None:
    face = Face()
    ids = [face.create("ann", "bid", "0.40", "1")["order_id"] for _ in range(4)]
    first = face.get("/portfolio/orders", "status=resting&limit=2")
    assert [one["order_id"] for one in first["orders"]] == [ids[3], ids[2]]
    assert face.ask("ann", "DELETE", f"/portfolio/events/orders/{ids[2]}").status == 200
    second = face.get("/portfolio/orders", f"status=resting&limit=2&cursor={first['cursor']}")
    assert [one["order_id"] for one in second["orders"]] == [ids[1], ids[0]]
    assert second["cursor"] == ""


THIRD = "KXTEST-27-A"


def three_open() -> Face:
    face = Face()
    face.wait(600 * SECOND)
    return face


def test_a_market_that_closes_between_two_pages_does_not_send_the_client_back_to_the_first() -> None:
    face = three_open()
    first = face.get("/markets", "status=open&limit=2")
    assert [one["ticker"] for one in first["markets"]] == [OPEN, OTHER]
    face.venue.close_early(OTHER)
    second = face.get("/markets", f"status=open&limit=2&cursor={first['cursor']}")
    assert [one["ticker"] for one in second["markets"]] == [THIRD]


def test_a_position_that_settles_leaves_the_list_and_the_next_page_is_still_the_next() -> None:
    face = three_open()
    for ticker in (OPEN, OTHER, THIRD):
        face.create("bob", "ask", "0.56", "1", ticker=ticker)
        face.create("ann", "bid", "0.56", "1", ticker=ticker)
    first = face.get("/portfolio/positions", "limit=2")
    assert [one["ticker"] for one in first["market_positions"]] == [OPEN, OTHER]
    face.venue.determine(OTHER, "yes")
    face.venue.settle(OTHER)
    second = face.get("/portfolio/positions", f"limit=2&cursor={first['cursor']}")
    assert [one["ticker"] for one in second["market_positions"]] == [THIRD]


def turned(items: list[str], query: str) -> tuple[list[str], str]:
    shown, cursor = page(items, str, Query(query), fits=lambda one: one != "skip")
    return list(shown), cursor


def test_what_is_forgotten_was_the_oldest_so_that_nothing_comes_after_it() -> None:
    _, cursor = turned(["d", "skip", "c", "b", "a"], "limit=2")
    assert turned(["e", "d", "c", "b", "a"], f"limit=2&cursor={cursor}") == (["b", "a"], "")
    assert turned(["f", "e", "d"], f"limit=2&cursor={cursor}") == ([], "")


def test_a_page_that_ends_with_the_last_that_fits_is_the_last() -> None:
    assert turned(["b", "a", "skip"], "limit=2") == (["b", "a"], "")


def test_every_list_with_pages_comes_to_an_end() -> None:
    face = Face()
    for _ in range(3):
        face.create("bob", "ask", "0.56", "1")
        face.create("ann", "bid", "0.56", "1")
    face.create("ann", "bid", "0.40", "1", ticker=OTHER)
    for path, rows in (("orders", 4), ("fills", 3)):
        assert len(all_of(face, f"/portfolio/{path}", path)) == rows
    assert len(all_of(face, "/markets/trades", "trades")) == 3
    assert len(all_of(face, "/markets", "markets")) == 3
    assert len(all_of(face, "/events", "events")) == 2


def all_of(face: Face, path: str, name: str) -> set[str]:
    """The rows of a list, read one a page; no row may come twice."""
    rows: list[str] = []
    cursor = ""
    while True:
        body: Any = face.get(path, f"limit=1&cursor={cursor}")
        rows += [json.dumps(one, sort_keys=True) for one in body[name]]
        assert len(rows) == len(set(rows))
        if not (cursor := body["cursor"]):
            return set(rows)
