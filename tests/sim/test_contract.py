"""Both faces against the exchange's own specifications, over a long random run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from mm.sim.face_switches import Ages, FaceSwitches
from mm.sim.incentives import Incentive
from mm.sim.switches import Switches
from mm.sim.words import Event
from tests.sim.faces import OPEN, OTHER, SECOND, START, Client, Face
from tests.sim.specs import spec
from tests.sim.storm import LIVE, Storm, decoded

STEPS = 6_000
SEEDS = (11, 12, 13)
SHARDED = {13: 2}  # in one of the storms the markets are on the second shard
BUSY = ("trade", "fill", "user_order", "market_position", "order_group_updates")
CHANNELS = (
    *("ticker", "trade", "fill", "user_orders", "market_positions", "market_lifecycle_v2"),
    *("order_group_updates", "communications", "multivariate_market_lifecycle"),
)
# Young enough that everything has an age to become history in, within the run.
AGES = Ages(markets=30 * SECOND, trades=200 * SECOND, orders=100 * SECOND, positions=50 * SECOND)
PROGRAMS = (
    Incentive("i1", OPEN, "liquidity", "quotes", START, START + 9 * SECOND, 10_000, target_size=300_00),
    Incentive("i2", OTHER, "volume", "trades", START, START + 9000 * SECOND, 10_000, paid_out=True),
)
SWITCHES = FaceSwitches(sending_ts=True, ages=AGES, incentives=PROGRAMS)
# What the recordings show beside the documented answers of an operation (protocol section 5.7).
WIRE = {400, 401, 403, 404, 409, 429}

# What is not built, by the beginning of its path. A new operation of the specification is in none of them.
NOT_THERE: dict[str, str] = {
    "/api_keys": "new keys come from the command line",
    "/account/api_usage_level/volume_progress": "tiers are not earned by volume",
    "/communications": "no requests for quotes",
    "/events/multivariate": "no combos",
    "/multivariate_event_collections": "no combos",
    "/events/{event_ticker}/metadata": "pictures and links",
    "/fcm": "for clearing members",
    "/live_data": "scores and weather",
    "/milestones": "scores and weather",
    "/search": "for browsing",
    "/structured_targets": "for browsing",
    "/portfolio/deposits": "no bank",
    "/portfolio/withdrawals": "no bank",
    "/portfolio/target_balance_allocation": "money moves between shards by hand",
    "/portfolio/summary": "for clearing members",
    "/series/{series_ticker}/events/{ticker}/forecast_percentile_history": "no forecasts",
}


def is_error(status: int, body: Any) -> bool:
    """One of the four shapes of protocol section 5.7."""
    match body:
        case {"error": {"code": str(), "message": str(), **rest}}:
            return not rest.keys() - {"details"}
        case {"code": str(), "message": str(), **rest}:
            return status == 400 and not rest.keys() - {"details"}
        case {"msg": str(text)}:
            return status == 400 and text.startswith("Parameter validation failed for ")
        case {"error": "too many requests"}:
            return status == 429
    return False


def schedule_fees(face: Face) -> None:
    venue = face.venue
    venue.schedule_series_fees("KXTEST", "quadratic", 500_000, face.now + 9_000 * SECOND)
    venue.schedule_event_fees("KXTEST-26", "quadratic", 1_000_000, face.now + 10 * SECOND)
    venue.schedule_event_fees("KXTEST-26", None, None, face.now + 20 * SECOND)


def live_through(face: Face, step: int) -> None:
    """What happens to the markets while the storm blows; the last market ends settled."""
    face.wait(step * 37 % 7 * SECOND // 20)
    venue = face.venue
    happenings: dict[int, Callable[[], None]] = {
        STEPS // 6: lambda: venue.deactivate(OTHER),
        STEPS // 6 + 20: lambda: venue.activate(OTHER),
        STEPS // 4: venue.pause,
        STEPS // 4 + 20: venue.resume,
        STEPS // 3: lambda: venue.move_close(OTHER, face.now + 7200 * SECOND),
        STEPS // 5: lambda: venue.add_event(Event("KXTEST-28", "KXTEST", "New?")),
        STEPS // 5 + 1: lambda: schedule_fees(face),
        STEPS // 2: lambda: venue.change_grid(OPEN, "deci_cent"),
        STEPS * 3 // 4: lambda: venue.determine(OTHER, "yes"),
    }
    happening = happenings.get(step)
    if happening is not None:
        happening()
        face.exchange.flush()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_long_run_of_random_requests_keeps_to_both_specifications(seed: int) -> None:
    rules, frames_rules = spec("openapi"), spec("asyncapi")
    face = Face(read_lag_ns=SECOND // 3, switches=SWITCHES, rules=Switches(crypto_shard=SHARDED.get(seed, 0)))
    if seed in SHARDED:
        for user in ("ann", "bob"):
            face.venue.transfer_between_shards(user, 500_000_000, 0, SHARDED[seed])
    storm = Storm(face, rules, seed=seed)
    client = Client(face, "ann")
    frames = client.subscribe("orderbook_delta", market_tickers=[OPEN, OTHER])
    frames += client.subscribe(*CHANNELS)
    answered: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for step in range(STEPS):
        live_through(face, step)
        route, response = storm.ask()
        body = decoded(response)
        if response.status < 300:
            rules.check_answer(storm.operation(route), response.status, body)
            answered[route.operation] += 1
        else:
            documented = storm.operation(route)["responses"]
            assert response.status in WIRE or str(response.status) in documented, (route, body)
            assert is_error(response.status, body), (route, response.status, body)
        for frame in frames + client.new():
            frames_rules.check_frame(frame)
            assert frame["sending_ts_ms"] * 1_000_000 <= face.now
            kinds[frame["type"]] += 1
        frames = []
    face.venue.check()
    missing = {route.operation for route in LIVE} - answered.keys()
    missing -= set() if seed in SHARDED else {"GetIntraExchangeInstanceTransfer"}  # there are none to get
    assert not missing, f"never answered with a success: {missing}"
    assert min(kinds[kind] for kind in BUSY) > 50, kinds
    assert kinds["event_lifecycle"] == 1
    assert kinds["event_fee_update"] == 2


def test_every_operation_of_the_specification_is_built_or_said_to_be_missing() -> None:
    operations = {(method, path): one for method, path, one in spec("openapi").operations()}
    built = {(route.method, route.pattern) for route in LIVE}
    assert built <= operations.keys()
    missing = {path for method, path in operations.keys() - built}
    unexplained = sorted(path for path in missing if not any(path.startswith(one) for one in NOT_THERE))
    assert not unexplained
    needless = [one for one in NOT_THERE if not any(path.startswith(one) for path in missing)]
    assert not needless


@pytest.mark.parametrize("route", LIVE, ids=lambda route: route.operation)
def test_routes_are_named_and_guarded_as_in_the_specification(route: Any) -> None:
    operations = {(method, path): one for method, path, one in spec("openapi").operations()}
    operation = operations[route.method, route.pattern]
    assert route.operation == operation["operationId"]
    assert route.is_private == bool(operation.get("security"))
    named = {one["name"] for one in spec("openapi").parameters(operation) if one["in"] == "path"}
    assert named == set(re.findall(r"\{(\w+)\}", route.pattern))


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"trades": [], "cursor": ""}, ""),
        ({"trades": []}, "cursor is missing"),
        ({"trades": [], "cursor": 1}, "is no"),
        ({"trades": [], "cursor": "", "more": 1}, "more is not declared"),
        ({"trades": [{"trade_id": "x"}], "cursor": ""}, "is missing"),
    ],
)
def test_the_checker_bites(body: Any, complaint: str) -> None:
    if not complaint:
        spec("openapi").check(body, "GetTradesResponse")
        return
    with pytest.raises(AssertionError, match=complaint):
        spec("openapi").check(body, "GetTradesResponse")


def test_the_checker_knows_numbers_times_and_frames() -> None:
    with pytest.raises(AssertionError, match="is not of the form"):
        spec("openapi").check("0.5", "FixedPointDollars")
    level = {"start_datetime": "tomorrow", "end_datetime": "2026-11-21T00:00:00Z"}
    with pytest.raises(AssertionError, match="date-time"):
        spec("openapi").check(level, "MaintenanceWindow")
    with pytest.raises(AssertionError, match="sid is missing"):
        spec("asyncapi").check_frame({"type": "ticker", "msg": {}})
