# ruff: noqa: T201
# mypy: disable-error-code="import-not-found"
"""A full life on the simulated exchange by a client that was written for the real one, unchanged.

    python tests/contract/independent_client.py

Needs ``kalshi-sdk`` (MIT; Python 3.12 or newer), a community client that this project has no part in: it
checks each answer and each frame against its own models. Only its addresses are set, and the exchange is
told to send the dropped ``liquidity_dollars``, which the client still demands (protocol section 16). Prints a
line a step; the exit code is 1 where a step failed. The exchange runs by this project's Python
(``KMM_PYTHON``).
"""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from collections.abc import Callable
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run as a script, by a foreign Python

from kalshi import AsyncKalshiClient, KalshiClient, KalshiConfig
from kalshi.auth import KalshiAuth
from kalshi.errors import KalshiError, KalshiNotFoundError
from kalshi.models.orders import (
    AmendOrderV2Request,
    BatchCancelOrdersV2Request,
    BatchCancelOrdersV2RequestOrder,
    BatchCreateOrdersV2Request,
    CreateOrderV2Request,
    DecreaseOrderV2Request,
)

from tests.contract.own_exchange import OwnExchange, own_exchange

WAIT_S = 60.0
# Where the rest takes place both best bids are at least so far from nothing: orders at a cent or two rest.
LEAST_BID = Decimal("0.10")


def order(ticker: str, side: str, price: str, count: str, **more: Any) -> CreateOrderV2Request:
    """A resting order, unless ``more`` says otherwise."""
    form = {
        "ticker": ticker,
        "client_order_id": str(uuid.uuid4()),
        "side": side,
        "price": Decimal(price),
        "count": Decimal(count),
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
        **more,
    }
    return CreateOrderV2Request.model_validate(form)


def until(arrived: Callable[[], bool]) -> None:
    """Ask again until it is so: reads trail the engine. Raises TimeoutError where it never is."""
    deadline = time.monotonic() + WAIT_S
    while not arrived():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)


class Life:
    """The steps, in order; ``client`` is the foreign one."""

    def __init__(self, client: KalshiClient) -> None:
        self.client = client
        self.ticker = ""
        self.order_id = ""

    def markets(self) -> str:
        """An open market with good bids on both of its legs is where the rest takes place."""
        listed = list(self.client.markets.list_all(status="open"))

        def is_found() -> bool:
            self.ticker = next((one.ticker for one in listed if self._is_busy(one.ticker)), "")
            return bool(self.ticker)

        until(is_found)
        market = self.client.markets.get(self.ticker)
        assert market.ticker == self.ticker
        event = self.client.events.get(market.event_ticker)
        return f"{len(listed)} open, {self.ticker} of {event.event_ticker}"

    def _is_busy(self, ticker: str) -> bool:
        book = self.client.markets.orderbook(ticker)
        return all(any(one.price >= LEAST_BID for one in leg) for leg in (book.yes, book.no))

    def orderbook(self) -> str:
        book = self.client.markets.orderbook(self.ticker)
        assert [one.price for one in book.yes] == sorted(one.price for one in book.yes)
        return f"{len(book.yes)} YES and {len(book.no)} NO bids"

    def create(self) -> str:
        placed = self.client.orders.create_v2(request=order(self.ticker, "bid", "0.01", "10"))
        assert (placed.fill_count, placed.remaining_count) == (0, 10)
        self.order_id = placed.order_id
        until(lambda: self._status() == "resting")
        return f"resting as {self.order_id}"

    def _status(self) -> str | None:
        try:
            return str(self.client.orders.get(self.order_id).status)
        except KalshiNotFoundError:
            return None

    def amend(self) -> str:
        form = AmendOrderV2Request(
            ticker=self.ticker, side="bid", price=Decimal("0.02"), count=Decimal("8.50")
        )
        amended = self.client.orders.amend_v2(self.order_id, request=form)
        assert amended.remaining_count == Decimal("8.50")
        return "0.02, 8.50 left"

    def decrease(self) -> str:
        form = DecreaseOrderV2Request(reduce_by=Decimal("2"), market_ticker=self.ticker)
        reduced = self.client.orders.decrease_v2(self.order_id, request=form)
        assert reduced.remaining_count == Decimal("6.50")
        return "6.50 left"

    def queue_position(self) -> str:
        until(lambda: any(one.order_id == self.order_id for one in self.client.orders.queue_positions()))
        return f"{self.client.orders.queue_position(self.order_id)} ahead"

    def cancel(self) -> str:
        gone = self.client.orders.cancel_v2(self.order_id, market_ticker=self.ticker)
        assert gone.reduced_by == Decimal("6.50")
        until(lambda: self._status() == "canceled")
        try:
            self.client.orders.cancel_v2(self.order_id, market_ticker=self.ticker)
        except KalshiNotFoundError:
            return "once; the second time it is not found"
        raise AssertionError("it could be cancelled twice")

    def batch(self) -> str:
        forms = [order(self.ticker, "bid", "0.01", "1"), order(self.ticker, "bid", "2.00", "1")]
        made = self.client.orders.batch_create_v2(request=BatchCreateOrdersV2Request(orders=forms)).orders
        assert made[0].order_id
        assert made[1].error is not None
        entry = BatchCancelOrdersV2RequestOrder(order_id=made[0].order_id)
        gone = self.client.orders.batch_cancel_v2(request=BatchCancelOrdersV2Request(orders=[entry, entry]))
        assert [one.reduced_by for one in gone.orders] == [1, 0]
        return "one of two made, then cancelled"

    def order_group(self) -> str:
        group = self.client.order_groups.create(contracts_limit=5)
        form = order(self.ticker, "bid", "0.01", "1", order_group_id=group.order_group_id)
        member = self.client.orders.create_v2(request=form).order_id
        assert member in (self.client.order_groups.get(group.order_group_id).orders or ())
        assert any(one.id == group.order_group_id for one in self.client.order_groups.list())
        self.client.order_groups.reset(group.order_group_id)
        self.client.order_groups.trigger(group.order_group_id)
        assert not self.client.order_groups.get(group.order_group_id).orders
        self.client.order_groups.delete(group.order_group_id)
        return "an order in it, reset, triggered, deleted"

    def take(self) -> str:
        until(lambda: self._is_busy(self.ticker))  # others trade too, and may have emptied a side
        form = order(self.ticker, "bid", "0.99", "2", time_in_force="immediate_or_cancel")
        taken = self.client.orders.create_v2(request=form)
        assert taken.fill_count == 2, taken
        self.order_id = taken.order_id
        return f"2 at {taken.average_fill_price}, fee {taken.average_fee_paid} each"

    def fills(self) -> str:
        def mine() -> Decimal:
            return sum(
                (one.count for one in self.client.portfolio.fills_all(order_id=self.order_id)), Decimal()
            )

        until(lambda: mine() == 2)
        return f"{mine()} contracts"

    def positions(self) -> str:
        def held() -> list[Any]:
            return [one for one in self.client.portfolio.positions_all() if one.ticker == self.ticker]

        until(lambda: bool(held()) and held()[0].position == 2)
        return f"{held()[0].position} YES, exposure {held()[0].market_exposure}"

    def balance(self) -> str:
        balance = self.client.portfolio.balance()
        assert 0 < balance.balance < 1_000_000
        return f"{balance.balance} cents"

    def settlements(self) -> str:
        return f"{len(list(self.client.portfolio.settlements_all()))} so far"

    def cancel_all(self) -> str:
        self.client.orders.create_v2(request=order(self.ticker, "bid", "0.01", "1"))
        self.client.orders.cancel_all_v2()
        until(lambda: not list(self.client.orders.list_all(status="resting")))
        return "nothing rests"

    def account(self) -> str:
        limits = self.client.account.limits()
        return f"tier {limits.usage_tier}"


