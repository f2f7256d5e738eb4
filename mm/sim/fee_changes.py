"""Fees that change at a time set in advance: of a series, or of one event over its series
(protocol section 12)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from mm.sim.fees import fee_terms, market_terms
from mm.sim.floor import Floor
from mm.sim.words import Event, EventFeeChanged, VenueError


@dataclass(frozen=True, slots=True)
class SeriesFeeChange:
    """Takes effect at ``scheduled_ns``; the multiplier in millionths."""

    change_id: str
    series_ticker: str
    fee_type: str
    fee_multiplier_ppm: int
    scheduled_ns: int


@dataclass(frozen=True, slots=True)
class EventFeeChange:
    """``None`` clears an override: the event falls back to its series."""

    change_id: str
    event_ticker: str
    series_ticker: str
    fee_type_override: str | None
    fee_multiplier_override_ppm: int | None
    scheduled_ns: int


class FeeChanges:
    """Keeps what was scheduled, for ever, and applies it when its time comes; what fills before pays the
    old fee. A time that has come already applies at once."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self.of_series: list[SeriesFeeChange] = []
        self.of_events: list[EventFeeChange] = []

    def schedule_series(self, ticker: str, fee_type: str, multiplier_ppm: int, when: int) -> SeriesFeeChange:
        """Raises VenueError 404 for an unknown series, 400 for a fee that the schedule does not define."""
        series = self._floor.series.get(ticker)
        if series is None:
            raise VenueError(404, "not_found", details=f"series {ticker}")
        _require_multiplier(multiplier_ppm)
        wanted = replace(series, fee_type=fee_type, fee_multiplier_ppm=multiplier_ppm)
        fee_terms(wanted, Event("", ticker, ""))
        change = SeriesFeeChange(self._floor.new_id(), ticker, fee_type, multiplier_ppm, when)
        self.of_series.append(change)
        self._at(when, partial(self._apply_series, change))
        return change

    def schedule_event(
        self, ticker: str, fee_type: str | None, multiplier_ppm: int | None, when: int
    ) -> EventFeeChange:
        """Raises VenueError 404 for an unknown event, 400 for a fee that the schedule does not define."""
        event = self._floor.events.get(ticker)
        if event is None:
            raise VenueError(404, "not_found", details=f"event {ticker}")
        _require_multiplier(multiplier_ppm or 0)
        series = self._floor.series[event.series_ticker]
        fee_terms(series, replace(event, fee_type_override=fee_type))
        change = EventFeeChange(
            self._floor.new_id(), ticker, event.series_ticker, fee_type, multiplier_ppm, when
        )
        self.of_events.append(change)
        self._at(when, partial(self._apply_event, change))
        return change

    def _at(self, when: int, apply: partial[None]) -> None:
        if when <= self._floor.now:
            apply()
        else:
            self._floor.at(when, apply)

    def _apply_series(self, change: SeriesFeeChange) -> None:
        """The documents name no message of the stream for this one."""
        series = self._floor.series[change.series_ticker]
        series.fee_type = change.fee_type
        series.fee_multiplier_ppm = change.fee_multiplier_ppm
        series.updated_ns = self._floor.now
        for event in self._floor.events.values():
            if event.series_ticker == series.ticker:
                self._renew(event)

    def _apply_event(self, change: EventFeeChange) -> None:
        floor = self._floor
        event = floor.events[change.event_ticker]
        event.fee_type_override = change.fee_type_override
        event.fee_multiplier_override_ppm = change.fee_multiplier_override_ppm
        event.updated_ns = floor.now
        self._renew(event)
        fee_type, multiplier = change.fee_type_override, change.fee_multiplier_override_ppm
        floor.announce(EventFeeChanged(floor.now, event.event_ticker, fee_type, multiplier))

    def _renew(self, event: Event) -> None:
        floor = self._floor
        series = floor.series[event.series_ticker]
        for market in floor.markets.values():
            if market.event_ticker == event.event_ticker:
                floor.fee_terms[market.ticker] = market_terms(series, event, market, floor.now)


def _require_multiplier(multiplier_ppm: int) -> None:
    if multiplier_ppm < 0:
        raise VenueError(400, "invalid_fee_multiplier", details=str(multiplier_ppm))
