"""What an API key may do: its scopes, and the one subaccount it may be locked to (protocol section 2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from mm.sim.words import VenueError

Scope: TypeAlias = Literal[
    "read",
    "write",
    "read::block_trade_accept",
    "read::portfolio_balance",
    "write::trade",
    "write::transfer",
    "write::fcm_risk",
    "write::block_trade_accept",
]
SCOPES: tuple[Scope, ...] = get_args(Scope)
MOST_SUBACCOUNTS = 63
LOCKED = "this API key is restricted to a single sub-account and cannot access this endpoint"


class BadRights(ValueError):
    """Scopes or a subaccount that no key can have; the message says why."""


def forbidden(details: str) -> VenueError:
    """The 403 of a key that may not. Its code was never captured (protocol section 5.7): a choice of ours."""
    return VenueError(403, "forbidden", details=details)


@dataclass(frozen=True, slots=True)
class Rights:
    """``scopes``: a parent scope grants all of its children. ``subaccount``: None where the key is not locked
    to one. Raises BadRights for an unknown scope, for ``write`` without ``read``, and a number beyond 63."""

    scopes: frozenset[str] = frozenset({"read", "write"})
    subaccount: int | None = None

    def __post_init__(self) -> None:
        unknown = sorted(self.scopes - set(SCOPES))
        if unknown or not self.scopes:
            raise BadRights(f"no scope: {', '.join(unknown) or 'none given'}; there are {', '.join(SCOPES)}")
        if "write" in self.scopes and "read" not in self.scopes:
            raise BadRights("the scope write requires read")
        if self.subaccount is not None and not 0 <= self.subaccount <= MOST_SUBACCOUNTS:
            raise BadRights(f"subaccount {self.subaccount} is not 0 to {MOST_SUBACCOUNTS}")

    @staticmethod
    def of(scopes: Iterable[str], subaccount: int | None = None) -> Rights:
        return Rights(frozenset(scopes), subaccount)

    def require(self, scope: Scope) -> None:
        """Raises VenueError (403) where neither ``scope`` nor its parent is granted."""
        if not {scope, scope.partition("::")[0]} & self.scopes:
            raise forbidden(f"this API key lacks the scope {scope}")

    def own(self, asked: int | None, default: int) -> int:
        """The subaccount that a request is about. Raises VenueError (403) where the key is locked to
        another one."""
        return default if (one := self.any(asked)) is None else one

    def any(self, asked: int | None) -> int | None:
        """As `own`, but None, for all of them, where an unlocked key names none."""
        if self.subaccount is None:
            return asked
        if asked not in (None, self.subaccount):
            raise forbidden(LOCKED)
        return self.subaccount

    def require_whole(self) -> None:
        """Raises VenueError (403) for a locked key: what is asked concerns the member as a whole."""
        if self.subaccount is not None:
            raise forbidden(LOCKED)


FULL = Rights()
