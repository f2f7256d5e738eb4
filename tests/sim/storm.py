"""A seeded storm of requests: every operation of the table, its parameters drawn from the specification.

What a parameter may hold is drawn from the exchange as it is (its tickers, its orders), from the words of the
specification (enums, booleans), or is nonsense; so are the bodies.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

from mm.sim.rest import Response
from mm.sim.rest_routes import ROUTES, Route
from tests.sim.faces import OPEN, OTHER, SECOND, Face, order
from tests.sim.specs import Spec

MEMBERS = ("ann", "bob")
NONSENSE = ("", "x", "-1", "0", "1", "99999", "ü")
LIVE = tuple(route for route in ROUTES if "deprecated" not in route.handler.__name__)
# Order entry comes more often than its share of the table: without trades most answers would be empty lists.
_WEIGHTS = {
    "CreateOrderV2": 30,
    "CreateOrderGroup": 2,
    "ApplySubaccountTransfer": 2,
    "BatchCreateOrdersV2": 4,
    "CancelOrderV2": 3,
    "AmendOrderV2": 6,
    # only one market becomes history, late in a storm
    "GetHistoricalMarket": 3,
    "GetMarketCandlesticksHistorical": 4,
}


class Storm:
    """Asks one random request after the other. ``spec`` is the OpenAPI file."""

    def __init__(self, face: Face, spec: Spec, seed: int) -> None:
        self.face = face
        self.random = random.Random(seed)
        self._operations = {(method, path): one for method, path, one in spec.operations()}
        self._spec = spec
        self._weights = [_WEIGHTS.get(route.operation, 1) for route in LIVE]
        self._bodies: dict[str, Callable[[str], Any]] = {
            "CreateOrderV2": self._order,
            "BatchCreateOrdersV2": lambda user: {"orders": [self._order(user) for _ in range(3)]},
            "BatchCancelOrdersV2": lambda user: {"orders": [{"order_id": self._order_id(user)}] * 2},
            "AmendOrderV2": self._amend,
            "CreateOrderGroup": lambda user: {**self._limit(), "subaccount": self.random.choice([0, 0, 1])},
            "UpdateOrderGroupLimit": lambda user: self._limit(),
            "ApplySubaccountTransfer": lambda user: self._transfer(),
            "IntraExchangeInstanceTransfer": lambda user: self._move(),
            "UpdateSubaccountNetting": lambda user: {
                "subaccount_number": self.random.choice([0, 1]),
                "enabled": self.random.random() < 0.2,
            },
            "DecreaseOrderV2": lambda user: self._decrease(),
        }

    def operation(self, route: Route) -> Any:
        """The operation of the specification that a route of the exchange carries out."""
        return self._operations[route.method, route.pattern]

    def ask(self) -> tuple[Route, Response]:
        """Send one request of a random member."""
        (route,) = self.random.choices(LIVE, self._weights)
        user = self.random.choice(MEMBERS)
        # the one place where the specification calls an event's ticker just "ticker"
        pattern = route.pattern.replace("events/{ticker}", "events/{event_ticker}")
        path = re.sub(r"\{(\w+)\}", lambda found: self._part(found[1], user), pattern)
        names = [one for one in self._spec.parameters(self.operation(route)) if one["in"] == "query"]
        query = "&".join(self._argument(one, user) for one in names if self._is_given(one))
        write = self._bodies.get(route.operation)
        return route, self.face.ask(user, route.method, path, {} if write is None else write(user), query)

    # -- parameters -----------------------------------------------------------------------------------------
    def _is_given(self, parameter: Any) -> bool:
        return self.random.random() < (0.97 if parameter.get("required") else 0.15)

    def _argument(self, parameter: Any, user: str) -> str:
        return f"{parameter['name']}={self._value(parameter, user)}"

    def _value(self, parameter: Any, user: str) -> str:
        name, schema = parameter["name"], self._spec.resolved(parameter["schema"])
        if self.random.random() < 0.05:
            return self.random.choice(NONSENSE)
        if name.endswith("_ts"):
            return str(self.face.now // SECOND + self.random.randint(-600, 600))
        if "enum" in schema:
            return str(self.random.choice(schema["enum"]))
        if schema["type"] == "boolean":
            return self.random.choice(["true", "false"])
        if schema["type"] == "integer":
            return str(self.random.choice([0, 0, 1, 2, 60, 1000]))
        return self._part(name, user)

    def _part(self, name: str, user: str) -> str:
        """A value for a string, by what its name says it is."""
        venue = self.face.venue
        if self.random.random() < 0.03:
            return self.random.choice(["x", "KXNONE"])
        if name == "order_id":
            return self._order_id(user)
        if name == "order_group_id":
            return self._group_id(user)
        if name == "transfer_id":
            return next((one.transfer_id for one in venue.shard_transfers_of(user)), "none")
        for word, known in (("event", venue.events), ("series", venue.series), ("ticker", venue.markets)):
            if word in name:
                return self.random.choice(list(known))
        return "x"

    def _order_id(self, user: str) -> str:
        orders = self.face.venue.orders_of(user)[-20:]
        return self.random.choice(orders).order_id if orders else "none"

    def _group_id(self, user: str) -> str:
        groups = self.face.venue.groups_of(user)[-5:]
        return self.random.choice(groups).group_id if groups else "none"

    # -- bodies ---------------------------------------------------------------------------------------------
    def _count(self) -> str:
        return f"{self.random.randint(1, 800) / 100:.2f}"

    def _price(self) -> str:
        return f"{self.random.choice([*range(40, 60), 0, 100]) / 100:.2f}"

    def _order(self, user: str) -> dict[str, Any]:
        draw = self.random
        body = order(
            draw.choice(["bid", "ask"]), self._price(), self._count(), ticker=draw.choice([OPEN, OTHER])
        )
        if draw.random() < 0.3:
            body["time_in_force"] = draw.choice(["fill_or_kill", "immediate_or_cancel"])
        extras: dict[str, Any] = {
            "client_order_id": f"c{draw.randrange(10**9)}",
            "expiration_time": self.face.now // SECOND + draw.randint(0, 30),
            "post_only": True,
            "reduce_only": True,
            "cancel_order_on_pause": True,
            "self_trade_prevention_type": "maker",
            "count": 1,
            "order_group_id": self._group_id(user),
            "subaccount": draw.choice([0, 1, 2]),
        }
        return {**body, **{name: value for name, value in extras.items() if draw.random() < 0.1}}

    def _decrease(self) -> dict[str, Any]:
        word, ticker = self.random.choice(["reduce_by", "reduce_to"]), self.random.choice([OPEN, OTHER, ""])
        return {word: self._count(), "market_ticker": ticker}

    def _limit(self) -> dict[str, Any]:
        contracts = self.random.randint(0, 40)
        forms: list[dict[str, Any]] = [
            {"contracts_limit": contracts},
            {"contracts_limit_fp": f"{contracts}.50"},
            {"contracts_limit": contracts, "contracts_limit_fp": f"{contracts}.00"},
            {},
        ]
        return self.random.choice(forms)

    def _transfer(self) -> dict[str, Any]:
        here, there = self.random.choice([(0, 1), (0, 1), (1, 0), (0, 2), (0, 60)])
        name = f"00000000-0000-4000-8000-{self.random.randrange(10**12):012d}"
        return {
            "client_transfer_id": name,
            "from_subaccount": here,
            "to_subaccount": there,
            "amount_cents": self.random.randint(-1, 5_000),
        }

    def _move(self) -> dict[str, Any]:
        """From shard to shard, or on one between subaccounts."""
        here, there = self.random.choice([(0, 1), (1, 0), (0, 60)])
        shards = list(self.face.venue.shards)
        return {
            "source": "event_contract",
            "destination": "event_contract",
            "amount": self.random.randint(-1, 500_000),
            "source_exchange_shard": self.random.choice(shards),
            "destination_exchange_shard": self.random.choice(shards),
            "source_subaccount": here,
            "destination_subaccount": there,
        }

    def _amend(self, user: str) -> dict[str, Any]:
        known = self.face.venue.orders.get(self._order_id(user))
        ticker, side = (known.ticker, known.side) if known else (OPEN, "bid")
        return {"ticker": ticker, "side": side, "price": self._price(), "count": self._count()}


def decoded(response: Response) -> Any:
    """The JSON of a body, None where there is none."""
    return json.loads(response.body) if response.body else None
