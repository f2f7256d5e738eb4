"""The age of market data: from the exchange's own stamp, of a sample of the frames."""

from __future__ import annotations

from mm.core.units import MILLISECOND, SECOND, Nanos
from mm.kalshi.age import LARGEST_LOOKED_AT, SAMPLE_EVERY, AgeSampler

NOW: Nanos = 1_790_000_000 * SECOND
DELTA = (
    b'{"type":"orderbook_delta","sid":1,"seq":2,"msg":{"market_ticker":"KXA","delta_fp":"1.00","ts_ms": %d}}'
)


def sampled(*frames: tuple[Nanos, bytes]) -> list[tuple[Nanos, Nanos]]:
    told: list[tuple[Nanos, Nanos]] = []
    sampler = AgeSampler(lambda age, ts: told.append((age, ts)))
    for ts, frame in frames:
        sampler.look(ts, frame)
    return told


def dated(before_now_ms: int) -> bytes:
    return DELTA % (NOW // MILLISECOND - before_now_ms)


def test_age_is_our_clock_less_theirs() -> None:
    assert sampled((NOW, dated(7))) == [(7 * MILLISECOND, NOW)]
    assert sampled((NOW, dated(-3))) == [(-3 * MILLISECOND, NOW)]


def test_other_times_in_a_message_are_not_its_stamp() -> None:
    assert sampled((NOW, b'{"type":"user_order","msg":{"created_ts_ms":1,"last_updated_ts_ms":2}}')) == []
    assert sampled((NOW, b'{"msg":{"ts_ms":"soon"}}'), (NOW, b"\xff"), (NOW, b"")) == []


def test_a_fast_stream_is_sampled_and_a_large_frame_is_not_searched() -> None:
    soon = NOW + SAMPLE_EVERY - 1
    later = NOW + SAMPLE_EVERY
    told = sampled((NOW, dated(1)), (soon, dated(2)), (later, dated(3)))
    assert [ts for _, ts in told] == [NOW, later]
    assert sampled((NOW, dated(1) + b" " * LARGEST_LOOKED_AT)) == []
