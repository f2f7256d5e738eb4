"""Who hears of what: each kind reaches those who asked for it, in the order in which they came."""

from __future__ import annotations

from mm.sim.listeners import Listeners
from mm.sim.words import LifecycleChanged, TickerChanged


def test_each_hears_of_its_own_kinds_and_who_names_none_of_all() -> None:
    listeners, heard = Listeners(), list[tuple[str, object]]()
    listeners.add(lambda told: heard.append(("first", told)), TickerChanged)
    listeners.add(lambda told: heard.append(("all", told)))
    listeners.add(lambda told: heard.append(("last", told)), LifecycleChanged, TickerChanged)
    ticker, opened = TickerChanged(1, "KXA"), LifecycleChanged(2, "KXA", "activated")
    listeners.tell(ticker)
    listeners.tell(opened)
    assert heard == [
        ("first", ticker),
        ("all", ticker),
        ("last", ticker),
        ("all", opened),
        ("last", opened),
    ]


def test_what_nobody_asked_for_is_told_to_nobody() -> None:
    listeners, heard = Listeners(), list[object]()
    listeners.add(heard.append, LifecycleChanged)
    listeners.tell(TickerChanged(1, "KXA"))
    assert not heard
