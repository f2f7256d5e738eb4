"""Shards: cash and write budgets of one do not serve another, and an order is found on its own only."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mm.sim.buckets import Limit, Tier
from mm.sim.rest import PREFIX
from mm.sim.rights import Rights
from mm.sim.switches import Switches
from mm.sim.words import Event, Market, Series
from tests.sim.faces import OPEN, SECOND, START, Client, Face, order, spec

ORDERS = "/portfolio/events/orders"
TRANSFER = "/portfolio/intra_exchange_instance_transfer"
SHARD = 2
GAME = "KXGAME-26-A"  # stays on the first shard; the test series is of the category Crypto


def sharded(**more: Any) -> Face:
    face = Face(rules=Switches(crypto_shard=SHARD), **more)
    face.venue.add_series(Series("KXGAME", "A game", category="Sports"))
    face.venue.add_event(Event("KXGAME-26", "KXGAME", "Who wins?"))
    market_id = "00000000-0000-4000-8000-000000000099"
    face.venue.add_market(Market(GAME, "KXGAME-26", market_id, "Home", START, START + 3_600 * SECOND))
    return face


def funded(**more: Any) -> Face:
    """Ann and Bob have $100 of their $1,000 on the second shard."""
    face = sharded(**more)
    for user in ("ann", "bob"):
        assert face.ask(user, "POST", TRANSFER, move(100)).status == 200
    return face


def move(dollars: int, **more: Any) -> dict[str, Any]:
    body = {"source": "event_contract", "destination": "event_contract", "amount": dollars * 10_000}
    return {**body, "source_exchange_shard": 0, "destination_exchange_shard": SHARD, **more}


def code(face: Face, method: str, path: str, body: Any = None, query: str = "") -> tuple[int, str]:
    """Status and error code of what Ann asks; no code where it goes well, nor of a used-up budget."""
    answer = face.ask("ann", method, path, body, query)
    told = json.loads(answer.body) if answer.body and answer.status != 429 else {}
    return answer.status, told.get("error", told).get("code", "")


def create(face: Face, ticker: str = OPEN, **more: Any) -> tuple[int, str]:
    return code(face, "POST", ORDERS, {**order("bid", "0.40", "1"), "ticker": ticker, **more})


def test_who_never_had_cash_on_a_shard_is_not_known_there() -> None:
    face = sharded()
    assert create(face) == (404, "user_not_found")
    assert create(face, GAME) == (201, "")
    assert face.ask("ann", "POST", TRANSFER, move(100)).status == 200
    assert create(face) == (201, "")


def test_cash_of_one_shard_does_not_pay_on_another() -> None:
    face = funded()
    assert create(face, count="300") == (400, "insufficient_balance")
    assert create(face, GAME, count="300") == (201, "")
    face.create("bob", "ask", "0.50", "100")
    face.create("ann", "bid", "0.50", "100")
    balance = face.get("/portfolio/balance")
    spec("openapi").check(balance, "GetBalanceResponse")
    # fees are those of a taker: 0.07 * 100 * 0.25 dollars
    assert balance["balance_breakdown"] == [
        {"exchange_index": 0, "balance": "900.0000"},
        {"exchange_index": SHARD, "balance": "48.2500"},
    ]
    assert (balance["balance"], balance["portfolio_value"]) == (94_825, 5_000)
    face.wait(SECOND)
    there = face.get("/portfolio/balance", f"exchange_index={SHARD}")
    assert (there["balance"], there["portfolio_value"]) == (4_825, 5_000)
    face.wait(SECOND)
    here = face.get("/portfolio/balance", "exchange_index=0")
    assert (here["balance"], here["portfolio_value"]) == (90_000, 0)
    face.venue.determine(OPEN, "yes")
    face.venue.settle(OPEN)
    assert face.venue.cash("ann", shard=SHARD) == 148_250_000
    face.venue.check()


def test_an_order_is_found_by_its_market_or_its_shard_and_else_sought_on_the_first() -> None:
    face = funded()

    def placed() -> str:
        return f"{ORDERS}/{face.create('ann', 'bid', '0.40', '1')['order_id']}"

    path = placed()
    assert code(face, "DELETE", path) == (404, "not_found")
    assert code(face, "DELETE", path, query="exchange_index=0") == (404, "not_found")
    assert code(face, "DELETE", path, query=f"market_ticker={GAME}") == (404, "not_found")
    assert code(face, "DELETE", path, query="market_ticker=KXNONE") == (404, "market_not_found")
    assert code(face, "DELETE", path, query="exchange_index=-1") == (400, "bad_request")
    assert code(face, "DELETE", path, query="exchange_index=7") == (404, "user_not_found")
    assert code(face, "POST", f"{path}/decrease", {"reduce_by": "0.50"}) == (404, "not_found")
    halved = {"reduce_by": "0.50", "market_ticker": OPEN}
    assert code(face, "POST", f"{path}/decrease", halved) == (200, "")
    assert code(face, "DELETE", path, query=f"market_ticker={OPEN}") == (200, "")
    assert code(face, "DELETE", placed(), query=f"exchange_index={SHARD}") == (200, "")
    by_batch = {"order_id": placed().rpartition("/")[2], "exchange_index": -1, "market_ticker": OPEN}
    (canceled,) = json.loads(face.ask("ann", "DELETE", f"{ORDERS}/batched", {"orders": [by_batch]}).body)[
        "orders"
    ]
    assert canceled["reduced_by"] == "1.00"
    placed()
    assert code(face, "DELETE", ORDERS) == (204, "")
    assert face.get("/portfolio/orders", "status=resting")["orders"] == []


def test_a_create_or_amend_that_names_the_wrong_shard_finds_no_market_there() -> None:
    face = funded()
    assert create(face, exchange_index=0) == (404, "market_not_found")
    assert create(face, exchange_index=7) == (404, "user_not_found")
    assert create(face, exchange_index=-1) == create(face, exchange_index=SHARD) == (201, "")
    path = f"{ORDERS}/{face.create('ann', 'bid', '0.40', '1')['order_id']}/amend"
    body = {"ticker": OPEN, "side": "bid", "price": "0.41", "count": "1"}
    assert code(face, "POST", path, {**body, "exchange_index": 0}) == (404, "market_not_found")
    assert code(face, "POST", path, {**body, "exchange_index": SHARD}) == (200, "")
    assert code(face, "POST", path, body) == (200, "")


def test_reads_are_of_all_shards_or_of_one_and_every_row_says_of_which() -> None:
    face = funded()
    client = Client(face, "ann")
    client.subscribe("fill", "user_orders", "market_positions", "market_lifecycle_v2")
    for ticker in (OPEN, GAME):
        face.create("bob", "ask", "0.50", "1", ticker=ticker)
        face.create("ann", "bid", "0.50", "1", ticker=ticker)
    for path, name in (("orders", "orders"), ("fills", "fills"), ("positions", "market_positions")):
        shards = {one["ticker"]: one["exchange_index"] for one in face.get(f"/portfolio/{path}")[name]}
        assert shards == {OPEN: SHARD, GAME: 0}
        (row,) = face.get(f"/portfolio/{path}", f"exchange_index={SHARD}")[name]
        assert row["ticker"] == OPEN
    for path in (f"/markets/{OPEN}", "/events/KXTEST-26", "/series/KXTEST"):
        (body, *_) = face.get(path).values()
        assert body["exchange_index"] == SHARD
    told = {(one["type"], one["msg"].get("exchange_index")) for one in client.new()}
    assert {("fill", SHARD), ("fill", 0), ("user_order", SHARD), ("user_order", 0)} <= told
    statuses = face.get("/exchange/status")["exchange_index_statuses"]
    assert [one["exchange_index"] for one in statuses] == [0, SHARD]


def test_an_order_group_lives_on_one_shard() -> None:
    face = funded()
    there = json.loads(
        face.ask(
            "ann", "POST", "/portfolio/order_groups/create", {"contracts_limit": 5, "exchange_index": SHARD}
        ).body
    )
    assert there["exchange_index"] == SHARD
    group_id = there["order_group_id"]
    assert create(face, GAME, order_group_id=group_id) == (404, "not_found")
    assert create(face, order_group_id=group_id) == (201, "")
    path = f"/portfolio/order_groups/{group_id}/trigger"
    assert code(face, "PUT", path, {}) == (404, "not_found")
    assert code(face, "PUT", path, {}, f"exchange_index={SHARD}") == (200, "")


TIGHT = Tier("tight", Limit(1000, 1000), Limit(1, 20), Limit(10, 10))  # two creates


def test_a_shard_that_is_named_has_a_write_budget_of_its_own() -> None:
    face = funded(tier=TIGHT)  # the transfers have cost one of the two
    assert create(face, GAME, exchange_index=0) == (201, "")
    assert create(face, GAME, exchange_index=0)[0] == 429
    assert create(face, exchange_index=SHARD) == (201, "")
    assert create(face, exchange_index=SHARD) == (201, "")
    assert create(face, exchange_index=SHARD)[0] == 429


def test_what_is_to_be_found_by_its_market_is_charged_to_every_shard_or_to_none() -> None:
    face = funded(tier=TIGHT)
    assert create(face) == (201, "")
    assert create(face)[0] == 429  # the first shard's is empty, and the other one's is not touched by that
    assert create(face, exchange_index=SHARD) == (201, "")
    assert create(face, exchange_index=SHARD)[0] == 429


def test_batches_draw_on_the_first_shards_budget_alone() -> None:
    face = funded(tier=TIGHT)
    body = {"orders": [{**order("bid", "0.40", "1"), "exchange_index": SHARD}]}
    assert face.ask("ann", "POST", f"{ORDERS}/batched", body).status == 201
    assert face.ask("ann", "POST", f"{ORDERS}/batched", body).status == 429
    assert create(face, exchange_index=SHARD) == (201, "")


def test_transfers_are_listed_and_repeated_only_without_a_name() -> None:
    face = sharded()
    named = move(100, client_transfer_id="00000000-0000-4000-8000-000000000001")
    first = json.loads(face.ask("ann", "POST", TRANSFER, named).body)["transfer_id"]
    assert code(face, "POST", TRANSFER, named) == (409, "transfer_already_exists")
    assert code(face, "POST", TRANSFER, move(50)) == code(face, "POST", TRANSFER, move(50)) == (200, "")
    back = {**named, "amount": 10_000, "source_exchange_shard": SHARD, "destination_exchange_shard": 0}
    assert code(face, "POST", TRANSFER, back) == (200, "")  # the same name, but from another shard
    assert (face.venue.cash("ann"), face.venue.cash("ann", shard=SHARD)) == (801_000_000, 199_000_000)
    listed = face.get(f"{TRANSFER}s", "limit=3")
    spec("openapi").check(listed, "GetIntraExchangeInstanceTransfersResponse")
    assert [one["amount"] for one in listed["transfers"]] == ["1.000000", "50.000000", "50.000000"]
    last = face.get(f"{TRANSFER}s", f"limit=3&cursor={listed['cursor']}")
    assert [one["transfer_id"] for one in last["transfers"]] == [first] and "cursor" not in last
    one = face.get(f"{TRANSFER}s/{first}")
    spec("openapi").check(one, "GetIntraExchangeInstanceTransferResponse")
    assert one["transfer"]["client_transfer_id"] == named["client_transfer_id"]
    face.get(f"{TRANSFER}s/none", status=404)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (move(0), 400),
        (move(-5), 400),
        (move(1_001), 400),
        (move(1, destination_exchange_shard=7), 400),
        (move(1, destination="margined"), 400),
        (move(1, destination="elsewhere"), 400),
        (move(1, client_transfer_id="mine"), 400),
        (move(1, destination_subaccount=9), 404),
        ({"source": "event_contract"}, 400),
    ],
)
def test_a_transfer_that_cannot_be_moves_nothing(body: dict[str, Any], status: int) -> None:
    face = sharded()
    assert code(face, "POST", TRANSFER, body)[0] == status
    assert (face.venue.cash("ann"), face.venue.cash("ann", shard=SHARD)) == (1_000_000_000, 0)


def test_subaccounts_have_cash_on_each_shard_too() -> None:
    face = funded()
    assert face.ask("ann", "POST", "/portfolio/subaccounts", {}).status == 201
    within = move(30, source_exchange_shard=SHARD, destination_subaccount=1)
    assert code(face, "POST", TRANSFER, within) == (200, "")
    assert len(face.get("/portfolio/subaccounts/transfers")["transfers"]) == 1
    rows = face.get("/portfolio/subaccounts/balances")
    spec("openapi").check(rows, "GetSubaccountBalancesResponse")
    held = {
        (one["subaccount_number"], one["exchange_index"]): one["balance"]
        for one in rows["subaccount_balances"]
    }
    assert held == {(0, 0): "900.0000", (0, SHARD): "70.0000", (1, 0): "0.0000", (1, SHARD): "30.0000"}
    assert create(face, subaccount=1) == (201, "")


def test_a_key_that_is_locked_to_a_subaccount_moves_only_its_own_cash() -> None:
    face = funded()
    face.venue.create_subaccount("ann")
    rights = Rights.of(["read", "write"], subaccount=1)

    def moved(**more: Any) -> int:
        body = json.dumps(move(1, **more)).encode()
        return face.exchange.request(
            face.now, "ann", "POST", PREFIX + TRANSFER, "", body, rights=rights
        ).status

    face.venue.transfer("ann", "t", 0, 1, 5_000_000)
    assert moved(source_subaccount=0, destination_subaccount=1) == 403
    assert moved(source_subaccount=1, destination_subaccount=1) == 200
