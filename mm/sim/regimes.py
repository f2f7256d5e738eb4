"""Named climates of the simulated crowd: how fast, how informed, how deep."""

from __future__ import annotations

from dataclasses import dataclass

MILLISECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Regime:
    """Rates are a second and market, sizes whole contracts (means), distances cents.

    ``tolerance_k`` is k of A e^(-k delta), delta in cents: how far from fair a noise taker will go
    (Avellaneda and Stoikov 2008, section 2.4). ``maker_noise`` is the standard deviation of a maker's error
    in cents, which it forgets at the rate ``maker_forgets`` each requote. ``flicker`` is the chance that a
    requote pulls and replaces one untouched entry: so cancels fall evenly over the queue."""

    name: str
    requote_ns: int
    makers: int
    maker_lag_ns: int
    maker_noise: float
    maker_forgets: float
    maker_half_spread: float
    maker_levels: int
    maker_size: int
    flicker: float
    noise_rate: float
    noise_size: float
    tolerance_k: float
    informed_rate: float
    informed_size: float
    jumps_per_hour: float
    jump_seconds: float


_INDEX_HOUR = Regime(
    name="index_hour",
    requote_ns=2_000 * MILLISECOND,
    makers=3,
    maker_lag_ns=1_000 * MILLISECOND,
    maker_noise=0.6,
    maker_forgets=0.05,
    maker_half_spread=1.2,
    maker_levels=3,
    maker_size=150,
    flicker=0.2,
    noise_rate=0.25,
    noise_size=12,
    tolerance_k=0.7,
    informed_rate=0.02,
    informed_size=20,
    jumps_per_hour=4,
    jump_seconds=60,
)
_FAST_15_MINUTE = Regime(
    name="fast_15_minute",
    requote_ns=700 * MILLISECOND,
    makers=4,
    maker_lag_ns=300 * MILLISECOND,
    maker_noise=0.5,
    maker_forgets=0.1,
    maker_half_spread=0.8,
    maker_levels=3,
    maker_size=300,
    flicker=0.3,
    noise_rate=5.0,
    noise_size=60,
    tolerance_k=0.5,
    informed_rate=0.5,
    informed_size=40,
    jumps_per_hour=20,
    jump_seconds=10,
)
_QUIET = Regime(
    name="quiet",
    requote_ns=2_000 * MILLISECOND,
    makers=2,
    maker_lag_ns=1_000 * MILLISECOND,
    maker_noise=0.4,
    maker_forgets=0.05,
    maker_half_spread=2.0,
    maker_levels=3,
    maker_size=80,
    flicker=0.1,
    noise_rate=0.05,
    noise_size=8,
    tolerance_k=0.6,
    informed_rate=0.002,
    informed_size=10,
    jumps_per_hour=1,
    jump_seconds=60,
)
_TOXIC = Regime(
    name="toxic",
    requote_ns=500 * MILLISECOND,
    makers=3,
    maker_lag_ns=3_000 * MILLISECOND,
    maker_noise=0.8,
    maker_forgets=0.05,
    maker_half_spread=1.5,
    maker_levels=3,
    maker_size=120,
    flicker=0.2,
    noise_rate=0.15,
    noise_size=12,
    tolerance_k=0.8,
    informed_rate=0.5,
    informed_size=40,
    jumps_per_hour=30,
    jump_seconds=120,
)

REGIMES = {one.name: one for one in (_INDEX_HOUR, _FAST_15_MINUTE, _QUIET, _TOXIC)}
