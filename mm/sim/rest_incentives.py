"""Handler for the list of incentive programs."""

from __future__ import annotations

from operator import attrgetter

from mm.sim.incentives import Incentive
from mm.sim.rest import Context, Json, Request, Response, reply
from mm.sim.rest_numbers import count_text, time_text
from mm.sim.rest_pages import page
from mm.sim.venue import Venue

_STATUSES = frozenset({"all", "active", "upcoming", "closed", "paid_out"})
_KINDS = frozenset({"all", "liquidity", "volume", "margin_maker_volume", "margin_taker_volume"})


def list_programs(context: Context, request: Request) -> Response:
    """GET /incentive_programs: those of the face's switches, for the markets that exist."""
    query = request.query
    status, kind = query.choice("status", _STATUSES), query.choice("type", _KINDS)
    description = query.text("incentive_description")
    chosen = [
        one
        for one in context.switches.incentives
        if status in ("", "all", one.status(request.now))
        and kind in ("", "all", one.kind)
        and description in ("", one.description)
        and one.ticker in context.venue.markets
    ]
    shown, cursor = page(chosen, attrgetter("incentive_id"), query, most=10_000)
    rows = [incentive_body(one, context.venue) for one in shown]
    return reply(200, {"incentive_programs": rows, "next_cursor": cursor})


def incentive_body(incentive: Incentive, venue: Venue) -> Json:
    target = incentive.target_size
    return {
        "id": incentive.incentive_id,
        "market_id": venue.markets[incentive.ticker].market_id,
        "market_ticker": incentive.ticker,
        "incentive_type": incentive.kind,
        "incentive_description": incentive.description,
        "start_date": time_text(incentive.start_ns),
        "end_date": time_text(incentive.end_ns),
        "period_reward": incentive.period_reward,
        "paid_out": incentive.paid_out,
        "discount_factor_bps": incentive.discount_factor_bps,
        "target_size_fp": None if target is None else count_text(target),
        "max_reward_per_account": incentive.max_reward_per_account,
    }
