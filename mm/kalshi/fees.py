"""From the exchange's names of fee types to fee rates.

Sources: protocol section 12. Precedence: a waiver, then the event's override, then the series.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import Final

import msgspec

from mm.core.events import FeeSchedule
from mm.core.units import Nanos

TAKER_PPM: Final = 70_000
MAKER_PPM: Final = {
    "quadratic": 0,
    "quadratic_with_maker_fees": 17_500,
    "quadratic_with_combo_maker_fees": 35_000,
}
HIGHEST_MULTIPLIER: Final = Decimal(100)
FREE: Final = FeeSchedule(taker_ppm=0, maker_ppm=0)


class FeeError(ValueError):
    """A fee type or multiplier whose meaning is not known: better no quote than a wrong cost."""


def fee_schedule(fee_type: str, multiplier: Decimal) -> FeeSchedule:
    """Rates in millionths, rounded up if the multiplier is finer than that.

    :raises FeeError: for an unknown type, or a multiplier outside 0 to 100.
    """
    if fee_type not in MAKER_PPM:
        raise FeeError(f"unknown fee type: {fee_type[:40]!r}")
    if not multiplier.is_finite() or not 0 <= multiplier <= HIGHEST_MULTIPLIER:
        raise FeeError("a fee multiplier outside 0 to 100")
    return FeeSchedule(_scaled(TAKER_PPM, multiplier), _scaled(MAKER_PPM[fee_type], multiplier))


def _scaled(ppm: int, multiplier: Decimal) -> int:
    return int((ppm * multiplier).to_integral_value(rounding=ROUND_CEILING))


class FeeTerms(msgspec.Struct, frozen=True):
    """What decides the fees of one market. ``waived_until`` is 0 if there is no waiver."""

    ticker: str
    event_ticker: str
    series_fee_type: str
    series_multiplier: Decimal
    waived_until: Nanos = 0

    def schedule(
        self, now: Nanos, fee_type_override: str | None = None, multiplier_override: Decimal | None = None
    ) -> FeeSchedule:
        """The fees at ``now``, given the event's overrides (``None``: not overridden).

        :raises FeeError: if they are in words that are not known.
        """
        if now < self.waived_until:
            return FREE
        return fee_schedule(
            self.series_fee_type if fee_type_override is None else fee_type_override,
            self.series_multiplier if multiplier_override is None else multiplier_override,
        )
