"""The configuration in the engine's words and units."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from mm.config.amounts import Dollars, Seconds
from mm.config.breaker import CircuitBreaker
from mm.config.desks import Desk
from mm.config.model import Config
from mm.config.zones import zone_offsets
from mm.core.settings import BreakerLimits, DeskSettings, EngineSettings, RiskLimits
from mm.core.units import Money, Nanos


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
        cancel_on_pause=config.quoting.cancel_on_pause,
        pull_before_pause=config.quoting.pull_before_pause_seconds.nanos,
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
    fraction, desk = rules.daily_loss_fraction, rules.each_desk
    warn, warn_imbalance = rules.warn_at_fraction, rules.warn_inventory_imbalance
    limits = BreakerLimits(
        max_consecutive_errors=rules.max_consecutive_errors,
        pnl_threshold=rules.pnl_threshold.money,
        max_inventory_imbalance=float(rules.max_inventory_imbalance),
        max_error_fraction=None,
        daily_loss_fraction=None if fraction is None else float(fraction),
        daily_loss=_money(rules.daily_loss_dollars),
        weekly_loss=_money(rules.weekly_loss_dollars),
        losing_round_trips=rules.losing_round_trips,
        feed_lost=_nanos(rules.feed_lost_seconds),
        storage_lost=_nanos(rules.storage_lost_seconds),
        desk_pnl_threshold=_money(desk.pnl_threshold),
        desk_losing_round_trips=desk.losing_round_trips,
        repeated_rejects=desk.repeated_rejects,
        unknown_orders=rules.unknown_orders,
        cycle_window=rules.cycles.window_seconds.nanos,
        market_cycles=rules.cycles.per_market,
        account_cycles=rules.cycles.per_account,
        quote_drift=None,
        warn_fraction=None if warn is None else float(warn),
        warn_imbalance=None if warn_imbalance is None else float(warn_imbalance),
        zone_offsets=zone_offsets(rules.day_zone),
    )
    return _with_windows(limits, rules)


def _with_windows(limits: BreakerLimits, rules: CircuitBreaker) -> BreakerLimits:
    """The rules that come with a window of their own."""
    rate, drift = rules.error_rate, rules.quote_drift
    if rate is not None:
        limits = msgspec.structs.replace(
            limits,
            max_error_fraction=float(rate.max_fraction),
            error_window=rate.window_seconds.nanos,
            error_min_samples=rate.min_samples,
        )
    if drift is not None:
        limits = msgspec.structs.replace(
            limits, quote_drift=drift.cents.price, drift_window=drift.window_seconds.nanos
        )
    return limits


def _money(amount: Dollars | None) -> Money | None:
    return None if amount is None else amount.money


def _nanos(amount: Seconds | None) -> Nanos | None:
    return None if amount is None else amount.nanos
