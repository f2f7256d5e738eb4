"""A lapse of the location attestation is told days ahead, when it comes, and when a person has renewed it."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import structlog
from structlog.testing import capture_logs

from mm.app.attestation import HOUR, AttestationWatch
from mm.core.actions import Alert
from mm.core.units import SECOND, Nanos
from mm.kalshi.conversation import Conversation, HttpResponse
from tests.kalshi.talk import answer, lost

T = TypeVar("T")
BEGIN: Nanos = 1_795_500_000 * SECOND
DAY = 24 * HOUR


class Account:
    """``answer`` is what the exchange says now."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.answer = answer(200, {"api_keys": []})
        self.reads = 0
        self.told: list[str] = []
        log = structlog.get_logger()
        self.watch = AttestationWatch(self._read, log, self._hear, lambda: self.now, DAY)

    async def _read(self, conversation: Conversation[T]) -> T:
        assert next(conversation).path == "/api_keys"
        self.reads += 1
        try:
            conversation.send(HttpResponse(self.now, self.answer.status, self.answer.body, self.answer.error))
        except StopIteration as end:
            result: T = end.value
            return result
        raise AssertionError("one request is enough")

    def _hear(self, alert: Alert, ts: Nanos) -> None:
        assert alert.category == "attestation"
        self.told.append(f"{alert.level.value} {alert.message}")

    def is_attested_until(self, moment: Nanos | None) -> None:
        until = None if moment is None else moment // SECOND
        self.answer = answer(200, {"api_keys": [], "api_key_region_expiration_ts": until})

    def look(self, after: Nanos = 0) -> list[str]:
        """What is told."""
        self.now += after
        self.told.clear()
        asyncio.run(self.watch.look())
        return list(self.told)


def test_it_is_told_a_week_ahead_at_the_lapse_each_day_and_when_it_is_renewed() -> None:
    account = Account()
    account.is_attested_until(BEGIN + 9 * DAY)
    assert account.look() == []
    assert account.look(DAY) == []
    (warning,) = account.look(DAY)
    assert warning.startswith("warning the location attestation lapses in 7 d, 20")
    assert account.look(DAY) == [], "once"
    (lapse,) = account.look(6 * DAY)
    assert lapse.startswith("critical the location attestation has lapsed 20")
    assert account.look(HOUR) == []
    (again,) = account.look(DAY)
    assert again.startswith("critical still")
    account.is_attested_until(account.now + 90 * DAY)
    assert account.look(SECOND) == [], "it is not asked for at every moment"
    (renewed,) = account.look(HOUR)
    assert renewed.startswith("info the location attestation is renewed")


def test_the_lapse_itself_is_told_without_another_read() -> None:
    account = Account()
    account.is_attested_until(BEGIN + 10 * SECOND)
    assert len(account.look()) == 1
    assert account.look(9 * SECOND) == []
    assert account.look(SECOND)[0].startswith("critical")
    assert account.reads == 1


def test_a_start_after_the_lapse_is_critical_at_once_and_a_short_renewal_is_a_warning() -> None:
    account = Account()
    account.is_attested_until(BEGIN - DAY)
    assert [text.split()[0] for text in account.look()] == ["critical"]
    account.is_attested_until(BEGIN + DAY)
    assert [text.split()[0] for text in account.look(HOUR)] == ["info", "warning"]


def test_an_account_that_was_never_attested_has_nothing_that_lapses() -> None:
    account = Account()
    assert account.look() == []
    account.is_attested_until(None)
    assert account.look(HOUR) == []


def test_what_cannot_be_read_is_said_once_and_what_was_read_holds() -> None:
    account = Account()
    account.is_attested_until(BEGIN + 8 * DAY)
    account.look()
    with capture_logs() as log:
        for bad in (answer(403, {"error": "no"}), answer(403, {"error": "no"}), lost()):
            account.answer = bad
            assert account.look(HOUR) == []
        account.is_attested_until(10**15 * SECOND)
        account.look(HOUR)
    assert [line["event"] for line in log] == ["api_error"] * 3
    assert account.look(DAY)[0].startswith("warning"), "by what was read first"
