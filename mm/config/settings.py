"""The configuration in the engine's words and units."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from mm.config.breaker import CircuitBreaker
from mm.config.desks import Desk
from mm.config.model import Config
from mm.core.settings import BreakerLimits, DeskSettings, EngineSettings, RiskLimits


def engine_settings(config: Config, run: str, markets: Mapping[str, tuple[str, ...]]) -> EngineSettings:
    """``run`` is unique to this start; ``markets`` are the chosen tickers by desk, empty if left out."""
    lifetime = config.quoting.order_lifetime_seconds
    return EngineSettings(
        instance=config.name,
        run=run,
        desks=tuple(
            DeskSettings(name, desk.strategy, markets.get(name, ()), risk_limits(config, desk))
            for name, desk in config.desks.items()
        ),
        max_total_exposure=config.limits.max_total_exposure_dollars.money,
        hard_cap_count=config.limits.max_order_contracts.units,
        hard_cap_value=config.limits.max_order_dollars.money,
        breaker=breaker_limits(config.circuit_breaker),
        refill_fraction=float(config.quoting.refill_fraction),
        order_lifetime=0 if lifetime is None else lifetime.nanos,
        close_on_shutdown=config.close_on_shutdown,
        flatten_on_feed_lost=config.on_disconnect == "flatten",
    )


def risk_limits(config: Config, desk: Desk) -> RiskLimits:
    """Of one desk: the tighter of its own and the account's."""
    account = config.limits
    return RiskLimits(
        max_position=desk.limits.max_position_contracts.units,
        max_order_count=min(desk.limits.max_order_contracts, account.max_order_contracts).units,
        max_order_value=min(desk.limits.max_order_dollars, account.max_order_dollars).money,
        max_event_exposure=desk.limits.max_event_exposure_dollars.money,
        price_collar=account.price_collar_cents.price,
    )


def breaker_limits(rules: CircuitBreaker) -> BreakerLimits:
    """``None`` stays ``None``: the rule is off."""
    rate, fraction = rules.error_rate, rules.daily_loss_fraction
    day, week, feed = rules.daily_loss_dollars, rules.weekly_loss_dollars, rules.feed_lost_seconds
    limits = BreakerLimits(
        max_consecutive_errors=rules.max_consecutive_errors,
        pnl_threshold=rules.pnl_threshold.money,
        max_inventory_imbalance=float(rules.max_inventory_imbalance),
        max_error_fraction=None if rate is None else float(rate.max_fraction),
        daily_loss_fraction=None if fraction is None else float(fraction),
        daily_loss=None if day is None else day.money,
        weekly_loss=None if week is None else week.money,
        losing_round_trips=rules.losing_round_trips,
        feed_lost=None if feed is None else feed.nanos,
    )
    if rate is None:
        return limits
    return msgspec.structs.replace(
        limits, error_window=rate.window_seconds.nanos, error_min_samples=rate.min_samples
    )
