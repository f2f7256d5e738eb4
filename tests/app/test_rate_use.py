"""How much of the exchange's limits is used: a minute's tokens against a minute's refill."""

from __future__ import annotations

from mm.app.rate_use import RateUse
from mm.core.units import SECOND, Nanos
from mm.kalshi.conversation import Cost
from mm.kalshi.limiter import Bucket, Limiter

START: Nanos = 1_700_000_000 * SECOND


def test_use_is_what_was_spent_in_the_last_minute() -> None:
    limiter = Limiter(Bucket(100, 1_000))
    told: dict[str, float | None] = {"writes": None, "reads": None}
    use = RateUse({"writes": lambda: limiter.bucket, "reads": lambda: None}, told)
    now = START
    use.on_time(now)
    assert told == {"writes": 0.0, "reads": None}, "what is not counted is not known"
    for _ in range(60):
        limiter.spend(Cost.CREATE, now)
        limiter.spend(Cost.CANCEL, now)
        limiter.spend(Cost.READ, now)
        now += SECOND
        use.on_time(now)
    assert told["writes"] == 12.0, "of 100 tokens a second"
    for _ in range(30):
        now += SECOND
        use.on_time(now)
    assert told["writes"] == 6.0
    now += 30 * SECOND
    use.on_time(now)
    assert told["writes"] == 0.0


def test_it_is_looked_at_once_a_second_and_goes_on_with_a_bucket_that_was_resized() -> None:
    bucket = Bucket(10, 100)
    told: dict[str, float | None] = {}
    use = RateUse({"reads": lambda: bucket}, told)
    use.on_time(START)
    bucket.take(60, START)
    use.on_time(START + SECOND // 2)
    assert told["reads"] == 0.0
    use.on_time(START + SECOND)
    assert told["reads"] == 10.0
    bucket.resize(20, 200)
    use.on_time(START + 2 * SECOND)
    assert told["reads"] == 5.0
