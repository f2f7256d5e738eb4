# ruff: noqa: T201
# mypy: disable-error-code="import-not-found"
"""Holds a running ``kmm exchange`` against the exchange's own OpenAPI file, by a tool that knows neither.

    python tests/contract/run_schemathesis.py --cases 1000 [--only OPERATION ...] [--seed N]

Needs ``schemathesis`` (4.x), which is no part of this project's environment. Requests are drawn from the
specification, half of them broken on purpose; in half of the rest, names of markets, orders and groups are
put in that exist, for otherwise all answers would be 404. Prints a row an operation, and each failure once;
the exit code is 1 where there was one.
"""

from __future__ import annotations

import argparse
import base64
import random
import sys
import time
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import requests
import schemathesis
import yaml
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import Unsatisfiable
from requests.adapters import HTTPAdapter
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run as a script, by a foreign Python

from tests.contract.own_exchange import ROOT, OwnExchange, built_operations, own_exchange

SPECIFICATION = ROOT / ".." / "shared" / "kalshi" / "openapi.yaml"
CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance]
# What the recordings show beside the documented answers of an operation (protocol sections 2 and 5.7).
WIRE = {400, 401, 403, 404, 409, 429}
METHODS = ("get", "post", "put", "delete")
# What makes things comes first, and what takes them away last: otherwise the others would find nothing.
CREATING = ("CreateOrderGroup", "CreateOrderV2", "BatchCreateOrdersV2")
# Without an order that rests, these could only say 404; each right one gets a fresh order of its own.
ON_AN_ORDER = ("GetOrderQueuePosition", "AmendOrderV2", "DecreaseOrderV2", "CancelOrderV2")
WAIT_S = 30
MOST_KNOWN = 100
_PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)


