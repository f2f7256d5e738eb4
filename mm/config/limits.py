"""Limits of the whole account."""

from __future__ import annotations

from typing import Annotated

from mm.config.amounts import Cents, Contracts, Dollars
from mm.config.healthy import Healthy
from mm.config.section import Range, Section


class Limits(Section):
    """Of the whole account, over all desks; the tighter of desk and account wins."""

    max_total_exposure_dollars: Annotated[Dollars, Range(above=0, most=1_000_000_000)] = Dollars(300)
    """The most that can be lost on everything held and resting."""
    max_order_contracts: Annotated[Contracts, Range(above=0, most=10_000_000)] = Contracts(1000)
    """Of one order, checked once more where orders leave the process."""
    max_order_dollars: Annotated[Dollars, Range(above=0, most=1_000_000_000)] = Dollars(500)
    """Of one order, checked once more where orders leave the process."""
    price_collar_cents: Annotated[Cents, Range(above=0, most=100)] = Cents(15)
    """No quote, and no closing order, further than this from the middle of the market."""
    healthy: Healthy = Healthy()
    """What `kmm checklist` calls healthy; none of it stops trading."""
