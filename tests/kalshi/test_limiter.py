"""Our buckets against the exchange's: whatever we do within our allowance, it never answers 429."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm.core.units import MILLISECOND, SECOND, Nanos
from mm.kalshi.conversation import Cost
from mm.kalshi.limiter import Bucket, Limiter


class ExchangeBucket:
    """Protocol section 13: continuous refill up to a capacity; a request that is not covered is a 429."""

    def __init__(self, rate: int, capacity: int) -> None:
        self.rate, self.capacity = rate, capacity
        self.level = capacity * SECOND
        self.at: Nanos = 0

    def admits(self, cost: int, now: Nanos) -> bool:
        self.level = min(self.capacity * SECOND, self.level + (now - self.at) * self.rate)
        self.at = now
        if self.level < cost * SECOND:
            return False
        self.level -= cost * SECOND
        return True


STEPS = st.lists(
    st.tuples(
        st.integers(0, 3 * SECOND),  # time since the last step
        st.integers(0, 30),  # wanted orders
        st.integers(0, 80),  # wanted cancels
        st.integers(0, 150 * MILLISECOND),  # delay of these requests on the way
    ),
    max_size=60,
)


@given(STEPS, st.sampled_from([(100, 100), (100, 200), (300, 600), (4_000, 8_000)]))
@settings(deadline=None)
def test_the_exchange_never_sees_too_much(
    steps: list[tuple[Nanos, int, int, Nanos]], tier: tuple[int, int]
) -> None:
    limiter, exchange = Limiter(Bucket(*tier)), ExchangeBucket(*tier)
    now: Nanos = 0
    arrival: Nanos = 0
    for wait, orders, cancels, delay in steps:
        now += wait
        allowed_orders, allowed_cancels = limiter.orders_allowed(now), limiter.cancels_allowed(now)
        arrival = max(arrival, now + delay)
        for kind, cost, n in (
            (Cost.CREATE, 10, min(orders, allowed_orders)),
            (Cost.CANCEL, 2, min(cancels, allowed_cancels)),
        ):
            limiter.spend(kind, now, n)
            assert all(exchange.admits(cost, arrival) for _ in range(n))


def test_cancels_have_a_share_that_orders_cannot_take() -> None:
    limiter = Limiter(Bucket(100, 100))
    assert limiter.orders_allowed(0) == 6  # 80 tokens, 20 kept for cancels
    assert limiter.cancels_allowed(0) == 10
    limiter.spend(Cost.CREATE, 0, 6)
    assert limiter.orders_allowed(0) == 0
    assert limiter.cancels_allowed(0) == 10


def test_the_allowance_comes_back_at_four_fifths_of_the_rate() -> None:
    limiter = Limiter(Bucket(100, 100))
    limiter.spend(Cost.CREATE, 0, 6)
    limiter.spend(Cost.CANCEL, 0, 10)
    assert limiter.cancels_allowed(0) == 0
    assert limiter.cancels_allowed(24 * MILLISECOND) == 0
    assert limiter.cancels_allowed(25 * MILLISECOND) == 1
    assert limiter.orders_allowed(375 * MILLISECOND) == 1
    assert limiter.orders_allowed(60 * SECOND) == 6


def test_after_a_429_nothing_is_left() -> None:
    limiter = Limiter(Bucket(100, 100))
    limiter.penalize(SECOND)
    assert limiter.orders_allowed(SECOND) == limiter.cancels_allowed(SECOND) == 0
    assert limiter.cancels_allowed(2 * SECOND) > 0


def test_what_cannot_wait_overdraws_and_is_paid_back() -> None:
    limiter = Limiter(Bucket(10, 10))
    limiter.spend(Cost.CANCEL_ALL, 0, 10)
    assert limiter.cancels_allowed(SECOND) == 0
    assert limiter.cancels_allowed(2 * SECOND) == 2


def test_reads_are_not_of_this_bucket() -> None:
    limiter = Limiter(Bucket(100, 100))
    before = limiter.orders_allowed(0)
    limiter.spend(Cost.READ, 0, 100)
    assert limiter.orders_allowed(0) == before


def test_a_clock_set_back_gives_nothing_away() -> None:
    bucket = Bucket(100, 100)
    bucket.take(80, 10 * SECOND)
    assert bucket.level(5 * SECOND) == 0
    assert bucket.level(11 * SECOND) == 80


@given(st.integers(1, 500), st.integers(1, 300))
@settings(deadline=None)
def test_waiting_as_long_as_told_is_enough(taken: int, tokens: int) -> None:
    bucket = Bucket(200, 400)
    bucket.take(taken, 0)
    wait = bucket.wait(tokens, 0)
    assert bucket.level(wait) >= min(tokens, bucket.capacity)
    assert wait == 0 or Bucket(200, 400).level(0) - taken < tokens


@pytest.mark.parametrize(("rate", "capacity", "share"), [(0, 1, 80), (1, 0, 80), (1, 1, 0), (1, 1, 101)])
def test_nonsense_is_refused(rate: int, capacity: int, share: int) -> None:
    with pytest.raises(ValueError, match="no such bucket"):
        Bucket(rate, capacity, share)


def test_costs_and_reserve_must_make_sense() -> None:
    with pytest.raises(ValueError, match="costs nothing"):
        Limiter(Bucket(1, 1), {Cost.CREATE: 0})
    with pytest.raises(ValueError, match="reserve"):
        Limiter(Bucket(1, 1), cancel_reserve_percent=100)


def test_a_bucket_takes_the_size_that_the_account_has() -> None:
    bucket = Bucket(200, 200, share_percent=100)
    bucket.take(50, 0)
    bucket.resize(1_000, 100)
    assert (bucket.capacity, bucket.level(0)) == (100, 100), "no more than it holds"
    bucket.take(100, 0)
    bucket.resize(1_000, 2_000)
    assert bucket.level(0) == 0, "a larger bucket is not a fuller one"
    assert bucket.level(SECOND) == 1_000
    with pytest.raises(ValueError, match="no such bucket"):
        bucket.resize(0, 100)
