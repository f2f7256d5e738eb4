"""The simulated exchange under load, as a process of its own: frames out, orders in, memory.

Times are processor time of that process, for each frame, or for each order created and cancelled: "a second"
is what one whole core would do. Only `at the limit` fills one.
"""

from __future__ import annotations

import json
import statistics
import time
from contextlib import ExitStack
from itertools import count

from bench.exchange_process import WAIT_S, Member, Reader, RunningExchange, read_for, running_exchange
from bench.measure import Case, Row, Spent, compare

MARKETS = (1, 100, 1_000)
RATE = 20_000
TOO_MUCH = 500_000
READERS = 4
ROUNDS = 3
WARM_UP_S = 0.5
SECONDS = 1.0
PAIRS = 300
ORDERS = "/trade-api/v2/portfolio/events/orders"


def _named(markets: int) -> str:
    return f"{markets:,} market{'s' * (markets > 1)}"


# -- the stream ----------------------------------------------------------------------------------------------
def _stream(markets: int, rate: int = RATE, readers: int = 1, *, deflate: bool = False) -> Case:
    def case(spent: Spent) -> None:
        with running_exchange(markets, rate) as exchange:
            all_of_them = [Reader(exchange, exchange.markets, deflate=deflate) for _ in range(readers)]
            read_for(all_of_them, WARM_UP_S)
            before = exchange.cpu_ns()
            spent.operations += read_for(all_of_them, SECONDS)
            spent.nanos += exchange.cpu_ns() - before

    return case


def _streams() -> list[Row]:
    cases = {_named(markets): _stream(markets) for markets in MARKETS}
    cases[f"100 markets, {READERS} readers"] = _stream(100, readers=READERS)
    cases["100 markets, deflated"] = _stream(100, deflate=True)
    cases["100 markets, at the limit"] = _stream(100, TOO_MUCH)
    return compare("frame out", cases, "100 markets", ROUNDS)


# -- orders --------------------------------------------------------------------------------------------------
class _Trader:
    """Creates and cancels orders one after the other, far from the market. Signs before the clock runs."""

    def __init__(self, exchange: RunningExchange) -> None:
        self.exchange = exchange
        self._member = Member(exchange)
        self._numbers = count(1)

    def create(self, spent: Spent, wall: Spent) -> list[str]:
        headers = self.exchange.headers("POST", ORDERS)
        bodies = [self._body(number) for number, _ in zip(self._numbers, range(PAIRS), strict=False)]
        before, began = self.exchange.cpu_ns(), time.perf_counter_ns()
        answers = [self._member.ask("POST", ORDERS, headers, body) for body in bodies]
        wall.nanos += time.perf_counter_ns() - began
        spent.nanos += self.exchange.cpu_ns() - before
        return [answer["order_id"] for answer in answers]

    def cancel(self, orders: list[str], spent: Spent, wall: Spent) -> None:
        paths = [f"{ORDERS}/{order}" for order in orders]
        signed = [(path, self.exchange.headers("DELETE", path)) for path in paths]
        before, began = self.exchange.cpu_ns(), time.perf_counter_ns()
        for path, headers in signed:
            self._member.ask("DELETE", path, headers)
        wall.nanos += time.perf_counter_ns() - began
        spent.nanos += self.exchange.cpu_ns() - before

    def _body(self, number: int) -> bytes:
        order = {"ticker": self.exchange.markets[number % len(self.exchange.markets)], "side": "bid"}
        order |= {"client_order_id": f"bench-{number}", "price": "0.0100", "count": "1.00"}
        order |= {"time_in_force": "good_till_canceled", "self_trade_prevention_type": "taker_at_cross"}
        return json.dumps(order).encode()


def _pairs(trader: _Trader, *, until_answered: bool = False) -> Case:
    def case(spent: Spent) -> None:
        cpu, wall = Spent(), Spent()
        trader.cancel(trader.create(cpu, wall), cpu, wall)
        spent.operations += PAIRS
        spent.nanos += wall.nanos if until_answered else cpu.nanos

    return case


def _signatures(exchange: RunningExchange) -> Case:
    def case(spent: Spent) -> None:
        with spent.on(PAIRS):
            for _ in range(PAIRS):
                exchange.headers("POST", ORDERS)
                exchange.headers("DELETE", ORDERS)

    return case


def _orders(exchanges: dict[int, RunningExchange]) -> list[Row]:
    traders = {markets: _Trader(exchange) for markets, exchange in exchanges.items()}
    cases = {_named(markets): _pairs(trader) for markets, trader in traders.items()}
    cases["100 markets, until answered"] = _pairs(traders[100], until_answered=True)
    cases["two RSA signatures, client"] = _signatures(exchanges[100])
    return compare("order", cases, "100 markets", ROUNDS)


# -- memory --------------------------------------------------------------------------------------------------
def _memory(exchanges: dict[int, RunningExchange]) -> list[Row]:
    """What many markets cost, and what a reader does who never reads."""
    sizes = {_named(markets): [exchange.memory_mb()] for markets, exchange in exchanges.items()}
    sizes["100 markets, busy"], sizes["... and nobody reads"] = [], []
    for _ in range(ROUNDS):
        before, after = _deaf_reader()
        sizes["100 markets, busy"].append(before)
        sizes["... and nobody reads"].append(after)
    base = statistics.median(sizes["100 markets"])
    return [_row(name, values, base) for name, values in sizes.items()]


def _deaf_reader() -> tuple[float, float]:
    """Memory before, and once its subscription has ended with error 25, all of it unread until then."""
    with running_exchange(100, TOO_MUCH) as exchange:
        time.sleep(WARM_UP_S)
        before = exchange.memory_mb()
        reader = Reader(exchange, exchange.markets)
        time.sleep(SECONDS + WARM_UP_S)
        after = exchange.memory_mb()
        deadline = time.monotonic() + WAIT_S
        while b'"code":25' not in reader.last:
            assert time.monotonic() < deadline, "a reader who does not read was never told so"
            reader.read()
        return before, after


def _row(name: str, values: list[float], base: float) -> Row:
    ratios = sorted(value / base for value in values)
    middle, ratio = statistics.median(values), statistics.median(ratios)
    return Row("memory", name, middle, ratio, ratios[0], ratios[-1], "100 markets", unit="MB")


def measure() -> list[Row]:
    """The base of each table is an exchange with 100 markets. Raises AssertionError where a reader who does
    not read is not told so by error 25."""
    with ExitStack() as stack:
        exchanges = {markets: stack.enter_context(running_exchange(markets, 0)) for markets in MARKETS}
        memory = _memory(exchanges)
        orders = _orders(exchanges)
    return [*_streams(), *orders, *memory]
