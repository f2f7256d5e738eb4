"""In these tests every venue has an auditor, who looks at all its books after every single act."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from mm.sim.auditor import Auditor
from mm.sim.crowd import Crowd
from mm.sim.floor import Floor
from mm.sim.flow import Flow
from mm.sim.tape import TapePlayer
from mm.sim.venue import Venue

ACTS = (
    *("create", "amend", "decrease", "cancel", "cancel_all", "advance", "pause", "resume"),
    *("add_market", "deactivate", "activate", "move_close", "close_early", "change_grid"),
    *("determine", "dispute", "amend_result", "uphold_result", "settle"),
    *("create_group", "reset_group", "trigger_group", "set_group_limit", "delete_group", "transfer"),
)
CROWD_ACTS = ("take", "rest", "hit", "lessen", "grow", "withdraw", "step_aside", "report")
# Where the floor is that each of these acts on. A wake of a crowd is one act: who requotes, does so at once.
FLOORS: dict[type, Callable[[Any], Floor]] = {
    Venue: lambda venue: venue.crowd.floor,
    Crowd: lambda crowd: crowd.floor,
    Flow: lambda flow: flow._venue.crowd.floor,
    TapePlayer: lambda player: player._venue.crowd.floor,
}
NAMES = {Venue: ACTS, Crowd: CROWD_ACTS, Flow: ("wake",), TapePlayer: ("wake",)}


class Audits:
    """Who audits which floor; an act inside another (a timer in `advance`) is looked at with it."""

    def __init__(self) -> None:
        self.auditors: WeakKeyDictionary[Floor, Auditor] = WeakKeyDictionary()
        self._busy: set[int] = set()

    def attach(self, begin: Callable[..., None]) -> Callable[..., None]:
        def initialised(venue: Venue, *args: Any, **terms: Any) -> None:
            begin(venue, *args, **terms)
            self.auditors[venue.crowd.floor] = Auditor(venue)

        return initialised

    def after(self, act: Callable[..., Any], floor_of: Callable[[Any], Floor]) -> Callable[..., Any]:
        def audited(doer: Any, *args: Any, **terms: Any) -> Any:
            floor = floor_of(doer)
            if id(floor) in self._busy:
                return act(doer, *args, **terms)
            self._busy.add(id(floor))
            try:
                return act(doer, *args, **terms)
            finally:
                self._busy.discard(id(floor))
                self.auditors[floor].audit()

        return audited


@pytest.fixture(scope="package", autouse=True)
def audits() -> Iterator[Audits]:
    everywhere = Audits()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Venue, "__init__", everywhere.attach(Venue.__init__))
        for kind, names in NAMES.items():
            for name in names:
                patch.setattr(kind, name, everywhere.after(getattr(kind, name), FLOORS[kind]))
        yield everywhere
