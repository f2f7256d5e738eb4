"""Shards of the exchange: a market lives on one, and cash on a shard pays for what is traded there alone
(protocol section 9). Here series of the category Crypto may be on a shard of their own, by a switch."""

from __future__ import annotations

from dataclasses import dataclass

from mm.sim.floor import Floor
from mm.sim.ledger import Account
from mm.sim.rules import paused
from mm.sim.subaccounts import account_of
from mm.sim.words import CashMoved, VenueError


@dataclass(frozen=True, slots=True)
class ShardTransfer:
    """Money that a member moved from one shard to another; ``client_id`` may be empty."""

    transfer_id: str
    client_id: str
    from_shard: int
    to_shard: int
    amount: int
    created_ns: int


class Shards:
    """Moves money between shards. At once: the exchange does it asynchronously, in an unknown time."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._transfers: dict[str, list[ShardTransfer]] = {}

    def transfers(self, user_id: str) -> list[ShardTransfer]:
        """Oldest first."""
        self._floor.account(user_id)
        return self._transfers.get(user_id, [])

    def transfer(
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
        """Raises VenueError 400 for an amount that is not positive, or not there, and for an unknown shard;
        404 for an unknown subaccount; 409 for a ``client_id`` used before from this shard, and in a pause."""
        floor = self._floor
        if not floor.exchange_active:
            raise paused(floor)
        giver = account_of(floor, user_id, from_subaccount)
        taker = account_of(floor, user_id, to_subaccount)
        self._require_fresh(user_id, client_id, from_shard)
        if not {from_shard, to_shard} <= floor.shards.keys() or amount <= 0:
            raise VenueError(400, "bad_request", details="a positive amount, between two shards that exist")
        if amount > giver.cash_on(from_shard):
            raise VenueError(400, "insufficient_balance")
        done = ShardTransfer(floor.new_id(), client_id, from_shard, to_shard, amount, floor.now)
        self._transfers.setdefault(user_id, []).append(done)
        giver.pay(from_shard, -amount)
        taker.pay(to_shard, amount)
        for account in {id(one): one for one in (giver, taker)}.values():
            self._tell(account)
        return done

    def _require_fresh(self, user_id: str, client_id: str, from_shard: int) -> None:
        known = ((one.client_id, one.from_shard) for one in self.transfers(user_id))
        if client_id and (client_id, from_shard) in known:
            raise VenueError(409, "transfer_already_exists")

    def _tell(self, account: Account) -> None:
        moved = CashMoved(self._floor.now, account.user_id, account.subaccount, account.funds())
        self._floor.announce(moved)
