"""How long the engine thinks: measured around it, because it has no clock of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter_ns

from mm.core.actions import AnyAction
from mm.core.events import AnyEvent, Tick
from mm.core.units import Nanos

Decide = Callable[[AnyEvent], Sequence[AnyAction]]


def timed(decide: Decide, tell: Callable[[Nanos], None]) -> Decide:
    """``decide``, with the duration of every Tick told; other events only change what is known."""

    def measured(event: AnyEvent) -> Sequence[AnyAction]:
        if type(event) is not Tick:
            return decide(event)
        began = perf_counter_ns()
        actions = decide(event)
        tell(perf_counter_ns() - began)
        return actions

    return measured
