"""The state of a running bot as one plain document, for `kmm status` and for every answer to an operator."""

from __future__ import annotations

from collections.abc import Mapping

from mm.core.engine import Engine
from mm.core.picture import DeskPicture, EnginePicture
from mm.observe.files import iso, seconds
from mm.observe.heartbeat import RESTING, status_word
from mm.observe.plain import amount
from mm.observe.status import breaker_form


def describe(engine: Engine, kill_reason: str, facts: Mapping[str, object]) -> dict[str, object]:
    """Dollars, contracts and epoch seconds; what is not known is ``None``. ``facts`` are those of the
    process, which do not change."""
    picture = engine.picture()
    realized, unrealized, fees = _sums(picture)
    return {
        **facts,
        "mode": picture.mode,
        "pauses": dict(picture.pauses),
        "status": status_word(picture),
        "kill_switch": kill_reason or None,
        "link_up": picture.link_up,
        "cash": None if picture.cash is None else amount(picture.cash),
        "pnl": {
            "realized": amount(realized),
            "unrealized": amount(unrealized),
            "fees": amount(fees),
            "total": amount(realized + unrealized - fees),
        },
        "open_orders": len(picture.orders),
        "resting_orders": _resting(picture, ""),
        "last_reconcile": seconds(picture.last_reconcile) if picture.last_reconcile else None,
        "breaker": breaker_form(picture.breaker, picture.now),
        "desks": [_desk(desk, picture) for desk in picture.desks],
        "as_of": seconds(picture.now) if picture.now else None,
        "as_of_iso": iso(picture.now) if picture.now else None,
    }


def _sums(picture: EnginePicture) -> tuple[int, int, int]:
    desks = picture.desks
    return (
        sum(desk.realized for desk in desks),
        sum(desk.unrealized for desk in desks),
        sum(desk.fees for desk in desks),
    )


def _resting(picture: EnginePicture, desk: str) -> int:
    """Of one desk, or of all."""
    return sum(1 for order in picture.orders if order.state.upper() in RESTING and desk in ("", order.desk))


def _desk(desk: DeskPicture, picture: EnginePicture) -> dict[str, object]:
    held = [market for market in desk.markets if market.position]
    return {
        "name": desk.name,
        "strategy": desk.strategy,
        "markets": len(desk.markets),
        "positions": len(held),
        "resting_orders": _resting(picture, desk.name),
        "realized": amount(desk.realized),
        "unrealized": amount(desk.unrealized),
        "fees": amount(desk.fees),
        "total": amount(desk.realized + desk.unrealized - desk.fees),
        "inventory_imbalance": desk.inventory_imbalance,
        "breaker": breaker_form(desk.breaker or picture.breaker, picture.now),
    }
