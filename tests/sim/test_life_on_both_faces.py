"""The lives of markets as a client lives them: what REST answers and what the stream tells, event by event
(protocol sections 3.1, 8.1, 11, 12)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from mm.sim.switches import Switches
from tests.sim.faces import OPEN, SECOND, START, Client, Face, order, spec

WRITES = "/portfolio/events/orders"
HOUR = 3_600 * SECOND
PATH = f"/markets/{OPEN}"
# Seconds from the stories' start (a Monday) to the next Thursday 03:00 in New York.
THURSDAY = int(datetime(2026, 9, 24, 7, tzinfo=UTC).timestamp()) * SECOND


class Life:
    """Ann on a market whose life the exchange's people change: what she reads, hears and may do."""

    def __init__(self, rules: Switches = Switches()) -> None:  # noqa: B008 - it is frozen
        self.face = Face(rules=rules)
        self.venue = self.face.venue
        self.client = Client(self.face, "ann")
        self.client.subscribe("market_lifecycle_v2", "user_orders", "market_positions")
        self.client.new()

    def market(self) -> Any:
        body = self.face.get(PATH, user="ann")
        spec("openapi").check(body, "GetMarketResponse")
        return body["market"]

    def told(self, kind: str = "market_lifecycle_v2") -> list[Any]:
        """What the stream has said of this kind since last time, each frame by the specification."""
        self.face.exchange.flush()
        frames = self.client.new()
        for frame in frames:
            spec("asyncapi").check_frame(frame)
        return [frame["msg"] for frame in frames if frame["type"] == kind]

    def rests(self, price: str = "0.40", user: str = "ann", **more: Any) -> str:
        name: str = self.face.create(user, "bid", price, "3", **more)["order_id"]
        return name

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        response = self.face.ask("ann", method, path, body)
        error = json.loads(response.body)["error"]
        return response.status, error["code"]

    def status_of(self, order_id: str) -> str:
        status: str = self.face.get(f"/portfolio/orders/{order_id}")["order"]["status"]
        return status


def test_the_grid_becomes_finer_while_orders_rest() -> None:
    life = Life()
    rests = life.rests("0.40")
    assert life.refused("POST", WRITES, order("bid", "0.405", "1")) == (400, "invalid_price")
    life.venue.change_grid(OPEN, "tapered_deci_cent")
    (told,) = [one for one in life.told() if one["event_type"] == "price_level_structure_updated"]
    assert told["price_ranges"] == life.market()["price_ranges"]
    assert [one["step"] for one in told["price_ranges"]] == ["0.0010", "0.0100", "0.0010"]
    assert life.status_of(rests) == "resting"
    assert life.refused("POST", WRITES, order("bid", "0.405", "1")) == (400, "invalid_price")
    life.rests("0.095")
    life.venue.change_grid(OPEN, "deci_cent")
    life.rests("0.405")


def test_a_deactivated_market_takes_cancels_only_and_comes_back_empty() -> None:
    life = Life()
    first, second = life.rests("0.40"), life.rests("0.41")
    life.venue.deactivate(OPEN)
    assert [(one["event_type"], one["is_deactivated"]) for one in life.told()] == [("deactivated", True)]
    assert life.market()["status"] == "inactive"
    assert life.refused("POST", WRITES, order("bid", "0.40", "1"))[0] == 409
    change = {"ticker": OPEN, "side": "bid", "price": "0.39", "count": "3"}
    assert life.refused("POST", f"{WRITES}/{first}/amend", change)[0] == 409
    assert life.face.ask("ann", "DELETE", f"{WRITES}/{first}").status == 200
    life.told()
    life.venue.activate(OPEN)
    life.face.exchange.flush()
    frames = life.client.new()
    events = [one["msg"] for one in frames if one["type"] == "market_lifecycle_v2"]
    ended = [one["msg"] for one in frames if one["type"] == "user_order"]
    assert [(one["event_type"], one["is_deactivated"]) for one in events] == [("activated", False)]
    assert [(one["order_id"], one["status"]) for one in ended] == [(second, "canceled")]
    assert life.face.get(f"{PATH}/orderbook")["orderbook_fp"] == {"yes_dollars": [], "no_dollars": []}
    life.rests()


def test_the_close_comes_in_silence_and_takes_the_orders_along() -> None:
    life = Life()
    rests = life.rests()
    life.told()
    life.face.wait(HOUR)
    frames = life.client.new()
    assert [one["type"] for one in frames] == ["user_order"]  # no event tells of a close
    assert frames[0]["msg"]["last_update_reason"] == "CloseCancel"
    assert life.market()["status"] == "closed"
    assert life.refused("DELETE", f"{WRITES}/{rests}") == (404, "not_found")
    assert life.refused("POST", WRITES, order("bid", "0.40", "1")) == (409, "market_not_open")


