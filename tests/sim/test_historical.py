"""Old rows leave the live paths for the historical ones: each is in exactly one of the two, and says when."""

from __future__ import annotations

from typing import Any

from mm.sim.face_switches import Ages, FaceSwitches
from mm.sim.incentives import Incentive
from mm.sim.rest_numbers import time_text
from tests.sim.faces import OPEN, OTHER, SECOND, START, Face

AGES = Ages(markets=10 * SECOND, trades=20 * SECOND, orders=30 * SECOND, positions=40 * SECOND)


def old_story() -> Face:
    """A trade, an order that rests and one that was canceled, long ago; a market that has long settled."""
    face = Face(switches=FaceSwitches(ages=AGES))
    face.create("bob", "ask", "0.56", "5", ticker=OTHER)
    face.create("ann", "bid", "0.56", "5", ticker=OTHER)
    gone = face.create("ann", "bid", "0.40", "1")
    face.ask("ann", "DELETE", f"/portfolio/events/orders/{gone['order_id']}")
    face.create("ann", "bid", "0.41", "1", client_order_id="rests")
    face.venue.determine(OTHER, "yes")
    face.venue.settle(OTHER)
    return face


def both(face: Face, live: str, archived: str, name: str) -> tuple[int, int]:
    """How many rows are live, and how many are history."""
    return len(face.get(live)[name]), len(face.get(archived)[name])


LISTS: list[tuple[str, str, str]] = [
    ("/portfolio/orders", "/historical/orders", "orders"),
    ("/portfolio/fills", "/historical/fills", "fills"),
    ("/markets/trades", "/historical/trades", "trades"),
    ("/markets", "/historical/markets", "markets"),
]


def test_rows_move_at_their_age_and_are_never_in_both_or_neither() -> None:
    face = old_story()
    counts: list[list[tuple[int, int]]] = []
    for _ in range(4):
        counts.append([both(face, *paths) for paths in LISTS])
        face.wait(11 * SECOND)
    assert counts == [
        [(3, 0), (1, 0), (1, 0), (3, 0)],
        [(3, 0), (1, 0), (1, 0), (2, 1)],
        [(3, 0), (0, 1), (0, 1), (2, 1)],
        [(1, 2), (0, 1), (0, 1), (2, 1)],
    ]
    (resting,) = face.get("/portfolio/orders")["orders"]
    assert resting["client_order_id"] == "rests"


def test_the_cutoff_says_when() -> None:
    face = old_story()
    face.wait(60 * SECOND)
    assert face.get("/historical/cutoff") == {
        "market_settled_ts": time_text(START + 50 * SECOND),
        "trades_created_ts": time_text(START + 40 * SECOND),
        "orders_updated_ts": time_text(START + 30 * SECOND),
        "market_positions_last_updated_ts": time_text(START + 20 * SECOND),
    }


def test_single_rows_and_settled_positions_follow() -> None:
    face = old_story()
    order_id = face.get("/portfolio/orders", "status=canceled")["orders"][0]["order_id"]
    assert len(face.get("/portfolio/positions", "settlement_status=settled")["market_positions"]) == 1
    face.get(f"/historical/markets/{OTHER}", status=404)
    face.wait(60 * SECOND)
    face.get(f"/portfolio/orders/{order_id}", status=404)
    face.get(f"/markets/{OTHER}", status=404)
    assert face.get(f"/historical/markets/{OTHER}")["market"]["result"] == "yes"
    assert face.get("/portfolio/positions", "settlement_status=settled")["market_positions"] == []
    (position,) = face.get("/historical/positions")["market_positions"]
    assert position["ticker"] == OTHER
    assert face.get("/portfolio/settlements")["settlements"] == []
    window = "start_ts=0&end_ts=4000000000&period_interval=60"
    (candle,) = face.get(f"/historical/markets/{OTHER}/candlesticks", window)["candlesticks"]
    assert (candle["price"]["close"], candle["volume"]) == ("0.5600", "5.00")
    face.get(f"/series/KXTEST/markets/{OTHER}/candlesticks", window, status=404)


def test_at_its_very_age_a_row_is_live_and_a_moment_later_it_is_history() -> None:
    for age, paths in ((10, LISTS[3]), (20, LISTS[1]), (20, LISTS[2]), (30, LISTS[0])):
        face = old_story()
        face.wait(age * SECOND)
        before = both(face, *paths)[1]
        face.wait(1)
        assert (before, both(face, *paths)[1] > 0) == (0, True), paths


def test_an_unsettled_position_is_never_history() -> None:
    face = Face(switches=FaceSwitches(ages=AGES))
    face.create("bob", "ask", "0.56", "5")
    face.create("ann", "bid", "0.56", "5")
    face.wait(1_000 * SECOND)
    assert both(face, "/portfolio/positions", "/historical/positions", "market_positions") == (1, 0)


def test_nothing_is_history_by_default_for_months() -> None:
    face = Face()
    face.create("bob", "ask", "0.56", "5")
    face.create("ann", "bid", "0.56", "5")
    face.wait(13 * 86_400 * SECOND)
    assert [both(face, *paths)[1] for paths in LISTS] == [0, 0, 0, 0]


def test_private_history_is_private() -> None:
    face = old_story()
    for name in ("orders", "fills", "positions"):
        assert face.ask(None, "GET", f"/historical/{name}").status == 401
    assert face.ask(None, "GET", "/historical/trades").status == 200


def test_incentives_are_listed_by_their_state_and_kind() -> None:
    def program(name: str, start: int, end: int, **more: Any) -> Incentive:
        return Incentive(name, OPEN, "liquidity", "quotes", START + start, START + end, 500_000, **more)

    programs = (
        program("now", 0, 100, target_size=300_00, discount_factor_bps=5_000),
        program("later", 50, 100),
        program("over", -100, 0),
        program("paid", -100, 0, paid_out=True),
        Incentive("elsewhere", "KXNONE", "volume", "trades", START, START + 1, 1),
    )
    face = Face(switches=FaceSwitches(incentives=programs))

    def listed(query: str) -> list[str]:
        return [one["id"] for one in face.get("/incentive_programs", query)["incentive_programs"]]

    assert listed("") == listed("status=all") == ["now", "later", "over", "paid"]
    for status, name in (("active", "now"), ("upcoming", "later"), ("closed", "over"), ("paid_out", "paid")):
        assert listed(f"status={status}") == [name]
    assert listed("type=volume") == []
    page = face.get("/incentive_programs", "limit=3")
    assert [one["id"] for one in page["incentive_programs"]] == ["now", "later", "over"]
    assert listed(f"limit=3&cursor={page['next_cursor']}") == ["paid"]
    assert page["incentive_programs"][0]["target_size_fp"] == "300.00"
    face.get("/incentive_programs", "limit=10001", status=400)
    face.get("/incentive_programs", "status=open", status=400)
