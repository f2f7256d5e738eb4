"""Switches of the two faces: what the documents leave open or let differ there, with a default each.

Those of the rules behind the faces stand in `switches`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mm.sim.incentives import Incentive

DAY = 86_400 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Ages:
    """How old (ns) a row may grow before it moves from the live paths to ``/historical`` (protocol section
    8): a market by its settlement, a trade or fill by its time, an order by its end, a position by its last
    change. By document about three months, orders two weeks."""

    markets: int = 90 * DAY
    trades: int = 90 * DAY
    orders: int = 14 * DAY
    positions: int = 90 * DAY


@dataclass(frozen=True, slots=True)
class FaceSwitches:
    """One reading of the faces.

    - ``liquidity``: also write a market's dropped ``liquidity_dollars``, which one client still demands.
    - ``sending_ts``: stamp each frame with ``sending_ts_ms`` (offered since about 30 September 2026).
    - ``most_connections``: streams a member may have open at once. ``most_markets``: markets in a
      subscription, beyond which is error 26 (500,000 by document). ``most_commands``: commands of one stream
      a second, beyond which is error 27 (about 10,000 by document).
    - ``shuffled``: channels go out in a seeded random order after each action; else in that of their first
      message (protocol section 15 j).
    - ``max_skew_ns``: how far the timestamp of a request may be off (15 d; 10 s were taken, 30 s refused).
    - ``ages``: when rows become history. ``incentives``: the programs that are listed.
    """

    liquidity: bool = False
    sending_ts: bool = False
    most_connections: int = 200
    most_markets: int = 500_000
    most_commands: int = 10_000
    shuffled: bool = True
    max_skew_ns: int = 10_000_000_000
    ages: Ages = Ages()
    incentives: tuple[Incentive, ...] = ()
