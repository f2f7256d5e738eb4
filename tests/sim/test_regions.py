"""The location attestation: keys say when it lapses, and from then on some categories are closed to them."""

from __future__ import annotations

import json
from typing import Any

import requests

from mm.sim.switches import Switches
from mm.sim.words import Event, Market, Series
from tests.sim.doors import Member, opened
from tests.sim.faces import OPEN, SECOND, START, Face, order, small_venue, spec

ORDERS = "/portfolio/events/orders"
GAME = "KXGAME-26-A"
TOKEN = "a-token-of-this-test"


def face_of(lapse: int) -> Face:
    """Beside the test series, which is of another category, one game."""
    face = Face(rules=Switches(region_lapses_after_ns=lapse))
    face.venue.add_series(Series("KXGAME", "A game", category="Sports"))
    face.venue.add_event(Event("KXGAME-26", "KXGAME", "Who wins?"))
    market_id = "00000000-0000-4000-8000-000000000099"
    face.venue.add_market(Market(GAME, "KXGAME-26", market_id, "Home", START, START + 3_600 * SECOND))
    return face


def placed(face: Face, ticker: str) -> tuple[int, Any]:
    body = {**order("bid", "0.40", "1"), "ticker": ticker}
    answer = face.ask("ann", "POST", ORDERS, body)
    return answer.status, json.loads(answer.body)


def test_after_the_lapse_games_cannot_be_traded_and_everything_else_can() -> None:
    face = face_of(60 * SECOND)
    status, resting = placed(face, GAME)
    assert status == 201
    face.wait(60 * SECOND)
    status, refusal = placed(face, GAME)
    assert (status, refusal["error"]["code"]) == (403, "forbidden")
    assert "location attestation" in refusal["error"]["details"]
    amend = {"ticker": GAME, "side": "bid", "price": "0.41", "count": "1"}
    path = f"{ORDERS}/{resting['order_id']}"
    assert face.ask("ann", "POST", f"{path}/amend", amend).status == 403
    assert placed(face, OPEN)[0] == 201
    assert face.ask("ann", "DELETE", path).status == 200


def test_who_attests_again_trades_again() -> None:
    face = face_of(60 * SECOND)
    face.wait(61 * SECOND)
    assert placed(face, GAME)[0] == 403
    face.venue.attest_region(face.now + 30 * SECOND)
    assert placed(face, GAME)[0] == 201
    face.wait(30 * SECOND)
    assert placed(face, GAME)[0] == 403


def test_without_the_switch_nothing_lapses_and_nothing_is_told() -> None:
    face = face_of(0)
    face.wait(3_000 * SECOND)
    assert placed(face, GAME)[0] == 201
    assert "api_key_region_expiration_ts" not in face.get("/api_keys")


def test_keys_are_listed_with_when_the_attestation_lapses_and_the_operator_renews_it() -> None:
    venue = small_venue(rules=Switches(region_lapses_after_ns=60 * SECOND))
    with opened(venue, admin_token=TOKEN) as door:
        ann = Member("ann", door)
        listed = ann.ask("GET", "/api_keys").json()
        spec("openapi").check(listed, "GetApiKeysResponse")
        assert listed == {
            "api_keys": [{"api_key_id": "key-ann", "name": "", "scopes": ["read", "write"]}],
            "api_key_region_expiration_ts": (START + 60 * SECOND) // SECOND,
        }
        asked = requests.put(
            f"{door.server.admin_url}/region",
            json={"expires_ns": 2_000_000_000 * SECOND},
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=30,
        )
        assert asked.json()["region_expires_ns"] == 2_000_000_000 * SECOND
        assert ann.ask("GET", "/api_keys").json()["api_key_region_expiration_ts"] == 2_000_000_000
        never = {"expires_ns": 10**30}
        headers = {"Authorization": f"Bearer {TOKEN}"}
        refused = requests.put(f"{door.server.admin_url}/region", json=never, headers=headers, timeout=30)
        assert refused.status_code == 400
