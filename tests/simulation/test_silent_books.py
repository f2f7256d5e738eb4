"""The exchange tells no changes of books any more, while everything else goes on, tickers and pings too, and
no number is missing (fault F25). Where a ticker says so, no quote rests on a dead book; quoting comes back
with the changes. A ticker whose best prices are our own quotes, or did not move, contradicts nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from mm.app.simulated import BEGIN, Scene
from mm.config.model import Config
from mm.core.actions import Alert, AnyAction, Reconnect, Resubscribe
from mm.core.contradiction import AGAIN_WITHIN, PATIENCE, REASON
from mm.core.events import AnyEvent
from mm.core.picture import Observed
from mm.core.units import SECOND, Nanos
from mm.sim.stream_subscription import Subscription

QUIET_FROM = 10 * SECOND
QUIET_UNTIL = 120 * SECOND
END = 300 * SECOND
SLACK = 2 * SECOND  # until a market's next ticker
MESSAGE = Subscription.message


class Notes:
    """What was done about it."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()

    def on_step(self, event: AnyEvent, actions: Sequence[AnyAction], engine: Observed) -> None:
        for action in actions:
            if isinstance(action, Resubscribe | Reconnect) and action.reason == REASON:
                self.done[type(action).__name__] += 1
            elif isinstance(action, Alert) and REASON in action.message:
                self.done["Alert"] += 1


def resting(scene: Scene) -> int:
    return sum(order.status == "resting" for order in scene.venue.orders_of(scene.user_id))


def most_resting(scene: Scene, begin: Nanos, end: Nanos) -> int:
    """At the beginning of any second of that time, which passes."""
    found = 0
    for moment in range(begin, end + 1, SECOND):
        scene.simulation.run_until(BEGIN + moment)
        found = max(found, resting(scene))
    return found


def all_but_changes(subscription: Subscription, kind: str, body: str, command_id: int = 0) -> None:
    if kind != "orderbook_delta":
        MESSAGE(subscription, kind, body, command_id)


def test_no_quote_rests_on_a_dead_book_for_long_and_quoting_comes_back(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = Notes()
    scene = Scene(config, 1, observers=(notes,))
    simulation = scene.simulation
    simulation.run_until(BEGIN + QUIET_FROM)
    before = resting(scene)
    assert before > 6 and not notes.done
    monkeypatch.setattr(Subscription, "message", all_but_changes)
    simulation.run_until(BEGIN + QUIET_FROM + PATIENCE + SLACK)
    assert notes.done["Resubscribe"], "the books are fetched again"
    assert most_resting(scene, QUIET_UNTIL // 2, QUIET_UNTIL) < before / 2, "left alone"
    assert notes.done["Reconnect"] == 1 and notes.done["Alert"], notes.done
    monkeypatch.undo()
    simulation.run_until(BEGIN + QUIET_UNTIL + AGAIN_WITHIN + PATIENCE + SLACK)
    assert resting(scene), "quoting came back by itself"
    done = notes.done.total()
    simulation.run_until(BEGIN + END)
    assert notes.done.total() == done, "and nothing is doubted any more"
    simulation.shut_down()
    assert scene.wrong() == []
