"""The dead man's ping: an outside service (such as healthchecks.io) raises the alarm when we fall silent.

The thread here only carries; it pings only if the trading loop has shown life since the last ping, so a hang
is silence, too. A trip or a crash says so at once, without waiting for silence.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum
from threading import Condition, Thread
from typing import Final

import msgspec

from mm.alerts.courier import Report
from mm.alerts.way import NotDelivered
from mm.core.actions import Alert, AlertLevel
from mm.core.units import Nanos

TIMEOUT_SECONDS: Final = 10.0
PATIENCE_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 5.0
MOST_WAITING: Final = 10
NAME: Final = "dead_man"
CRASH: Final = "bot_crash"
END: Final = "bot_shutdown"


class Style(Enum):
    """HEALTHCHECKS: the address, and below it ``/start``, ``/fail``, ``/log`` with a text as body. PLAIN:
    a GET of the address while all is well, and nothing else."""

    HEALTHCHECKS = "healthchecks"
    PLAIN = "plain"


class Signal(Enum):
    START = "/start"
    SUCCESS = ""
    FAIL = "/fail"
    LOG = "/log"


class Ping(msgspec.Struct, frozen=True):
    signal: Signal
    text: str = ""


class Address:
    """Where pings go. The address is the secret; no message here holds any part of it."""

    def __init__(self, url: str, style: Style) -> None:
        self._url = url.rstrip("/") if style is Style.HEALTHCHECKS else url
        self._style = style

    def __repr__(self) -> str:
        return "Address(<hidden>)"

    def knows(self, signal: Signal) -> bool:
        return self._style is Style.HEALTHCHECKS or signal is Signal.SUCCESS

    def send(self, ping: Ping) -> None:
        """Waits for the answer.

        :raises NotDelivered: no answer, or one that is no success.
        """
        import requests

        is_post = self._style is Style.HEALTHCHECKS
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy or .netrc that nobody meant for this
                answer = session.request(
                    "POST" if is_post else "GET",
                    self._url + ping.signal.value,
                    data=ping.text.encode() if is_post else None,
                    timeout=TIMEOUT_SECONDS,
                    allow_redirects=False,
                )
        except (requests.RequestException, ValueError) as problem:
            raise NotDelivered(f"no answer: {type(problem).__name__}") from None
        if not answer.ok or answer.is_redirect:
            raise NotDelivered(f"HTTP status {answer.status_code}")


class DeadMan:
    """An alert sink, and who takes the loop's pulse. ``period_seconds`` between pings; ``tell`` hears, on
    the thread here, of failures and of the first success after them."""

    def __init__(
        self,
        address: Address,
        period_seconds: float,
        tell: Callable[[Report], None],
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._address = address
        self._period = period_seconds
        self._retry = retry_seconds
        self._tell = tell
        self._bell = Condition()
        self._waiting: deque[Ping] = deque([Ping(Signal.START)], MOST_WAITING)
        self._trouble = ""
        self._has_pulse = False
        self._is_over = False
        self._is_closing = False
        self._failures = 0
        self._thread = Thread(target=self._work, name="dead man's ping", daemon=True)
        self._thread.start()

    # -- from the trading loop ---------------------------------------------------------------------------
    def pulse(self, trouble: str) -> None:
        """The trading loop turns; ``trouble`` says why it may not trade, empty if it may."""
        with self._bell:
            self._has_pulse, self._is_over = True, False
            is_news, self._trouble = trouble and not self._trouble, trouble
            if is_news:
                self._say(Ping(Signal.FAIL, trouble))

    def send(self, alert: Alert, ts: Nanos, repeats: int = 0) -> None:
        """A crash and an end are the last word: no ping follows them, unless the loop turns again (what
        crashed was the run before this one)."""
        if alert.category not in (CRASH, END):
            return
        is_clean = alert.category == END and alert.level is not AlertLevel.CRITICAL
        with self._bell:
            if not self._is_over:
                self._is_over = True
                self._say(Ping(Signal.LOG if is_clean else Signal.FAIL, alert.message))

    def settle(self) -> None:
        """Nothing to do: the thread here does what takes long."""

    def close(self) -> None:
        with self._bell:
            self._is_closing = True
            self._bell.notify()
        self._thread.join(PATIENCE_SECONDS)

    def _say(self, ping: Ping) -> None:
        self._waiting.append(ping)
        self._bell.notify()

    # -- on its own thread -----------------------------------------------------------------------------
    def _work(self) -> None:
        while (ping := self._next()) is not None:
            if self._address.knows(ping.signal):
                self._carry(ping)

    def _next(self) -> Ping | None:
        """What was said, or after a period what the pulse says; ``None`` if it is over."""
        while True:
            with self._bell:
                pause = self._retry if self._failures else self._period
                self._bell.wait_for(lambda: bool(self._is_closing or self._is_urgent()), pause)
                if self._waiting:
                    return self._waiting.popleft()
                if self._is_closing:
                    return None
                if self._has_pulse and not self._is_over:
                    self._has_pulse = False
                    return Ping(Signal.FAIL, self._trouble) if self._trouble else Ping(Signal.SUCCESS)

    def _is_urgent(self) -> bool:
        """After a failure the pause comes first, or a dead server would be hammered."""
        return bool(self._waiting) and not self._failures

    def _carry(self, ping: Ping) -> None:
        """Whoever hears that it failed can rely on it that it waits again."""
        try:
            self._address.send(ping)
        except NotDelivered as problem:
            self._failures += 1
            self._put_back(ping)
            self._tell(Report(NAME, self._failures, str(problem), 1, 0, 0))
            return
        if self._failures:
            self._failures = 0
            self._tell(Report(NAME, 0, "", 1, 0, 0))

    def _put_back(self, ping: Ping) -> None:
        """A start, a fail and a last word are tried again; a missed success is overtaken by the next."""
        with self._bell:
            has_room = len(self._waiting) < MOST_WAITING
            if ping.signal is not Signal.SUCCESS and not self._is_closing and has_room:
                self._waiting.appendleft(ping)