class Signer(requests.auth.AuthBase):
    """Signs each request as it will be sent: the path with its escapes, without the query."""

    def __init__(self, exchange: OwnExchange) -> None:
        key = serialization.load_pem_private_key(Path(exchange.private_key_path).read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key, self._key_id = key, exchange.key_id

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        timestamp = str(time.time_ns() // 1_000_000)
        message = f"{timestamp}{request.method}{request.path_url.partition('?')[0]}".encode()
        signature = base64.b64encode(self._key.sign(message, _PSS, hashes.SHA256())).decode()
        request.headers["KALSHI-ACCESS-KEY"] = self._key_id
        request.headers["KALSHI-ACCESS-TIMESTAMP"] = timestamp
        request.headers["KALSHI-ACCESS-SIGNATURE"] = signature
        return request


class Known:
    """Values that make sense on the exchange, by the parameter or field that takes them; the ids of orders
    and groups are learned from the answers."""

    def __init__(self, exchange: OwnExchange) -> None:
        events = sorted({name.rpartition("-")[0] for name in exchange.markets})
        series = sorted({name.partition("-")[0] for name in exchange.markets})
        now = int(time.time())
        self._names: dict[str, list[Any]] = {
            **dict.fromkeys(("ticker", "market_ticker", "market_tickers", "tickers"), exchange.markets),
            **{name: [0] for name in ("exchange_index", "from_subaccount")},
            **{name: [0, 0, 1] for name in ("subaccount", "subaccount_number", "to_subaccount")},
            **{name: [now - 3600] for name in ("start_ts", "min_ts")},
            **{name: [now + 3600] for name in ("end_ts", "max_ts", "expiration_time")},
            "period_interval": [1, 60],
            "limit": [1, 100],
            "contracts_limit": [1, 100],
            "amount_cents": [1],
            "price": ["0.01", "0.40", "0.5000", "0.99"],
            **{name: ["1", "2.50"] for name in ("count", "reduce_by", "reduce_to", "contracts_limit_fp")},
            "event_ticker": events,
            "series_ticker": series,
            "order_id": [],
            "order_group_id": [],
        }

    def learn(self, answer: Any) -> None:
        if isinstance(answer, dict):
            for name in ("order_id", "order_group_id"):
                if isinstance(answer.get(name), str) and answer[name]:
                    self._names[name] = [*self._names[name][-MOST_KNOWN:], answer[name]]
            for one in answer.get("orders", ()):
                self.learn(one)

    def put_into(self, part: Any, draw: random.Random) -> None:
        """Replace, in a drawn part of a request, what has a name that we know."""
        if isinstance(part, list):
            for one in part:
                self.put_into(one, draw)
        if not isinstance(part, dict):
            return
        for name, value in part.items():
            names = self._names.get(name)
            if names and isinstance(value, list):
                part[name] = [draw.choice(names) for _ in value]
            elif names and value is not None:
                part[name] = draw.choice(names)
            else:
                self.put_into(value, draw)


class Run:
    """All cases of all operations; ``failures`` by what went wrong, each with its first request."""

    def __init__(self, exchange: OwnExchange) -> None:
        self.known = Known(exchange)
        self.failures: dict[str, str] = {}
        self.statuses: Counter[int] = Counter()
        self._url = exchange.rest_url
        self._markets = exchange.markets
        self._ticker = exchange.markets[2]  # a bin in the middle: 0.01 does not cross there
        self._session = requests.Session()
        self._session.auth = Signer(exchange)
        self._session.mount("http://", HTTPAdapter(pool_maxsize=1))

    def test(self, case: Any) -> None:
        """Send one case and judge the answer."""
        draw = random.Random(zlib.crc32(repr((case.path_parameters, case.query, case.body)).encode()))
        if draw.random() < 0.5:
            for part in (case.path_parameters, case.query, case.body):
                self.known.put_into(part, draw)
            if _name(case.operation) in ON_AN_ORDER:
                self._rest_an_order_for(case)
            if _name(case.operation) == "GetMarketCandlesticksByEvent":
                # the one place where the specification calls an event's ticker just "ticker"
                market = draw.choice(self._markets)
                names = {"series_ticker": market.partition("-")[0], "ticker": market.rpartition("-")[0]}
                case.path_parameters.update(names)
        response = case.call(base_url=self._url, session=self._session, timeout=WAIT_S, allow_redirects=False)
        self.statuses[response.status_code] += 1
        self._judge(case, response)
        if response.status_code < 300 and response.content:
            self.known.learn(response.json())

    def _rest_an_order_for(self, case: Any) -> None:
        order = {
            "ticker": self._ticker,
            "side": "bid",
            "price": "0.01",
            "count": "5",
            "time_in_force": "good_till_canceled",
            "self_trade_prevention_type": "taker_at_cross",
        }
        placed = self._session.post(f"{self._url}/portfolio/events/orders", json=order, timeout=WAIT_S)
        placed.raise_for_status()
        case.path_parameters["order_id"] = placed.json()["order_id"]
        for part in (case.query, case.body):
            if isinstance(part, dict):
                part.pop("subaccount", None)
                part.pop("client_order_id", None)
                part.update({name: order[name] for name in ("ticker", "side") if name in part})

    def _judge(self, case: Any, response: Any) -> None:
        operation = case.operation.definition.raw
        faults = []
        if str(response.status_code) not in operation["responses"] and response.status_code not in WIRE:
            faults.append(f"undocumented status {response.status_code}")
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            faults += [_told(one) for one in group.exceptions]
        except Failure as failure:
            faults.append(_told(failure))
        for fault in faults:
            key = f"{operation['operationId']}: {fault}"
            self.failures.setdefault(key, f"{case.as_curl_command()[:500]}\n    -> {response.text[:300]}")


def test_operation(run: Run, operation: Any, cases: int, number: int) -> Counter[int]:
    """At least ``cases`` requests of one operation; the statuses they were answered with.

    A strategy that has few different values ends early: it is then drawn from again.
    """
    run.statuses = Counter()
    for again in range(cases):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _draw(run, operation.as_strategy(mode), cases - cases // 2, number + again)
        if run.statuses.total() >= cases or not run.statuses:
            break
    return run.statuses


def _draw(run: Run, strategy: Any, cases: int, number: int) -> None:
    @seed(number)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def send(case: Any) -> None:
        run.test(case)

    try:
        send()
    except Unsatisfiable:
        return  # nothing can be broken in an operation without parameters


def _told(failure: BaseException) -> str:
    return " ".join(f"{type(failure).__name__}: {failure}".split())[:300]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Holds kmm exchange against the OpenAPI file.")
    parser.add_argument("--cases", type=int, default=1000, help="requests an operation, at least")
    parser.add_argument(
        "--only", nargs="*", default=[], help="operation ids; all that are built if not given"
    )
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _name(operation: Any) -> str:
    return str(operation.definition.raw.get("operationId"))


def _turn(operation: Any) -> int:
    if _name(operation) in CREATING:
        return CREATING.index(_name(operation)) - len(CREATING)
    return 1 if operation.method.upper() == "DELETE" else 0


def main() -> int:
    """Exit code 0 where nothing failed, 1 otherwise."""
    arguments = _arguments()
    document = yaml.load(SPECIFICATION.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    built = built_operations()
    schema = schemathesis.openapi.from_dict(document)
    with own_exchange("--tier", "prestige", "--regime", "quiet", "--balance", "1000000") as exchange:
        run = Run(exchange)
        total = 0
        operations = [result.ok() for result in schema.get_all_operations()]
        for operation in sorted(operations, key=_turn):
            name = _name(operation)
            if name not in built or (arguments.only and name not in arguments.only):
                continue
            statuses = test_operation(run, operation, arguments.cases, arguments.seed)
            total += statuses.total()
            row = " ".join(f"{status}:{count}" for status, count in sorted(statuses.items()))
            print(f"{name:36} {statuses.total():6}  {row}", flush=True)
    print(f"{total} requests, {len(run.failures)} kinds of failure")
    for failure, example in run.failures.items():
        print(f"\n* {failure}\n    {example}")
    return 1 if run.failures else 0


if __name__ == "__main__":
    sys.exit(main())
