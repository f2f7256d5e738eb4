"""What a member may do at the venue beside orders: order groups and subaccounts."""

from __future__ import annotations

from mm.sim.groups import Groups
from mm.sim.shards import Shards, ShardTransfer
from mm.sim.subaccounts import Subaccounts, Transfer
from mm.sim.words import Group


class Members:
    """Part of `Venue`. Counts in 1/100 contract, money in 1/1,000,000 dollar; refusals are VenueError, as
    told in `groups.Groups` and `subaccounts.Subaccounts`."""

    def __init__(self, groups: Groups, subaccounts: Subaccounts, shards: Shards) -> None:
        self._groups = groups
        self._subaccounts = subaccounts
        self._shards = shards

    # -- order groups ---------------------------------------------------------------------------------------
    def create_group(self, user_id: str, limit: int, subaccount: int = 0, shard: int = 0) -> Group:
        """``limit``: how much may match in 15 seconds, 1 to 1,000,000 contracts; else VenueError 400."""
        return self._groups.create(user_id, limit, subaccount, shard)

    def groups_of(self, user_id: str, subaccount: int | None = None) -> list[Group]:
        """Oldest first; of all subaccounts with ``None``."""
        return self._groups.of(user_id, subaccount)

    def group(self, user_id: str, group_id: str, subaccount: int | None = None) -> Group:
        """Raises VenueError 404 for one that is not there, or in another subaccount."""
        return self._groups.get(user_id, group_id, subaccount)

    def group_orders(self, user_id: str, group_id: str) -> list[str]:
        """Ids of its resting orders, oldest first."""
        return self._groups.orders(self._groups.get(user_id, group_id, None))

    def group_matched(self, user_id: str, group_id: str) -> int:
        """Count matched within the last 15 seconds."""
        return self._groups.matched(self._groups.get(user_id, group_id, None))

    def reset_group(self, user_id: str, group_id: str, subaccount: int | None = None) -> None:
        self._groups.reset(self._groups.get(user_id, group_id, subaccount))

    def trigger_group(self, user_id: str, group_id: str, subaccount: int | None = None) -> None:
        self._groups.trigger(self._groups.get(user_id, group_id, subaccount))

    def set_group_limit(self, user_id: str, group_id: str, limit: int, subaccount: int | None = None) -> None:
        """A limit that the last 15 seconds have reached already triggers the group."""
        self._groups.set_limit(self._groups.get(user_id, group_id, subaccount), limit)

    def delete_group(self, user_id: str, group_id: str, subaccount: int | None = None) -> None:
        self._groups.delete(self._groups.get(user_id, group_id, subaccount))

    # -- subaccounts ----------------------------------------------------------------------------------------
    def create_subaccount(self, user_id: str) -> int:
        """Its number, from 1; without cash. Raises VenueError 400 after the 63rd."""
        return self._subaccounts.create(user_id)

    def transfer(
        self,
        user_id: str,
        transfer_id: str,
        from_subaccount: int,
        to_subaccount: int,
        amount: int,
        shard: int = 0,
    ) -> Transfer:
        """Between subaccounts, on one shard."""
        return self._subaccounts.transfer(user_id, transfer_id, from_subaccount, to_subaccount, amount, shard)

    def transfers_of(self, user_id: str) -> list[Transfer]:
        """Oldest first."""
        return self._subaccounts.transfers(user_id)

    def transfer_between_shards(
        self,
        user_id: str,
        amount: int,
        from_shard: int,
        to_shard: int,
        *,
        client_id: str = "",
        from_subaccount: int = 0,
        to_subaccount: int = 0,
    ) -> ShardTransfer:
        """See `shards.Shards.transfer`."""
        return self._shards.transfer(
            user_id,
            amount,
            from_shard,
            to_shard,
            client_id=client_id,
            from_subaccount=from_subaccount,
            to_subaccount=to_subaccount,
        )

    def shard_transfers_of(self, user_id: str) -> list[ShardTransfer]:
        """Oldest first."""
        return self._shards.transfers(user_id)

    def subaccount_balances(self, user_id: str) -> dict[int, int]:
        """Cash of every subaccount on all shards, by number."""
        return self._subaccounts.balances(user_id)
