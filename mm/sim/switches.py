"""What the exchange's documents leave open (protocol section 15), as named switches with a default each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

DIRECT_MEMBER = 100  # balances move in steps of $0.0001
INTERMEDIARY_MEMBER = 10_000  # balances move in whole cents

AmendCross: TypeAlias = Literal["refuse", "cancel", "take"]


@dataclass(frozen=True, slots=True)
class Switches:
    """One reading of the rules. The letters name the open points of protocol section 15.

    - ``resting_orders_lock_cash`` (b): the entry check sets aside what resting orders may still cost.
    - ``post_only_cross`` (c): a crossing post-only create is refused with 400 (recorded), or accepted and
      canceled with reason PostOnlyCrossCancel.
    - ``post_only_cross_amend`` (c): an amend that makes a post-only order cross is refused, ends the order
      with that reason, or trades as a taker and rests with what is left, as section 5.2 says of crossing
      amends without exception. Neither AmendOrderV2Request nor the Order of the OpenAPI has ``post_only``,
      and the reason has another use: a quote's post-only order (CreateQuoteRequest).
    - ``market_not_open_status``, ``market_not_open_code``, ``trading_is_paused_status`` (e).
    - ``close_cancel_after_ns``: how long orders go on resting in a market that has closed, where no cancel
      reaches them. The exchange documents "shortly after"; 0 (at once) is the default so that stories are
      exact.
    - ``cancel_all_in_exchange_pause``: a cancel-all is refused as other cancels are, or accepted with a 204
      that sweeps nothing.
    - ``client_order_id_of`` (k): whose uses of a client order id count: those of the account, or of the
      subaccount alone.
    - ``most_position``: contracts (1/100) that an order may lead an account to, net, in one market; 0 is
      without limit. ``position_limit_status``, ``position_limit_code`` (f): what is answered beyond it.
    - ``order_semantics_code`` (f): for reduce-only without IOC and IOC with an expiry.
    - ``group_triggered_status``, ``group_triggered_code`` (f): for an order of a triggered group.
    - ``partly_filled_ioc_status`` (g).
    - ``weekly_pause``: trading pauses every Thursday from 03:00 to 05:00 in New York (section 8.1).
    - ``total_traded`` (h): positions count the money of every fill, or only of fills that open.
    - ``rebate_never_exceeds_fee`` (i): the rounding rebate is capped so that the net fee stays >= 0.
    - ``balance_unit``: smallest step of a balance, money (protocol section 12, ``u``).
    - ``crypto_shard``: the shard of series of the category Crypto, 2 by document (section 9); at 0 all are on
      one.
    - ``region_lapses_after_ns``: how long after the beginning the members' location attestation lapses; 0 is
      never. ``region_categories``: what keys cannot trade then, separated by commas (protocol section 2).
    - ``cancel_all_tail_ns``: for so long after a cancel-all, a newly resting order may still be swept, with
      chance ``cancel_all_tail_share``, at a seeded moment inside the tail. The exchange documents up to a
      minute; 0 (none) is the default so that stories are exact.
    """

    resting_orders_lock_cash: bool = False
    post_only_cross: Literal["refuse", "cancel"] = "refuse"
    post_only_cross_amend: AmendCross = "take"
    market_not_open_status: Literal[400, 409] = 409
    market_not_open_code: str = "market_not_open"
    close_cancel_after_ns: int = 0
    trading_is_paused_status: Literal[400, 409] = 409
    cancel_all_in_exchange_pause: Literal["refuse", "accept"] = "refuse"
    client_order_id_of: Literal["account", "subaccount"] = "account"
    most_position: int = 0
    position_limit_status: Literal[400, 409] = 400
    position_limit_code: str = "position_limit_exceeded"
    order_semantics_code: str = "invalid_order"
    group_triggered_status: Literal[400, 409] = 400
    group_triggered_code: str = "invalid_order"
    partly_filled_ioc_status: Literal["canceled", "executed"] = "canceled"
    total_traded: Literal["every_fill", "opening_fills"] = "every_fill"
    rebate_never_exceeds_fee: bool = True
    weekly_pause: bool = False
    balance_unit: int = DIRECT_MEMBER
    crypto_shard: int = 0
    region_lapses_after_ns: int = 0
    region_categories: str = "Sports,Elections,Entertainment"
    cancel_all_tail_ns: int = 0
    cancel_all_tail_share: float = 0.5

    def __post_init__(self) -> None:
        if self.balance_unit < 1:
            raise ValueError("balance_unit is 1 or more")
        if not 0.0 <= self.cancel_all_tail_share <= 1.0:
            raise ValueError("cancel_all_tail_share is 0 to 1")
