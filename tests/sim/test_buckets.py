"""Token buckets: full at first, refilled to the nanosecond, never above what they hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mm.sim.buckets import NANO, TIERS, Bucket, Buckets, Limit


def test_a_bucket_refills_continuously_and_exactly() -> None:
    bucket = Bucket(Limit(rate=3, capacity=10), now=0)
    assert bucket.take(0, 10)
    assert not bucket.take(NANO // 3, 1)  # one nanosecond short of a whole token
    assert bucket.take(NANO // 3 + 1, 1)
    assert not bucket.take(NANO // 3 + 1, 1)


def test_an_idle_bucket_holds_no_more_than_its_capacity() -> None:
    bucket = Bucket(Limit(rate=100, capacity=200), now=0)
    assert bucket.take(1_000 * NANO, 200)
    assert not bucket.take(1_000 * NANO, 1)


def test_a_refusal_takes_nothing() -> None:
    bucket = Bucket(Limit(rate=1, capacity=10), now=0)
    assert not bucket.take(0, 11)
    assert bucket.take(0, 10)


@given(st.lists(st.tuples(st.integers(0, NANO), st.integers(1, 40)), max_size=50))
def test_no_pattern_of_requests_gets_more_than_capacity_and_rate(steps: list[tuple[int, int]]) -> None:
    limit = Limit(rate=50, capacity=100)
    bucket, now, taken = Bucket(limit, now=0), 0, 0
    for pause, cost in steps:
        now += pause
        taken += cost if bucket.take(now, cost) else 0
        assert taken * NANO <= limit.capacity * NANO + limit.rate * now


def test_members_and_budgets_do_not_share_a_bucket() -> None:
    buckets = Buckets(TIERS["basic"])
    assert buckets.take(0, "ann", ["write"], 100)
    assert not buckets.take(0, "ann", ["write"], 1)
    assert buckets.take(0, "ann", ["read"], 200)
    assert buckets.take(0, "bob", ["write"], 100)


def test_who_cannot_pay_from_all_of_several_budgets_pays_from_none() -> None:
    buckets = Buckets(TIERS["basic"])
    assert buckets.take(0, "ann", ["write 2"], 95)
    assert not buckets.take(0, "ann", ["write", "write 2"], 10)
    assert buckets.take(0, "ann", ["write"], 100)
    assert buckets.take(0, "ann", ["write 2"], 5)
