"""Handlers for fees that are scheduled to change: of series, and of events over their series."""

from __future__ import annotations

from operator import attrgetter

from mm.sim.fee_changes import EventFeeChange, SeriesFeeChange
from mm.sim.rest import Context, Json, Request, Response, reply
from mm.sim.rest_numbers import time_text
from mm.sim.rest_pages import page

PPM = 1_000_000


def series_changes(context: Context, request: Request) -> Response:
    """GET /series/fee_changes: those to come, with ``show_historical`` those that have come too."""
    query = request.query
    ticker, show_all = query.text("series_ticker"), query.flag("show_historical")
    rows = [
        series_change_body(one)
        for one in context.venue.series_fee_changes
        if ticker in ("", one.series_ticker) and (show_all or one.scheduled_ns > request.now)
    ]
    return reply(200, {"series_fee_change_arr": rows})


def event_changes(context: Context, request: Request) -> Response:
    """GET /events/fee_changes, in the order in which they were scheduled."""
    ticker = request.query.text("event_ticker")
    chosen = [one for one in context.venue.event_fee_changes if ticker in ("", one.event_ticker)]
    shown, cursor = page(chosen, attrgetter("change_id"), request.query)
    return reply(200, {"event_fee_changes": [event_change_body(one) for one in shown], "cursor": cursor})


def series_change_body(change: SeriesFeeChange) -> Json:
    return {
        "id": change.change_id,
        "series_ticker": change.series_ticker,
        "fee_type": change.fee_type,
        "fee_multiplier": change.fee_multiplier_ppm / PPM,
        "scheduled_ts": time_text(change.scheduled_ns),
    }


def event_change_body(change: EventFeeChange) -> Json:
    """A null clears what was set over the series."""
    multiplier = change.fee_multiplier_override_ppm
    return {
        "id": change.change_id,
        "event_ticker": change.event_ticker,
        "series_ticker": change.series_ticker,
        "fee_type_override": change.fee_type_override,
        "fee_multiplier_override": None if multiplier is None else multiplier / PPM,
        "scheduled_ts": time_text(change.scheduled_ns),
    }
