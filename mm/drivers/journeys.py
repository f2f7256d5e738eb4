"""A request's journey to the simulated exchange and back in virtual time: the network's weather, and the
faults that the exchange's script has for it, which strike here exactly as they do on the port.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from mm.core.events import AnyEvent
from mm.core.units import Nanos
from mm.drivers.network import Network
from mm.kalshi.calls import RequestAction, call
from mm.kalshi.conversation import Conversation, HttpRequest, HttpResponse
from mm.kalshi.limiter import Limiter
from mm.sim.exchange import Exchange
from mm.sim.rest import Response

T = TypeVar("T")
BASE = "/trade-api/v2"
NO_ANSWER = HttpResponse(0, 0, error="no answer in time", was_sent=True)
CUT_OFF = HttpResponse(0, 0, error="connection reset", was_sent=True)


def ask(exchange: Exchange, user_id: str, now: Nanos, request: HttpRequest) -> Response:
    """What the exchange says to one request, without any network."""
    path = BASE + request.path
    return exchange.request(now, user_id, request.method, path, request.query, request.body)


def converse(exchange: Exchange, user_id: str, now: Nanos, conversation: Conversation[T]) -> T:
    """A whole conversation at one instant: for setting up, and for comparing at the end."""
    try:
        request = next(conversation)
        while True:
            response = ask(exchange, user_id, now, request)
            request = conversation.send(HttpResponse(now, response.status, response.body))
    except StopIteration as done:
        result: T = done.value
        return result


class Agenda(Protocol):
    """What the simulation lends: its clock, its plan of what happens when, and its ear."""

    @property
    def now(self) -> Nanos: ...

    def at(self, when: Nanos, happen: Callable[[], None]) -> None: ...

    def hear(self, event: AnyEvent) -> None: ...

    def venue_moved(self) -> None:
        """The exchange has been dealt with: what it plans next may have changed."""


class _Trip:
    """One request under way. Its sender waits until ``deadline`` and then knows nothing for certain."""

    __slots__ = ("conversation", "deadline", "is_over", "request")

    def __init__(self, conversation: Conversation[AnyEvent], request: HttpRequest, deadline: Nanos) -> None:
        self.conversation, self.request, self.deadline = conversation, request, deadline
        self.is_over = False


class Journeys:
    """All requests of one member. Each ends as exactly one event, repeated where the weather says so."""

    def __init__(
        self, agenda: Agenda, exchange: Exchange, user_id: str, limiter: Limiter, network: Network
    ) -> None:
        self._agenda, self._exchange, self._user_id = agenda, exchange, user_id
        self._limiter, self._network = limiter, network

    def begin(self, action: RequestAction) -> None:
        conversation = call(action, self._agenda.now)
        self._send(conversation, next(conversation))

    def _send(self, conversation: Conversation[AnyEvent], request: HttpRequest) -> None:
        """On its way. Where it is lost, before the venue or after, only the venue knows."""
        now, network = self._agenda.now, self._network
        self._limiter.spend(request.cost, now)
        trip = _Trip(conversation, request, now + network.weather.timeout)
        if network.happens(network.weather.request_lost):
            self._plan_to_give_up(trip)
        else:
            self._agenda.at(now + network.delay(), partial(self._arrive, trip))

    def _arrive(self, trip: _Trip) -> None:
        """At the exchange's door, where a fault may hold it; its sender's patience goes on running."""
        hold = self._exchange.faults.hold_ns(trip.request.method, BASE + trip.request.path)
        if not hold:
            self._enter(trip)
            return
        self._agenda.at(self._agenda.now + hold, partial(self._enter, trip))
        self._plan_to_give_up(trip)

    def _enter(self, trip: _Trip) -> None:
        """Handed over: from here on the exchange has done whatever it did."""
        now, network = self._agenda.now, self._network
        response = ask(self._exchange, self._user_id, now, trip.request)
        self._agenda.venue_moved()
        if network.happens(network.weather.answer_lost):
            self._plan_to_give_up(trip)
            return
        back = now + response.delay_ns + network.answer_delay()
        answer = CUT_OFF if response.reset else HttpResponse(0, response.status, response.body)
        if back > trip.deadline:
            self._plan_to_give_up(trip)
        else:
            self._agenda.at(back, partial(self._return, trip, answer))

    def _plan_to_give_up(self, trip: _Trip) -> None:
        when = max(trip.deadline, self._agenda.now)
        self._agenda.at(when, partial(self._return, trip, NO_ANSWER))

    def _return(self, trip: _Trip, answer: HttpResponse) -> None:
        """The first that comes back counts: an answer, or the end of patience."""
        if trip.is_over:
            return
        trip.is_over = True
        heard = HttpResponse(
            self._agenda.now, answer.status, answer.body, error=answer.error, was_sent=answer.was_sent
        )
        try:
            request = trip.conversation.send(heard)
        except StopIteration as done:
            self._tell(done.value)
            return
        self._send(trip.conversation, request)

    def _tell(self, event: AnyEvent) -> None:
        self._agenda.hear(event)
        if self._network.happens(self._network.weather.answer_repeated):
            again = self._agenda.now + self._network.answer_delay()
            self._agenda.at(again, partial(self._agenda.hear, event))
