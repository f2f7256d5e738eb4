"""A market whose fees are waived until a moment: nobody pays before it, all pay after, and reads say so."""

from __future__ import annotations

from mm.sim.rest_numbers import time_text
from mm.sim.words import Market
from tests.sim.faces import SECOND, START, Face, spec

FREE = "KXTEST-26-C"
WAIVED_UNTIL = START + 60 * SECOND


def free_market() -> Face:
    face = Face()
    market_id = "00000000-0000-4000-8000-000000000077"
    face.venue.add_market(
        Market(
            FREE,
            "KXTEST-26",
            market_id,
            "Free for a minute",
            START,
            START + 3_600 * SECOND,
            fees_waived_until_ns=WAIVED_UNTIL,
        )
    )
    return face


def fees_of_a_trade(face: Face) -> list[str]:
    """What maker and taker pay for one contract at .50."""
    face.create("bob", "ask", "0.50", "1", ticker=FREE)
    face.create("ann", "bid", "0.50", "1", ticker=FREE)
    return [face.get("/portfolio/fills", user=user)["fills"][0]["fee_cost"] for user in ("bob", "ann")]


def test_fees_begin_when_the_waiver_ends() -> None:
    face = free_market()
    assert fees_of_a_trade(face) == ["0.000000", "0.000000"]
    face.wait(60 * SECOND)
    assert fees_of_a_trade(face) == ["0.004400", "0.017500"]


def test_a_change_of_the_series_fees_does_not_end_a_waiver() -> None:
    face = free_market()
    face.venue.schedule_series_fees("KXTEST", "quadratic", 500_000, face.now + 10 * SECOND)
    face.wait(20 * SECOND)
    assert fees_of_a_trade(face) == ["0.000000", "0.000000"]
    face.wait(40 * SECOND)
    assert fees_of_a_trade(face) == ["0.000000", "0.008800"]


def test_a_market_says_until_when_its_fees_are_waived_and_others_do_not() -> None:
    face = free_market()
    market = face.get(f"/markets/{FREE}")["market"]
    spec("openapi").check(market, "Market")
    assert market["fee_waiver_expiration_time"] == time_text(WAIVED_UNTIL)
    others = face.get("/markets")["markets"][:-1]
    assert others and all("fee_waiver_expiration_time" not in one for one in others)
