"""Order groups: a brake at the exchange that cancels a group's orders once too much of it has traded
(protocol section 6)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from mm.sim.floor import Floor
from mm.sim.matching import Interest
from mm.sim.rules import SECOND
from mm.sim.subaccounts import account_of
from mm.sim.trading import Trading
from mm.sim.words import COUNT_ONE, Group, GroupChanged, GroupEvent, Order, OrderRequest, VenueError

WINDOW_NS = 15 * SECOND
MOST_GROUPS = 100_000
LEAST_LIMIT, MOST_LIMIT = COUNT_ONE, 1_000_000 * COUNT_ONE


@dataclass(slots=True)
class _Window:
    """What one group matched in the last 15 seconds: (time, count), oldest first, and their sum."""

    matches: deque[tuple[int, int]] = field(default_factory=deque)
    total: int = 0

    def add(self, now: int, count: int) -> None:
        self.matches.append((now, count))
        self.total += count

    def at(self, now: int) -> int:
        """The sum at ``now``; a match 15 seconds old has left the window."""
        while self.matches and self.matches[0][0] <= now - WINDOW_NS:
            self.total -= self.matches.popleft()[1]
        return self.total


class Groups:
    """All members' order groups. Counts in 1/100 contract, the limit's too.

    A group that does not exist, belongs to somebody else or to another subaccount is one 404.
    """

    def __init__(self, floor: Floor, trading: Trading) -> None:
        self._floor = floor
        self._trading = trading
        self._groups: dict[str, dict[str, Group]] = {}
        self._windows: dict[str, _Window] = {}
        trading.on_match = self._count

    # -- what members ask for -------------------------------------------------------------------------------
    def create(self, user_id: str, limit: int, subaccount: int, shard: int) -> Group:
        """Raises VenueError 400 for a limit outside 1 to 1,000,000 contracts, or one group too many."""
        account_of(self._floor, user_id, subaccount)
        _require_limit(limit)
        mine = self._groups.setdefault(user_id, {})
        if len(mine) >= MOST_GROUPS:
            raise VenueError(400, "bad_request", details=f"more than {MOST_GROUPS} order groups")
        group = Group(self._floor.new_id(), user_id, limit, subaccount, exchange_index=shard)
        mine[group.group_id] = group
        self._windows[group.group_id] = _Window()
        self._tell(group, "created", limit)
        return group

    def of(self, user_id: str, subaccount: int | None) -> list[Group]:
        """Oldest first; of all subaccounts with ``None``."""
        self._floor.account(user_id)
        mine = self._groups.get(user_id, {}).values()
        return [one for one in mine if subaccount in (None, one.subaccount)]

    def get(self, user_id: str, group_id: str, subaccount: int | None) -> Group:
        self._floor.account(user_id)
        group = self._groups.get(user_id, {}).get(group_id)
        if group is None or subaccount not in (None, group.subaccount):
            raise VenueError(404, "not_found", "not found")
        return group

    def orders(self, group: Group) -> list[str]:
        """Ids of the orders of ``group`` that rest, oldest first. (Whether the exchange lists ended ones too
        is not documented.)"""
        return [order.order_id for _, order in self._resting(group)]

    def matched(self, group: Group) -> int:
        """Count matched within the window that ends now."""
        return self._windows[group.group_id].at(self._floor.now)

    def reset(self, group: Group) -> None:
        """Counter to 0, and orders are welcome again."""
        self._windows[group.group_id] = _Window()
        group.is_triggered = False
        self._tell(group, "reset")

    def trigger(self, group: Group) -> None:
        """Does nothing to a group that is triggered already. Raises VenueError in an exchange pause."""
        self._begin_cancels()
        if not group.is_triggered:
            self._stop(group)

    def set_limit(self, group: Group, limit: int) -> None:
        """A limit that the window has reached already triggers at once. Raises VenueError in an exchange
        pause, because it may cancel."""
        _require_limit(limit)
        self._begin_cancels()
        group.limit = limit
        self._tell(group, "limit_updated", limit)
        self._stop_if_reached(group)

    def delete(self, group: Group) -> None:
        """Cancels what rests of it. Raises VenueError in an exchange pause."""
        self._begin_cancels()
        self._cancel_resting(group)
        del self._groups[group.user_id][group.group_id]
        del self._windows[group.group_id]
        self._tell(group, "deleted")

    def require_welcome(self, user_id: str, request: OrderRequest) -> None:
        """Raises VenueError for an order whose group does not exist, on its shard, or is triggered."""
        if not request.order_group_id:
            return
        group = self.get(user_id, request.order_group_id, request.subaccount)
        if group.exchange_index != self._floor.market(request.ticker).exchange_index:
            raise VenueError(404, "not_found", "not found")
        if group.is_triggered:
            switches = self._floor.switches
            raise VenueError(
                switches.group_triggered_status,
                switches.group_triggered_code,
                details="order group is triggered",
            )

    # -- what trading does to them --------------------------------------------------------------------------
    def _count(self, order: Order, count: int) -> bool:
        """An order of a group has traded ``count``. Answers whether the group is stopped, so that an incoming
        order must not go on."""
        group = self._groups.get(order.user_id, {}).get(order.request.order_group_id)
        if group is None:
            return False
        self._windows[group.group_id].add(self._floor.now, count)
        self._stop_if_reached(group)
        return group.is_triggered

    def _stop_if_reached(self, group: Group) -> None:
        if not group.is_triggered and self.matched(group) >= group.limit:
            self._stop(group)

    def _stop(self, group: Group) -> None:
        group.is_triggered = True
        self._cancel_resting(group)
        self._tell(group, "triggered")

    def _cancel_resting(self, group: Group) -> None:
        """No reason is written with these cancels: none of the documented ones is about groups."""
        for interest, order in self._resting(group):
            self._trading.withdraw(interest, order.ticker, "")

    def _resting(self, group: Group) -> list[tuple[Interest, Order]]:
        resting = account_of(self._floor, group.user_id, group.subaccount).resting.values()
        pairs = [(one, one.order) for one in resting if one.order is not None]
        return [(one, order) for one, order in pairs if order.request.order_group_id == group.group_id]

    def _begin_cancels(self) -> None:
        self._floor.begin()
        if not self._floor.exchange_active:
            raise VenueError(self._floor.switches.trading_is_paused_status, "trading_is_paused")

    def _tell(self, group: Group, event_type: GroupEvent, limit: int | None = None) -> None:
        self._floor.announce(
            GroupChanged(self._floor.now, group.user_id, group.group_id, event_type, limit, group.subaccount)
        )


def _require_limit(limit: int) -> None:
    if not LEAST_LIMIT <= limit <= MOST_LIMIT:
        raise VenueError(400, "bad_request", details="contracts_limit must be 1 to 1000000 contracts")
