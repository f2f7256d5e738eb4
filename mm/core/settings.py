"""What the engine is told once, before the first event. Part of every journal's header, so that a replay
needs nothing else."""

from __future__ import annotations

import msgspec

from mm.core.memory import BreakerMemory
from mm.core.units import CENT, CONTRACT, MONEY_DOLLAR, SECOND, Count, Money, Nanos, Price


class RiskLimits(msgspec.Struct, frozen=True):
    """Of one desk. Exposure is the most that could be lost if everything open on the worse side filled."""

    max_position: Count = 100 * CONTRACT
    max_order_count: Count = 50 * CONTRACT
    max_order_value: Money = 50 * MONEY_DOLLAR
    max_event_exposure: Money = 200 * MONEY_DOLLAR
    price_collar: Price = 1_500


class BreakerLimits(msgspec.Struct, frozen=True):
    """The rules of the breaker; ``None`` switches a rule off. Losses are positive numbers here, except
    ``pnl_threshold``, which is a floor for the P&L as the operator's manual writes it (-100 dollars)."""

    max_consecutive_errors: int = 10
    pnl_threshold: Money = -100 * MONEY_DOLLAR
    max_inventory_imbalance: float = 0.8
    max_error_fraction: float | None = 0.10
    error_window: Nanos = 300 * SECOND
    error_min_samples: int = 50
    daily_loss_fraction: float | None = 0.05
    daily_loss: Money | None = 50 * MONEY_DOLLAR
    weekly_loss: Money | None = 250 * MONEY_DOLLAR
    losing_round_trips: int | None = 5
    feed_lost: Nanos | None = 15 * SECOND
    storage_lost: Nanos | None = 60 * SECOND
    # Of each desk by itself.
    desk_pnl_threshold: Money | None = None
    desk_losing_round_trips: int | None = None
    repeated_rejects: int | None = 10
    unknown_orders: int | None = 3
    # Orders that filled in full and were followed by another on the same side (control C08).
    cycle_window: Nanos = 60 * SECOND
    market_cycles: int | None = 60
    account_cycles: int | None = 240
    # How far our best quote of a side may move within `drift_window` (control C04).
    quote_drift: Price | None = 30 * CENT
    drift_window: Nanos = 10 * SECOND
    # A warning comes at this part of a limit; for the inventory at a part of its own.
    warn_fraction: float | None = 0.6
    warn_imbalance: float | None = 0.5
    # (from when, how much later than UTC the zone's clock is), in order: whose midnight begins a day.
    zone_offsets: tuple[tuple[Nanos, Nanos], ...] = ((0, 0),)


class DeskSettings(msgspec.Struct, frozen=True):
    """``markets`` are tickers; which ones was settled before the engine started."""

    name: str
    strategy: str
    markets: tuple[str, ...]
    limits: RiskLimits = RiskLimits()


class EngineSettings(msgspec.Struct, frozen=True):
    """``instance`` prefixes every client order id of this installation, ``run`` makes them unique for ever
    (protocol section 5.4): no two starts may share a ``run``."""

    instance: str
    run: str
    desks: tuple[DeskSettings, ...]
    # Which account at which exchange: what is remembered of another one's money does not count here.
    account: str = ""
    # What former runs leave behind: no restart resets the breaker.
    memory: BreakerMemory = BreakerMemory()
    # Since when fills may be untold, because no run watched; 0: since this start.
    fills_since: Nanos = 0
    max_total_exposure: Money = 1_000 * MONEY_DOLLAR
    # Of one order, whatever it is for; the shell checks the same once more before it leaves.
    hard_cap_count: Count = 1_000 * CONTRACT
    hard_cap_value: Money = 500 * MONEY_DOLLAR
    breaker: BreakerLimits = BreakerLimits()
    # How many times as fast as the clock the market lives, in thousandths: a recording played back at 20
    # times its speed is 20,000. Strategies see the market's time; everything else goes by the clock.
    market_speed_permille: int = 1_000
    # Levels of the book that a strategy sees, each side.
    depth: int = 5
    refill_fraction: float = 0.5
    order_lifetime: Nanos = 0
    # Whether the exchange itself cancels quotes when trading is paused, also if we are dead (control C14).
    cancel_on_pause: bool = True
    # How long before a planned pause of the exchange quotes are pulled (control C14).
    pull_before_pause: Nanos = 60 * SECOND
    # To what the exchange rounds an account's cash: $0.0001 for direct members, $0.01 for others.
    fee_precision: Money = 100
    # Whether positions are closed: at a shutdown; after a loss of the feed that tripped the breaker.
    close_on_shutdown: bool = False
    flatten_on_feed_lost: bool = False
    reconcile_every: Nanos = 30 * SECOND
    reconcile_soon: Nanos = 2 * SECOND
    # So long after a request has left, the exchange refuses its signature (protocol section 2: 30 s is always
    # rejected), so an order that is absent from a later read can never appear.
    absence_proof: Nanos = 31 * SECOND
    # Clocks may differ by this much when the exchange's "as of" is compared with ours.
    clock_tolerance: Nanos = 1 * SECOND
    # The sweep of a cancel-all may also take orders placed in the next minute (protocol section 5.3).
    cancel_all_hold: Nanos = 60 * SECOND
    cancel_all_over: int = 20
    # A settled market is let go when nothing of it has moved for this long: fills may be told late.
    retire_after: Nanos = 300 * SECOND
    # Longer than `absence_proof`, so that even an order in doubt can be proven absent before giving up.
    shutdown_patience: Nanos = 60 * SECOND


# What holds for a whole run: books, ids and strategies are built on it.
FIXED = (
    "instance",
    "run",
    "account",
    "memory",
    "fills_since",
    "market_speed_permille",
    "depth",
    "fee_precision",
)
FIXED_OF_DESK = ("name", "strategy", "markets")


def needs_restart(old: EngineSettings, new: EngineSettings) -> tuple[str, ...]:
    """The names of what differs and cannot change while running; empty if `Reconfigure` may carry ``new``."""
    names = [name for name in FIXED if getattr(old, name) != getattr(new, name)]
    if [_fixed(desk) for desk in old.desks] != [_fixed(desk) for desk in new.desks]:
        names.append("desks")
    return tuple(names)


def _fixed(desk: DeskSettings) -> list[object]:
    return [getattr(desk, name) for name in FIXED_OF_DESK]
