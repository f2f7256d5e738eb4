"""What only the shell can time, put together: why a request was decided, and when its bytes had left.

The measures come from the threads that send, from the feed and from around the engine; they wait in memory
and are told four times a second. Requests are told one by one; what happens many times a second is told once
a second, as the median and (name + ``_max``) the worst of that second.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from mm.core.actions import AmendOrder, AnyAction, CancelOrder, PlaceOrder
from mm.core.events import (
    AnyEvent,
    BookDelta,
    BookGap,
    BookSnapshot,
    Fill,
    MarketStatus,
    OrderReport,
    Tick,
    Ticker,
    Trade,
)
from mm.core.picture import Observed
from mm.core.units import SECOND, Nanos
from mm.observe.latency import SentTimes
from mm.observe.observer import Every
from mm.observe.plain import milliseconds

Tell = Callable[[str, float, Nanos, str], None]
WINDOW: Final[Nanos] = SECOND
REMEMBERED: Final = 20_000
REQUESTS: Final = (PlaceOrder, AmendOrder, CancelOrder)
NEWS: Final = frozenset(
    (BookDelta, BookSnapshot, BookGap, Trade, Ticker, MarketStatus, Fill, OrderReport)
)  # events of one market, that can change what is wanted there


class _Request(msgspec.Struct, frozen=True, gc=False):
    request_id: int
    signing: Nanos
    written_at: Nanos
    answered_at: Nanos


class Stopwatch:
    """An observer. ``tell(name, ms, ts, desk)`` takes each measure; desk "" concerns all.

    ``tick_to_wire`` runs from the first event about a market that no Tick had answered yet (or from the Tick
    itself, or from whatever else caused a request at once) to the moment at which the request's last byte was
    handed to the socket: the wait for the Tick, the decision, the journal, the queue and the signature are
    in it. ``sign`` is the wait for signed headers, ``round_trip`` from the last byte out to the answer read.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._unanswered: dict[str, Nanos] = {}
        self._causes = SentTimes()
        self._requests: deque[_Request] = deque(maxlen=REMEMBERED)
        self._windows: dict[str, deque[Nanos]] = {
            name: deque(maxlen=REMEMBERED) for name in ("decide", "feed_age")
        }
        self._window = Every(WINDOW)
        self._now: Nanos = 0

    # -- what the shell measures ----------------------------------------------------------------------
    def request(self, request_id: int, signing: Nanos, written_at: Nanos, answered_at: Nanos) -> None:
        """One request that left; from any thread. Times by the driver's clock, ``signing`` a duration."""
        self._requests.append(_Request(request_id, signing, written_at, answered_at))

    def decided(self, duration: Nanos) -> None:
        """The engine answered one Tick."""
        self._windows["decide"].append(duration)

    def aged(self, age: Nanos, ts: Nanos) -> None:
        """A message of the feed was this old when it arrived."""
        self._windows["feed_age"].append(age)

    # -- what the steps say ---------------------------------------------------------------------------
    def on_step(self, event: AnyEvent, actions: Sequence[AnyAction], engine: Observed) -> None:
        kind = type(event)
        if kind in NEWS:
            self._unanswered.setdefault(event.ticker, event.ts)  # type: ignore[union-attr]
        for action in actions:
            if isinstance(action, REQUESTS):
                cause = self._unanswered.get(action.ticker, event.ts) if kind is Tick else event.ts
                self._causes.remember(action.request_id, cause, engine.desk_of(action.ticker))
        if kind is Tick:
            self._unanswered.clear()

    def on_time(self, now: Nanos, engine: Observed) -> None:
        self._now = now
        self._tell_requests()
        if self._window.is_due(now):
            self._tell_windows()

    def close(self) -> None:
        """Tell what is left."""
        self._tell_requests()
        self._tell_windows()

    def _tell_requests(self) -> None:
        while self._requests:
            request = self._requests.popleft()
            cause = self._causes.take(request.request_id)
            if cause is None:
                continue
            since, desk = cause
            at = request.answered_at
            self._tell("tick_to_wire", milliseconds(request.written_at - since), at, desk)
            self._tell("sign", milliseconds(request.signing), at, desk)
            self._tell("round_trip", milliseconds(at - request.written_at), at, desk)

    def _tell_windows(self) -> None:
        for name, window in self._windows.items():
            ranked = sorted(window)
            window.clear()
            if ranked:
                self._tell(name, milliseconds(ranked[(len(ranked) - 1) // 2]), self._now, "")
                self._tell(f"{name}_max", milliseconds(ranked[-1]), self._now, "")
                if name == "feed_age":  # without a wait on the way it is the offset of our clock
                    self._tell("feed_age_min", milliseconds(ranked[0]), self._now, "")
