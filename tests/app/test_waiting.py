"""What a start waits for and what ends it at once, how long it pauses, and what is told of it."""

from __future__ import annotations

import asyncio
from typing import NoReturn

import pytest
import structlog

from mm.app.errors import FAILED, REFUSED, CannotRun
from mm.app.waiting import NotYet, Waiting, judged
from mm.core.actions import Alert
from mm.core.units import SECOND, Nanos
from mm.kalshi.conversation import HttpResponse, ReadError
from mm.observe.alert_watch import AlertRules

EXPIRED = "header_timestamp_expired"
RULES = AlertRules()


def refusal(status: int, code: str = "", message: str = "") -> ReadError:
    return ReadError(HttpResponse(0, status), code or f"http_{status}", message)


@pytest.mark.parametrize("status", [0, 200, 408, 425, 429, 500, 502, 503, 504, 599])
def test_what_time_may_mend_is_waited_for(status: int) -> None:
    problem = judged("cannot read", refusal(status))
    assert isinstance(problem, NotYet)
    assert problem.exit_code == FAILED, "for whoever does not wait"


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (refusal(401, "authentication_error"), REFUSED),
        (refusal(403, "forbidden"), REFUSED),
        (refusal(401, EXPIRED), FAILED),  # our clock: the next process reads it anew
        (refusal(403), FAILED),  # something in between, not the exchange
        (refusal(301), FAILED),
        (refusal(400), FAILED),
        (refusal(404), FAILED),
        (refusal(410), FAILED),
    ],
)
def test_what_time_does_not_mend_ends_the_start(error: ReadError, exit_code: int) -> None:
    problem = judged("cannot read", error)
    assert not isinstance(problem, NotYet)
    assert problem.exit_code == exit_code
    assert str(problem) == f"cannot read: {error}"


def test_of_a_chain_of_exceptions_people_read_the_last() -> None:
    problem = judged("cannot read", refusal(0, "not_sent", "MaxRetryError < ConnectionRefusedError"))
    assert isinstance(problem, NotYet)
    assert problem.why == "no answer (ConnectionRefusedError)"


class Start:
    """Attempts that fail ``failures`` times on a clock of our own, on which only sleeping takes time."""

    def __init__(self, failures: int, rules: AlertRules = RULES) -> None:
        self.now: Nanos = 0
        self.slept: list[float] = []
        self.shown: list[str] = []
        self.told: list[tuple[int, str, str]] = []
        self._failures = failures
        log = structlog.wrap_logger(None, processors=[self._drop])
        self.waiting = Waiting(log, self._hear, lambda: self.now, rules, lambda: 0.5, self._sleep)

    def _drop(self, logger: object, level: str, line: object) -> NoReturn:
        raise structlog.DropEvent

    def _hear(self, alert: Alert, ts: Nanos) -> None:
        assert alert.category == "api_disconnect"
        self.told.append((ts // SECOND, alert.level.value, alert.message))

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.shown.append(self.waiting.text)
        self.now += round(seconds * SECOND)
        await asyncio.sleep(0)

    async def _attempt(self) -> str:
        self._failures -= 1
        if self._failures >= 0:
            raise NotYet("cannot use the exchange: 503", "503")
        return "found"

    def run(self, limit: float | None = None) -> str:
        return asyncio.run(self.waiting.until_done(self._attempt, limit))


def test_a_start_that_need_not_wait_says_nothing() -> None:
    start = Start(0)
    assert start.run() == "found"
    assert (start.slept, start.told, start.waiting.text) == ([], [], "")


def test_pauses_grow_to_half_a_minute_and_one_alert_tells_of_the_whole() -> None:
    start = Start(8)
    assert start.run() == "found"
    assert start.slept == [1.0, 1.5, 3.0, 6.0, 12.0, 22.5, 22.5, 22.5]
    assert start.shown[0] == "waiting for the exchange: 503, next try in 1 s"
    assert start.told == [
        (0, "warning", "the start waits for the exchange"),
        (46, "critical", "the start has waited for the exchange for more than 30 s"),
        (91, "info", "the exchange can be used: the start goes on after 1 min 31 s"),
    ]
    assert start.waiting.text == ""


def test_a_wait_that_lasts_is_told_again() -> None:
    start = Start(20, AlertRules(feed_critical_after=30 * SECOND, repeat_every=120 * SECOND))
    start.run()
    again = [(at, text) for at, level, text in start.told if text.startswith("still, ")]
    assert [at for at, _ in again] == [181, 316]
    assert again[0][1].startswith("still, for 3 min 1 s: the start has waited for the exchange")


def test_whoever_wants_a_short_run_is_told_why_there_was_none() -> None:
    start = Start(1_000_000)
    with pytest.raises(CannotRun, match=r"^cannot use the exchange: 503 \(given up after 0.01 s\)$"):
        start.run(0.01)
    assert start.waiting.text == ""


def test_an_exchange_that_never_answers_is_given_up_too() -> None:
    async def hang() -> str:
        await asyncio.Event().wait()
        return ""

    waiting = Start(0).waiting
    with pytest.raises(CannotRun, match="did not answer"):
        asyncio.run(waiting.until_done(hang, 0.01))


def test_what_is_no_outage_is_not_tried_again() -> None:
    async def refuse() -> str:
        raise CannotRun("who are you?", REFUSED)

    start = Start(0)
    with pytest.raises(CannotRun, match="who are you"):
        asyncio.run(start.waiting.until_done(refuse, None))
    assert (start.slept, start.told) == ([], [])
