"""A start that waits: what must be read before trading is tried until it is read, and whoever looks sees why.

Everything here runs on the trading loop, which beats meanwhile; what time cannot mend ends the start at once.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from structlog.typing import FilteringBoundLogger

from mm.app.errors import FAILED, REFUSED, CannotRun
from mm.core.actions import Alert, AlertLevel
from mm.core.units import SECOND, Nanos
from mm.kalshi.backoff import backoff
from mm.kalshi.conversation import ReadError
from mm.observe.alert_watch import AlertRules
from mm.observe.conditions import Conditions

T = TypeVar("T")
KEY: Final = ("link", "exchange")
CATEGORY: Final = "api_disconnect"
# No answer, too slow, too early, too often. Faults of theirs (5xx) and what is no answer of an exchange (a
# page of something in between, with 2xx) are tried again, too.
MENDED_BY_TIME: Final = frozenset({0, 408, 425, 429})
WHO_WE_ARE: Final = frozenset({401, 403})
# Our clock is wrong: the next process reads it anew (protocol section 2).
EXPIRED: Final = "header_timestamp_expired"


class NotYet(CannotRun):
    """Time may mend it; ``why`` in few words. To whoever does not wait it is a start that failed."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(text)
        self.why = why


def judged(what: str, error: ReadError) -> CannotRun:
    """What a read that failed means for a start; ``what`` could not be done. A key that the exchange itself
    refuses is not mended by the next start either."""
    text, status = f"{what}: {error}", error.status
    if status in MENDED_BY_TIME or status < 300 or status >= 500:
        # The last of a chain of exceptions is the one that people know.
        why = str(error) if status else f"no answer ({error.message.rpartition(' < ')[2]})"
        return NotYet(text, why)
    is_us = status in WHO_WE_ARE and error.code not in (EXPIRED, f"http_{status}")
    return CannotRun(text, REFUSED if is_us else FAILED)


class Waiting:
    """``text`` is what the start waits for, empty while it does not wait. ``announce`` takes an alert:
    ``rules`` say when a wait becomes critical, and how often that is told again. ``chance`` gives floats in
    [0, 1), ``sleep`` waits so many seconds."""

    def __init__(
        self,
        log: FilteringBoundLogger,
        announce: Callable[[Alert, Nanos], None],
        clock: Callable[[], Nanos],
        rules: AlertRules,
        chance: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.text = ""
        self._log = log
        self._clock = clock
        self._chance = chance
        self._sleep = sleep
        self._critical_after = rules.feed_critical_after
        self._conditions = Conditions(announce, rules.repeat_every)
        self._failure = "the exchange did not answer"

    async def until_done(self, attempt: Callable[[], Awaitable[T]], limit: float | None) -> T:
        """What ``attempt`` finds as soon as it succeeds. ``limit``: seconds, ``None`` for ever.

        :raises CannotRun: as ``attempt``, if that is not a `NotYet`; (1) the time is over.
        """
        try:
            async with asyncio.timeout(limit):
                return await self._again_and_again(attempt)
        except TimeoutError:
            raise CannotRun(f"{self._failure} (given up after {limit:g} s)") from None
        finally:
            self.text = ""

    async def _again_and_again(self, attempt: Callable[[], Awaitable[T]]) -> T:
        for number in itertools.count():
            try:
                found = await attempt()
            except NotYet as problem:
                pause = backoff(number, self._chance)
                self._tell(problem, pause)
                await self._sleep(pause / SECOND)
                continue
            break
        self._conditions.end(KEY, "the exchange can be used: the start goes on", self._clock())
        return found

    def _tell(self, problem: NotYet, pause: Nanos) -> None:
        """Each attempt in the log, the whole as one alert, which ends when the wait does."""
        now, self._failure = self._clock(), str(problem)
        self.text = f"waiting for the exchange: {problem.why}, next try in {pause / SECOND:.0f} s"
        self._log.warning("exchange_awaited", message=self.text, next_try_s=round(pause / SECOND, 3))
        level, since = AlertLevel.WARNING, self._conditions.since(KEY)
        details = (("link", "exchange"), ("reason", problem.why))
        alert = Alert(level, CATEGORY, "the start waits for the exchange", details=details)
        self._conditions.begin(KEY, alert, now)
        if since is not None and self._critical_after is not None and now - since >= self._critical_after:
            text = f"the start has waited for the exchange for more than {self._critical_after / SECOND:g} s"
            worse = Alert(AlertLevel.CRITICAL, CATEGORY, text, details=details)
            self._conditions.worsen(KEY, worse, now)
        self._conditions.repeat(now)