def test_the_close_moves_both_ways_and_a_closed_market_may_open_again() -> None:
    life = Life()
    early = START + 600 * SECOND
    life.venue.move_close(OPEN, early)
    (told,) = life.told()
    assert (told["event_type"], told["close_ts"]) == ("close_date_updated", early // SECOND)
    assert life.market()["close_time"] == "2026-09-21T14:23:20.000000Z"
    life.face.wait(600 * SECOND)
    assert life.market()["status"] == "closed"
    life.venue.move_close(OPEN, early + HOUR)
    assert [one["event_type"] for one in life.told()] == ["close_date_updated", "activated"]
    rests = life.rests()
    life.venue.close_early(OPEN)
    life.told()
    assert (life.market()["status"], life.status_of(rests)) == ("closed", "canceled")


def held(life: Life) -> None:
    """Ann is long 4 at .56, Bob short."""
    life.face.create("bob", "ask", "0.56", "4")
    life.face.create("ann", "bid", "0.56", "4")
    life.told()


def test_a_disputed_result_waits_is_amended_and_only_then_paid() -> None:
    life = Life()
    held(life)
    cash = life.face.get("/portfolio/balance")["balance_dollars"]
    life.face.wait(HOUR)
    life.venue.determine(OPEN, "yes")
    (told,) = life.told()
    assert (told["event_type"], told["result"], told["settlement_value"]) == ("determined", "yes", "1.0000")
    assert (life.market()["status"], life.market()["result"]) == ("determined", "yes")
    life.venue.dispute(OPEN)
    life.face.wait(24 * HOUR)
    assert life.market()["status"] == "disputed"
    assert life.face.get("/portfolio/balance")["balance_dollars"] == cash
    assert [one["ticker"] for one in life.face.get("/markets", "status=closed")["markets"]].count(OPEN) == 1
    life.venue.amend_result(OPEN, "no")
    assert [(one["event_type"], one["result"]) for one in life.told()] == [("determined", "no")]
    assert life.market()["status"] == "amended"
    life.face.wait(24 * HOUR)
    (paid,) = [one for one in life.told() if one["event_type"] == "settled"]
    assert set(paid) == {"market_ticker", "event_type", "settled_ts"}
    assert life.market()["status"] == "finalized"
    (settled,) = life.face.get("/portfolio/settlements")["settlements"]
    assert (settled["market_result"], settled["revenue"], settled["yes_count_fp"]) == ("no", 0, "4.00")
    assert life.face.get("/portfolio/balance")["balance_dollars"] == cash
    assert life.face.get("/portfolio/positions")["market_positions"] == []
    (other,) = life.face.get("/portfolio/settlements", user="bob")["settlements"]
    assert (other["revenue"], other["no_count_fp"]) == (400, "4.00")


@pytest.mark.parametrize(("value", "cents"), [(3_300, 33), (3_333, 33), (1, 0), (9_999, 99)])
def test_a_scalar_settlement_splits_the_dollar(value: int, cents: int) -> None:
    life = Life()
    held(life)
    before = {user: life.venue.cash(user) for user in ("ann", "bob")}
    life.venue.determine(OPEN, "scalar", value)
    (told,) = [one for one in life.told() if one["event_type"] == "determined"]
    assert (told["result"], told["settlement_value"]) == ("scalar", f"{value / 10_000:.4f}")
    life.venue.settle(OPEN)
    market = life.market()
    assert (market["result"], market["settlement_value_dollars"]) == ("scalar", f"{value / 10_000:.4f}")
    (row,) = life.face.get("/portfolio/settlements")["settlements"]
    assert (row["market_result"], row["value"], row["revenue"]) == ("scalar", cents, 4 * value // 100)
    assert life.venue.cash("ann") - before["ann"] == 400 * value
    assert life.venue.cash("bob") - before["bob"] == 400 * (10_000 - value)


@pytest.mark.parametrize("whole", [False, True], ids=["trading", "exchange"])
def test_a_pause_lets_cancels_through_or_nothing_at_all(whole: bool) -> None:
    life = Life()
    kept, asked = life.rests("0.40"), life.rests("0.41", cancel_order_on_pause=True)
    life.told()
    life.venue.pause(exchange=whole)
    (ended,) = life.told("user_order")
    assert (ended["order_id"], ended["last_update_reason"]) == (asked, "HaltCancel")
    status = life.face.get("/exchange/status")
    assert (status["exchange_active"], status["trading_active"]) == (not whole, False)
    assert status["exchange_index_statuses"][0]["trading_active"] is False
    paused = (409, "trading_is_paused")
    change = {"ticker": OPEN, "side": "bid", "price": "0.39", "count": "3"}
    assert life.refused("POST", WRITES, order("bid", "0.40", "1")) == paused
    assert life.refused("POST", f"{WRITES}/{kept}/amend", change) == paused
    if whole:
        assert life.refused("DELETE", f"{WRITES}/{kept}") == paused
        assert life.refused("POST", f"{WRITES}/{kept}/decrease", {"reduce_by": "1"}) == paused
        assert life.refused("DELETE", WRITES) == paused
    else:
        assert life.face.ask("ann", "POST", f"{WRITES}/{kept}/decrease", {"reduce_by": "1"}).status == 200
        assert life.face.ask("ann", "DELETE", WRITES).status == 204
    life.venue.resume()
    assert life.status_of(kept) == ("resting" if whole else "canceled")
    life.rests()


def test_thursday_night_comes_and_goes_by_itself() -> None:
    life = Life(Switches(weekly_pause=True))
    life.venue.move_close(OPEN, THURSDAY + 24 * HOUR)
    rests = life.rests()
    life.face.wait(THURSDAY - life.face.now - 1)
    assert life.face.get("/exchange/status")["trading_active"] is True
    life.face.wait(1)
    status = life.face.get("/exchange/status")
    assert (status["trading_active"], status["exchange_active"]) == (False, True)
    assert status["exchange_estimated_resume_time"] == "2026-09-24T09:00:00.000000Z"
    assert life.refused("POST", WRITES, order("bid", "0.40", "1")) == (409, "trading_is_paused")
    life.face.wait(2 * HOUR)
    assert life.face.get("/exchange/status")["trading_active"] is True
    assert life.status_of(rests) == "resting"
    life.rests()


def test_fees_change_at_their_time_for_what_fills_from_then_on() -> None:
    life = Life()
    when = life.face.now + 60 * SECOND
    life.venue.schedule_event_fees("KXTEST-26", "quadratic", 500_000, when)
    (row,) = life.face.get("/events/fee_changes")["event_fee_changes"]
    assert (row["event_ticker"], row["fee_multiplier_override"]) == ("KXTEST-26", 0.5)
    paid = []
    for _ in range(2):
        life.face.create("bob", "ask", "0.50", "1")
        life.face.create("ann", "bid", "0.50", "1", time_in_force="immediate_or_cancel")
        paid.append(next(fill["fee_cost"] for fill in life.face.get("/portfolio/fills")["fills"]))
        life.face.wait(60 * SECOND)
    assert paid == ["0.017500", "0.008800"]
    frames = life.told("event_fee_update")
    assert [(one["fee_type_override"], one["fee_multiplier_override"]) for one in frames] == [
        ("quadratic", 0.5)
    ]
    event = life.face.get("/events/KXTEST-26")["event"]
    assert (event["fee_type_override"], event["fee_multiplier_override"]) == ("quadratic", 0.5)


def test_a_cancel_all_in_an_exchange_pause_may_be_accepted_and_do_nothing() -> None:
    life = Life(Switches(cancel_all_in_exchange_pause="accept"))
    rests = life.rests()
    life.venue.pause(exchange=True)
    assert life.face.ask("ann", "DELETE", WRITES).status == 204
    life.venue.resume()
    assert life.status_of(rests) == "resting"


def test_a_market_says_when_it_was_last_changed_and_by_which_value_it_was_decided() -> None:
    life = Life()
    created = life.market()["updated_time"]
    life.rests()
    assert life.market()["updated_time"] == created, "trading is no change of the market"
    seen = [created]
    acts: tuple[Callable[[], None], ...] = (
        lambda: life.venue.deactivate(OPEN),
        lambda: life.venue.activate(OPEN),
        lambda: life.venue.change_grid(OPEN, "deci_cent"),
        lambda: life.venue.close_early(OPEN),
        lambda: life.venue.determine(OPEN, "yes"),
        lambda: life.venue.dispute(OPEN),
        lambda: life.venue.uphold_result(OPEN),
        lambda: life.venue.settle(OPEN),
    )
    for act in acts:
        life.face.wait(SECOND)
        act()
        seen.append(life.market()["updated_time"])
    assert seen == sorted(set(seen))
    since = life.face.now // SECOND
    listed = life.face.get("/markets", f"min_updated_ts={since}")["markets"]
    assert [one["ticker"] for one in listed] == [OPEN]
    for more in ("status=open", "tickers=X", "event_ticker=X", "mve_filter=only", "series_ticker=KXTEST"):
        assert "msg" in life.face.get("/markets", f"min_updated_ts={since}&{more}", status=400)
    without_combos = f"min_updated_ts={since}&series_ticker=KXTEST&mve_filter=exclude"
    assert [one["ticker"] for one in life.face.get("/markets", without_combos)["markets"]] == [OPEN]
    assert life.market()["expiration_value"] == ""  # decided by word
    other = life.venue.markets["KXTEST-26-B"]
    other.expiration_value = 5_012.34
    assert life.face.get("/markets/KXTEST-26-B")["market"]["expiration_value"] == ""
    life.venue.determine("KXTEST-26-B", "no")
    assert life.face.get("/markets/KXTEST-26-B")["market"]["expiration_value"] == "5012.34"


def test_a_series_is_not_found_by_a_tag_that_it_does_not_have() -> None:
    life = Life()
    assert len(life.face.get("/series")["series"]) == 1
    assert life.face.get("/series", "tags=Weather")["series"] == []
