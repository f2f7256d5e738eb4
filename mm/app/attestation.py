"""Tells a person, days ahead, that the account's location attestation lapses: only a person can renew it, in
the exchange's web page, and until then orders in some categories are refused (protocol section 2).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from structlog.typing import FilteringBoundLogger

from mm.app.exchange_hours import Read
from mm.core.actions import Alert, AlertLevel
from mm.core.units import SECOND, Nanos
from mm.kalshi.attestation import read_attestation
from mm.kalshi.conversation import ReadError
from mm.observe.conditions import Conditions, Say, duration

CATEGORY: Final = "attestation"
HOUR: Final[Nanos] = 3_600 * SECOND
WARN_AHEAD: Final[Nanos] = 7 * 24 * HOUR
KEY: Final = ("attestation", "account")
CONSEQUENCE: Final = (
    "orders in Sports, Elections and Entertainment are refused until it is renewed on the web page"
)


class AttestationWatch:
    """``read`` holds a conversation without blocking; ``repeat_every``: how often a lapse is told again. What
    was read last holds until it is read again."""

    def __init__(
        self,
        read: Read,
        log: FilteringBoundLogger,
        announce: Say,
        clock: Callable[[], Nanos],
        repeat_every: Nanos | None,
    ) -> None:
        self._read = read
        self._log = log
        self._clock = clock
        self._conditions = Conditions(announce, repeat_every)
        self._due: Nanos = 0
        self._lapses: Nanos | None = None
        self._has_lapsed = False
        self._complaint = ""

    async def look(self) -> None:
        """Ask, if it is time for it, and tell what that means now."""
        if self._clock() >= self._due:
            self._due = self._clock() + HOUR
            try:
                self._lapses, self._complaint = await self._read(read_attestation()), ""
            except ReadError as error:
                self._complain(str(error))
        self._judge(self._lapses, self._clock())

    def _complain(self, text: str) -> None:
        """The same reason once: a key that may not read this never will."""
        if text != self._complaint:
            self._complaint = text
            text = f"the location attestation could not be read: {text}"
            self._log.warning("api_error", message=f"API error: {text}")

    def _judge(self, lapses: Nanos | None, now: Nanos) -> None:
        had_lapsed, self._has_lapsed = self._has_lapsed, lapses is not None and lapses <= now
        is_near = lapses is not None and lapses - now <= WARN_AHEAD
        if not is_near or (had_lapsed and not self._has_lapsed):
            self._conditions.end(KEY, "the location attestation is renewed", now)
        if lapses is not None and is_near:
            alert = _lapsed(lapses) if self._has_lapsed else _near(lapses, now)
            self._conditions.begin(KEY, alert, now)
            self._conditions.worsen(KEY, alert, now)
        self._conditions.repeat(now)


def _near(lapses: Nanos, now: Nanos) -> Alert:
    text = f"the location attestation lapses in {duration(lapses - now)}, {_date(lapses)}; then {CONSEQUENCE}"
    return Alert(AlertLevel.WARNING, CATEGORY, text, details=_details(lapses))


def _lapsed(lapses: Nanos) -> Alert:
    text = f"the location attestation has lapsed {_date(lapses)}: {CONSEQUENCE}"
    return Alert(AlertLevel.CRITICAL, CATEGORY, text, details=_details(lapses))


def _details(lapses: Nanos) -> tuple[tuple[str, str], ...]:
    return (("subject", "location"), ("lapses", _date(lapses)))


def _date(moment: Nanos) -> str:
    return datetime.fromtimestamp(moment // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