async def stream(auth: KalshiAuth, config: KalshiConfig, ticker: str) -> str:
    """A snapshot of the book, then an order and a fill of our own, as the client's own models read them."""
    async with AsyncKalshiClient(auth=auth, config=config) as client, client.ws.connect() as session:
        fills = await session.subscribe_fill()
        orders = await session.subscribe_user_orders()
        # Last, because this client throws away the frames that come while it waits for an acknowledgement.
        books = await session.subscribe_orderbook_delta(tickers=[ticker])
        async with asyncio.timeout(WAIT_S):
            first = await anext(books)
            assert first.type == "orderbook_snapshot", f"{first.type} came first"
            form = order(ticker, "ask", "0.01", "2", time_in_force="immediate_or_cancel")
            placed = await client.orders.create_v2(request=form)
            fill = await anext(fills)
            told = await anext(orders)
    assert fill.msg.order_id == told.msg.order_id == placed.order_id
    return f"{first.type}, {fill.type}, {told.type}"


def run(exchange: OwnExchange) -> list[str]:
    """All steps; the names of those that failed. A failed step does not end the run."""
    config = KalshiConfig(base_url=exchange.rest_url, ws_base_url=exchange.ws_url)
    auth = KalshiAuth.from_key_path(exchange.key_id, exchange.private_key_path)
    failed = []
    with KalshiClient(auth=auth, config=config) as client:
        life = Life(client)
        names = (
            *("markets", "orderbook", "create", "amend", "decrease", "queue_position", "cancel", "batch"),
            *("order_group", "take", "fills", "positions", "balance", "settlements", "cancel_all", "account"),
        )
        steps = {name: getattr(life, name) for name in names}
        steps["stream"] = lambda: asyncio.run(stream(auth, config, life.ticker))
        for name, step in steps.items():
            try:
                print(f"ok      {name:15} {step()}", flush=True)
            except (KalshiError, AssertionError, TimeoutError, ValueError, LookupError) as error:
                failed.append(name)
                print(f"FAILED  {name:15} {type(error).__name__}: {error}", flush=True)
    return failed


def main() -> int:
    """Exit code 0 where all steps went well, 1 otherwise."""
    with own_exchange("--liquidity-dollars") as exchange:
        failed = run(exchange)
    verdict = f"failed: {', '.join(failed)}" if failed else "traded a full life on it, unchanged"
    print(f"kalshi-sdk {version('kalshi-sdk')}: {verdict}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
