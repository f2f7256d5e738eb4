"""Subaccounts 0 to 63 of one member: cash and positions apart, orders never against each other
(protocol sections 5.5 and 7)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mm.sim.floor import Floor
from mm.sim.ledger import Account
from mm.sim.words import CashMoved, VenueError

MOST_SUBACCOUNTS = 63


def account_of(floor: Floor, user_id: str, subaccount: int) -> Account:
    """Number 0 is the primary account. Raises VenueError 404 for one that was never created."""
    primary = floor.account(user_id)
    account = primary if subaccount == 0 else primary.numbered.get(subaccount)
    if account is None:
        raise VenueError(404, "user_not_found", details=f"subaccount {subaccount} does not exist")
    return account


def permitted(locked: int | None, asked: int | None) -> int:
    """The subaccount a request is about, where its key may be ``locked`` to one (``None``: it is not) and the
    request may name one. A locked key that names none means its own; without either it is the primary.

    Raises VenueError 403 where a locked key asks for another (protocol section 2)."""
    if locked is None:
        return asked or 0
    if asked not in (None, locked):
        raise VenueError(
            403,
            "forbidden",
            details="this API key is restricted to a single sub-account and cannot access this endpoint",
        )
    return locked


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money moved between two subaccounts of one member."""

    transfer_id: str
    from_subaccount: int
    to_subaccount: int
    amount: int
    created_ns: int
    exchange_index: int = 0


class Subaccounts:
    """Opens subaccounts and moves money between them. Money in 1/1,000,000 dollar."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._transfers: dict[str, dict[str, Transfer]] = {}

    def create(self, user_id: str) -> int:
        """The number of a new subaccount, counted from 1. Raises VenueError 400 after the 63rd."""
        primary = self._floor.account(user_id)
        number = len(primary.numbered) + 1
        if number > MOST_SUBACCOUNTS:
            raise VenueError(400, "bad_request", details=f"more than {MOST_SUBACCOUNTS} subaccounts")
        self._floor.ledger.add_subaccount(primary, number)
        return number

    def balances(self, user_id: str) -> dict[int, int]:
        """Cash on all shards, by number of the subaccount."""
        primary = self._floor.account(user_id)
        return {one.subaccount: one.worth for one in primary.all()}

    def transfers(self, user_id: str) -> list[Transfer]:
        """Oldest first."""
        self._floor.account(user_id)
        return list(self._transfers.get(user_id, {}).values())

    def transfer(
        self,
        user_id: str,
        transfer_id: str,
        from_subaccount: int,
        to_subaccount: int,
        amount: int,
        shard: int,
    ) -> Transfer:
        """Asked again with the same ``transfer_id`` and the same terms, it is the same transfer and nothing
        moves; with other terms it is refused (409). What the exchange does there is not documented.

        Raises VenueError 400 for an amount that is not positive, or not there; 404 for an unknown number."""
        giver = account_of(self._floor, user_id, from_subaccount)
        taker = account_of(self._floor, user_id, to_subaccount)
        done = self._transfers.setdefault(user_id, {})
        wanted = Transfer(transfer_id, from_subaccount, to_subaccount, amount, self._floor.now, shard)
        if (earlier := done.get(transfer_id)) is not None:
            return _same_or_refused(earlier, wanted)
        if amount <= 0 or giver is taker:
            raise VenueError(400, "bad_request", details="a positive amount, between two subaccounts")
        if amount > giver.cash_on(shard):
            raise VenueError(400, "insufficient_balance")
        done[transfer_id] = wanted
        giver.pay(shard, -amount)
        taker.pay(shard, amount)
        self._tell(giver)
        self._tell(taker)
        return wanted

    def _tell(self, account: Account) -> None:
        moved = CashMoved(self._floor.now, account.user_id, account.subaccount, account.funds())
        self._floor.announce(moved)


def _same_or_refused(earlier: Transfer, wanted: Transfer) -> Transfer:
    if replace(earlier, created_ns=wanted.created_ns) != wanted:
        raise VenueError(409, "transfer_already_exists")
    return earlier
