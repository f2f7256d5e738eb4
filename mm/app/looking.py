"""Tells how the search for markets fares: each failure in the log, and a person if it goes on for
long, because tomorrow's markets would not be found, nor today's settlements learned of; and which markets
are not quoted any more because their terms are not understood.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from structlog.typing import FilteringBoundLogger

from mm.core.actions import Alert, AlertLevel
from mm.core.units import SECOND, Nanos
from mm.observe.conditions import Conditions, Say, duration

TOLD_AFTER: Final[Nanos] = 300 * SECOND
KEY: Final = ("looking", "markets")
MOST_NAMED: Final = 5


class Looking:
    """``announce`` takes an alert; ``clock`` as everywhere."""

    def __init__(self, log: FilteringBoundLogger, announce: Say, clock: Callable[[], Nanos]) -> None:
        self._log = log
        self._clock = clock
        self._conditions = Conditions(announce, None)
        self._announce = announce
        self._failing_since: Nanos | None = None
        self._strange: set[str] = set()

    def remarked(self, text: str) -> None:
        """Worth a line."""
        self._log.warning("api_error", message=f"API error: {text}")

    def failed(self, text: str) -> None:
        """Nothing was learned."""
        self.remarked(text)
        now = self._clock()
        since = self._failing_since = now if self._failing_since is None else self._failing_since
        if now - since >= TOLD_AFTER:
            message = f"the list of markets could not be read for {duration(now - since)}: {text}"
            alert = Alert(AlertLevel.WARNING, "api_errors", message, details=(("subject", "markets"),))
            self._conditions.begin(KEY, alert, now)

    def succeeded(self) -> None:
        """The list is true again."""
        self._failing_since = None
        self._conditions.end(KEY, "the list of markets is read again", self._clock())

    def strange(self, markets: Mapping[str, str]) -> None:
        """These of ours are not quoted because their terms are not understood, and why: each is told once,
        and when it is not so any more."""
        new, before = sorted(markets.keys() - self._strange), sorted(self._strange - markets.keys())
        self._strange = set(markets)
        if new:
            text = "fees or price steps are in words that are not known, so there are no quotes"
            self._say(AlertLevel.WARNING, f"{text}: {named({k: markets[k] for k in new})}", new)
        if before:
            text = "fees and price steps are known again, or the market is over"
            self._say(AlertLevel.INFO, f"{text}: {named(dict.fromkeys(before, ''))}", before)

    def _say(self, level: AlertLevel, text: str, tickers: list[str]) -> None:
        details = (("subject", "terms"), ("markets", " ".join(tickers[:MOST_NAMED])), ("count", len(tickers)))
        ended = (("ended", AlertLevel.WARNING.value),) if level is AlertLevel.INFO else ()
        self._announce(Alert(level, "api_errors", text, details=(*details, *ended)), self._clock())


def named(markets: Mapping[str, str]) -> str:
    """The first few with why, if that is said, and how many more there are."""
    each = [
        f"{ticker or 'one without a name'}{f' ({why})' if why else ''}"
        for ticker, why in sorted(markets.items())
    ]
    more = f" and {len(each) - MOST_NAMED} more" if len(each) > MOST_NAMED else ""
    return "; ".join(each[:MOST_NAMED]) + more
