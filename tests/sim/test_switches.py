"""Readings of what the documents leave open (protocol section 15): each switch changes what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mm.sim.face_switches import FaceSwitches
from mm.sim.switch_words import BadSwitch, all_switches, switches_of
from mm.sim.switches import Switches
from tests.sim.faces import OPEN, Client, Face, order
from tests.sim.stories import open_venue, place, refused, rest

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "simulated-exchange.md"


def test_words_set_switches_of_the_rules_and_of_the_faces() -> None:
    rules, faces = switches_of(
        ["post_only_cross=cancel", "market_not_open_status=400", "shuffled=false", "cancel_all_tail_share=1"]
    )
    assert rules == Switches(post_only_cross="cancel", market_not_open_status=400, cancel_all_tail_share=1.0)
    assert faces == FaceSwitches(shuffled=False)
    assert switches_of([]) == (Switches(), FaceSwitches())


def test_everything_wrong_with_the_words_is_said_at_once() -> None:
    with pytest.raises(BadSwitch) as caught:
        switches_of(["nonsense=1", "weekly_pause=1", "weekly_pause", "balance_unit=x", "most_position=-1"])
    said = str(caught.value)
    for part in (
        "no switch 'nonsense'",
        "weekly_pause is true|false, not '1'",
        "weekly_pause needs a value: weekly_pause=true|false",
        "balance_unit is a whole number, not 'x'",
        "most_position is 0 or more, not -1",
    ):
        assert part in said


@pytest.mark.parametrize("word", ["balance_unit=0", "cancel_all_tail_share=1.5", "cancel_all_tail_share=inf"])
def test_values_without_sense_are_refused(word: str) -> None:
    with pytest.raises(BadSwitch):
        switches_of([word])


def test_the_manual_lists_every_switch_with_its_values_and_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| `?(.*?)`? \|", MANUAL.read_text(), re.MULTILINE)
    listed = {name: (values.replace("\\|", "|").replace("`", ""), default) for name, values, default in rows}
    for name, values, default in all_switches():
        assert listed.get(name) == (values, str(default)), name


# -- the switches that no other test is about ---------------------------------------------------------------
def test_client_order_ids_may_be_used_once_in_each_subaccount() -> None:
    for reading, status in (("account", 409), ("subaccount", 201)):
        face = Face(rules=Switches(client_order_id_of=reading))  # type: ignore[arg-type]
        face.ask("ann", "POST", "/portfolio/subaccounts", {})
        face.venue.transfer("ann", "t", 0, 1, 1_000_000)
        face.create("ann", "bid", "0.40", "1", client_order_id="one")
        body = order("bid", "0.40", "1", client_order_id="one")
        again = face.ask("ann", "POST", "/portfolio/events/orders", {**body, "subaccount": 1})
        assert again.status == status
        assert face.ask("ann", "POST", "/portfolio/events/orders", body).status == 409


def test_a_position_limit_refuses_what_could_go_beyond_it_but_never_the_way_back() -> None:
    venue = open_venue(switches=Switches(most_position=1_000))
    rest(venue, "bob", "ask 10 @ 60")
    place(venue, "ann", "bid 8 @ 60")
    refused(400, "position_limit_exceeded", lambda: place(venue, "ann", "bid 3 @ 50"))
    resting = rest(venue, "ann", "bid 2 @ 50")
    refused(
        400,
        "position_limit_exceeded",
        lambda: venue.amend(
            "ann", resting.order_id, ticker=resting.ticker, side="bid", price=5_000, count=300
        ),
    )
    rest(venue, "ann", "ask 18 @ 90")
    refused(400, "position_limit_exceeded", lambda: place(venue, "ann", "ask 19 @ 91"))


def test_without_the_shuffle_channels_go_out_as_things_happened() -> None:
    seen = set()
    face = Face(switches=FaceSwitches(shuffled=False))
    client = Client(face, "ann")
    client.subscribe("orderbook_delta", "trade", "fill", "user_orders", market_ticker=OPEN)
    client.new()
    for _ in range(10):
        face.create("bob", "ask", "0.56", "1")
        client.new()
        face.create("ann", "bid", "0.56", "1")
        seen.add(json.dumps([one["type"] for one in client.new()]))
    assert len(seen) == 1
