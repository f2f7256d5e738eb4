"""Fee types and multipliers (protocol section 12), and an event's change of them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mm.core.events import FeeSchedule, MarketStatus
from mm.kalshi.event_fees import EventFees
from mm.kalshi.fees import FeeError, FeeTerms, fee_schedule
from mm.kalshi.wire import EventFeeMessage


@pytest.mark.parametrize(
    ("fee_type", "multiplier", "taker", "maker"),
    [
        ("quadratic", "1", 70_000, 0),
        ("quadratic", "0.5", 35_000, 0),
        ("quadratic", "0", 0, 0),
        ("quadratic_with_maker_fees", "1", 70_000, 17_500),
        ("quadratic_with_maker_fees", "0.5", 35_000, 8_750),
        ("quadratic_with_combo_maker_fees", "1", 70_000, 35_000),
        ("quadratic_with_maker_fees", "0.00001", 1, 1),
    ],
)
def test_the_published_fees(fee_type: str, multiplier: str, taker: int, maker: int) -> None:
    assert fee_schedule(fee_type, Decimal(multiplier)) == FeeSchedule(taker, maker)


@pytest.mark.parametrize(
    ("fee_type", "multiplier"), [("flat", "1"), ("quadratic", "-1"), ("quadratic", "NaN")]
)
def test_what_is_not_known_is_not_guessed(fee_type: str, multiplier: str) -> None:
    with pytest.raises(FeeError):
        fee_schedule(fee_type, Decimal(multiplier))


def test_an_event_overrides_its_series_and_gives_back() -> None:
    fees = EventFees()
    fees.learn([FeeTerms(t, "E", "quadratic", Decimal(1)) for t in ("E-1", "E-2")])
    override = EventFeeMessage("E", "quadratic_with_maker_fees", Decimal("0.5"))
    assert fees.update(7, override) == [
        MarketStatus(7, t, fees=FeeSchedule(35_000, 8_750)) for t in ("E-1", "E-2")
    ]
    assert [status.fees for status in fees.update(8, EventFeeMessage("E"))] == [FeeSchedule(70_000, 0)] * 2
    assert fees.update(9, EventFeeMessage("OTHER", "flat")) == []
    assert fees.update(9, EventFeeMessage("E", "flat")) == [
        MarketStatus(9, t, terms_unknown=True) for t in ("E-1", "E-2")
    ]


def test_a_waiver_makes_it_free_while_it_lasts() -> None:
    terms = FeeTerms("M", "E", "quadratic", Decimal(1), waived_until=100)
    assert terms.schedule(99) == FeeSchedule(0, 0)
    assert terms.schedule(100) == FeeSchedule(70_000, 0)
