"""What the stream tells of the lives of events and markets, and when it stamps its frames."""

from __future__ import annotations

from mm.sim.face_switches import FaceSwitches
from mm.sim.words import Event
from tests.sim.faces import OPEN, START, Client, Face, spec


def test_new_events_grids_and_fees_are_told_on_the_lifecycle_channel() -> None:
    face = Face()
    client = Client(face, "ann")
    client.subscribe("market_lifecycle_v2")
    client.new()
    face.venue.add_event(Event("KXTEST-28", "KXTEST", "New?"))
    face.venue.change_grid(OPEN, "deci_cent")
    face.venue.schedule_event_fees("KXTEST-26", "quadratic", 500_000, face.now)
    face.venue.schedule_event_fees("KXTEST-26", None, None, face.now)
    face.exchange.flush()
    frames = client.new()
    for frame in frames:
        spec("asyncapi").check_frame(frame)
    assert [one["type"] for one in frames] == [
        "event_lifecycle",
        "market_lifecycle_v2",
        "event_fee_update",
        "event_fee_update",
    ]
    assert [one["seq"] for one in frames] == [1, 2, 3, 4]
    assert frames[1]["msg"]["price_ranges"][0]["step"] == "0.0010"
    assert [one["msg"]["fee_multiplier_override"] for one in frames[2:]] == [0.5, None]


def test_frames_are_stamped_where_that_is_switched_on() -> None:
    stamped, plain = (
        Client(Face(switches=FaceSwitches(sending_ts=on)), "ann").subscribe("ticker") for on in (True, False)
    )
    assert stamped[0].pop("sending_ts_ms") == START // 1_000_000
    assert stamped == plain
