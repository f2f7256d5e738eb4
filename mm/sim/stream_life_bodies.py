"""How the lives of markets and events are written on the stream (protocol section 10.3)."""

from __future__ import annotations

from collections.abc import Callable

from mm.sim.rest import Json
from mm.sim.rest_market_bodies import PPM, collateral_return, price_ranges_body
from mm.sim.rest_numbers import SECOND, price_text
from mm.sim.stream_bodies import json_text
from mm.sim.words import Event, EventFeeChanged, Market


def _created(market: Market) -> Json:
    return {
        "exchange_index": market.exchange_index,
        "open_ts": market.open_ns // SECOND,
        "close_ts": market.close_ns // SECOND,
        "price_level_structure": market.price_level_structure,
        "price_ranges": price_ranges_body(market.price_ranges),
        "additional_metadata": {
            "name": market.title,
            "title": market.title,
            "yes_sub_title": market.title,
            "no_sub_title": market.title,
            "rules_primary": "",
            "rules_secondary": "",
            "can_close_early": True,
            "event_ticker": market.event_ticker,
            "expected_expiration_ts": market.close_ns // SECOND,
            "strike_type": market.strike_type,
        },
    }


def _determined(market: Market) -> Json:
    body: Json = {"result": market.result, "determination_ts": market.determined_ns // SECOND}
    if market.settlement_value is not None:
        body["settlement_value"] = price_text(market.settlement_value)
    return body


def _new_grid(market: Market) -> Json:
    return {
        "price_level_structure": market.price_level_structure,
        "price_ranges": price_ranges_body(market.price_ranges),
    }


_LIFECYCLE: dict[str, Callable[[Market], Json]] = {
    "created": _created,
    "close_date_updated": lambda market: {"close_ts": market.close_ns // SECOND},
    "determined": _determined,
    "settled": lambda market: {"settled_ts": market.settled_ns // SECOND},
    "activated": lambda market: {"is_deactivated": False},
    "deactivated": lambda market: {"is_deactivated": True},
    "price_level_structure_updated": _new_grid,
}


def lifecycle(event_type: str, market: Market) -> str:
    """A market_lifecycle_v2 message; what it says besides depends on its ``event_type``."""
    body = {"market_ticker": market.ticker, "event_type": event_type}
    return json_text({**body, **_LIFECYCLE[event_type](market)})


def event(added: Event) -> str:
    """An event_lifecycle message: an event is new."""
    return json_text(
        {
            "event_ticker": added.event_ticker,
            "exchange_index": added.exchange_index,
            "title": added.title,
            "subtitle": "",
            "collateral_return_type": collateral_return(added),
            "series_ticker": added.series_ticker,
        }
    )


def event_fee(changed: EventFeeChanged) -> str:
    """An event_fee_update message; null where an override was cleared."""
    multiplier = changed.fee_multiplier_override_ppm
    return json_text(
        {
            "event_ticker": changed.event_ticker,
            "fee_type_override": changed.fee_type_override,
            "fee_multiplier_override": None if multiplier is None else multiplier / PPM,
        }
    )
