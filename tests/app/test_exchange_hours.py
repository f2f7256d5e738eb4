"""What the exchange says of its hours becomes events; what cannot be read becomes unknown, never open."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from mm.app.exchange_hours import SCHEDULE_AGAIN, SCHEDULE_EVERY, ExchangeHours
from mm.core.events import AnyEvent, ExchangeStatus, TradingHours
from mm.core.units import SECOND, Nanos
from mm.kalshi.conversation import Conversation, HttpResponse
from tests.kalshi.talk import answer, lost

T = TypeVar("T")
BEGIN: Nanos = 1_795_500_000 * SECOND
OPEN = {"exchange_active": True, "trading_active": True}
WINDOW = {"start_datetime": "2026-11-26T08:00:00Z", "end_datetime": "2026-11-26T10:00:00Z"}
PLAN = answer(200, {"schedule": {"standard_hours": [], "maintenance_windows": [WINDOW]}})
PAUSE = (1_795_680_000 * SECOND, 1_795_687_200 * SECOND)


class Desk:
    """Answers by path; each read takes a second."""

    def __init__(self, **answers: HttpResponse) -> None:
        self.answers = answers
        self.now = BEGIN
        self.complaints: list[str] = []
        self.hours = ExchangeHours(self._read, lambda: self.now, self.complaints.append)

    async def _read(self, conversation: Conversation[T]) -> T:
        request = next(conversation)
        self.now += SECOND
        found = self.answers[request.path.rpartition("/")[2]]
        try:
            conversation.send(HttpResponse(self.now, found.status, found.body, found.error))
        except StopIteration as end:
            result: T = end.value
            return result
        raise AssertionError("one request is enough")

    def look(self, after: Nanos = 0) -> list[AnyEvent]:
        self.now += after
        return asyncio.run(self.hours.look())


def status(body: dict[str, Any], code: int = 200) -> HttpResponse:
    return answer(code, body)


def told(body: dict[str, Any]) -> tuple[bool | None, bool | None]:
    event = Desk(status=status(body), schedule=PLAN).look()[0]
    assert isinstance(event, ExchangeStatus)
    return event.exchange_active, event.trading_active


def test_a_look_tells_status_and_plans_and_when_it_asked() -> None:
    resumes = {"exchange_estimated_resume_time": "2026-11-26T10:00:00Z"}
    desk = Desk(status=status({**OPEN, **resumes}), schedule=PLAN)
    assert desk.look() == [
        ExchangeStatus(BEGIN + SECOND, BEGIN, True, True, PAUSE[1]),
        TradingHours(BEGIN + 2 * SECOND, (PAUSE,)),
    ]
    assert desk.complaints == []


def test_a_part_that_rests_counts_as_all() -> None:
    """Which part a market is on is not read; the fields of the whole are those of the first one."""
    parts = [{**OPEN, "exchange_index": 0}, {**OPEN, "exchange_index": 2, "trading_active": False}]
    assert told({**OPEN, "exchange_index_statuses": parts}) == (True, False)
    assert told({**OPEN, "exchange_index_statuses": parts[:1]}) == (True, True)
    assert told({**OPEN, "exchange_active": False}) == (False, True)


def test_what_cannot_be_read_is_unknown_and_told_to_people() -> None:
    for wrong in (lost(), answer(502, b"<html>"), answer(200, {"exchange_active": True})):
        desk = Desk(status=wrong, schedule=wrong)
        assert desk.look() == [ExchangeStatus(BEGIN + SECOND, BEGIN, None, None)]
        assert ["status" in text for text in desk.complaints] == [True, False]


def test_the_schedule_is_read_every_hour_and_soon_again_if_it_failed() -> None:
    desk = Desk(status=status(OPEN), schedule=lost())
    assert len(desk.look()) == 1
    desk.answers["schedule"] = PLAN
    assert len(desk.look(after=SCHEDULE_AGAIN - 5 * SECOND)) == 1
    assert len(desk.look(after=10 * SECOND)) == 2
    assert len(desk.look(after=SCHEDULE_EVERY - 5 * SECOND)) == 1
    assert len(desk.look(after=10 * SECOND)) == 2


def test_an_estimate_that_cannot_be_read_is_none() -> None:
    desk = Desk(status=status({**OPEN, "exchange_estimated_resume_time": "soon"}), schedule=PLAN)
    assert desk.look()[0] == ExchangeStatus(BEGIN + SECOND, BEGIN, True, True, None)
