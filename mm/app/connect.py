"""Getting to the exchange: the key, the gateway, and what must be read before the first event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event
from typing import TypeVar

from mm.app.errors import WRONG_CONFIGURATION, CannotRun
from mm.app.waiting import NotYet, judged
from mm.config.credentials import Credentials
from mm.config.exchange import Endpoints
from mm.config.model import Config
from mm.core.events import AnyEvent
from mm.core.units import Nanos
from mm.kalshi.auth import Signer
from mm.kalshi.calls import RequestAction, call
from mm.kalshi.conversation import Conversation, ReadError
from mm.kalshi.endpoint import endpoint
from mm.kalshi.gateway import Gateway, Timed
from mm.kalshi.guard import Guard, HardCaps
from mm.kalshi.key_file import KeyFileError, load_private_key
from mm.kalshi.limiter import Bucket, Limiter
from mm.kalshi.subaccount import read_subaccount
from mm.kalshi.venue import Allowance, bucket, read_allowance, read_exchange_status

T = TypeVar("T")
# Refill a second and capacity of the lowest tier, until the account's own are read (protocol section 13).
BASIC_READS = (200, 200)
BASIC_WRITES = (100, 100)


class Line:
    """The REST side of a run. ``listen`` is set once somebody hears the answers, ``on_fault`` is for a fault
    of ours in a sending thread; both are called on the loop's own thread. ``limiter`` is of the lowest tier
    until ``allowance`` is known."""

    def __init__(
        self,
        config: Config,
        endpoints: Endpoints,
        credentials: Credentials,
        clock: Callable[[], Nanos],
        timed: Timed,
        kill_switch: Callable[[], str],
    ) -> None:
        """``timed``: see `Gateway`; ``kill_switch``: see `Guard`.

        :raises CannotRun: (78) if the private key cannot be used.
        """
        try:
            key = load_private_key(credentials.private_key_path)
        except KeyFileError as error:
            raise CannotRun(str(error), WRONG_CONFIGURATION) from None
        self.endpoints = endpoints
        self._clock = clock
        self.signer = Signer(credentials.key_id, key)
        self.guard = Guard(
            HardCaps(config.limits.max_order_contracts.units, config.limits.max_order_dollars.money),
            kill_switch,
        )
        self.listen: Callable[[AnyEvent], None] = lambda event: None
        self.on_fault: Callable[[BaseException], None] = lambda fault: None
        loop = asyncio.get_running_loop()

        def report(fault: BaseException) -> None:
            loop.call_soon_threadsafe(lambda: self.on_fault(fault))

        self.limiter = Limiter(Bucket(*BASIC_WRITES))
        self.allowance: Allowance | None = None

        def answer(event: AnyEvent) -> None:
            if not loop.is_closed():  # after the end there is nobody left to tell
                loop.call_soon_threadsafe(lambda: self.listen(event))

        self.gateway = Gateway(
            endpoint(endpoints.rest_url),
            self.signer,
            answer,
            clock,
            self.guard,
            on_fault=report,
            reads=Bucket(*BASIC_READS),
            timed=timed,
            read_timeout=float(config.exchange.request_timeout_seconds),
        )

    def carry_out(self, action: RequestAction) -> AnyEvent:
        """One request on the calling thread, past the engine; its answer is not told to anybody else."""
        return self.gateway.run(call(action, self._clock()))

    async def hold(self, conversation: Conversation[T]) -> T:
        """A conversation on a thread of its own.

        :raises ReadError: as the conversation does.
        """
        return await asyncio.to_thread(self.gateway.run, conversation)

    async def close(self) -> None:
        await asyncio.to_thread(self.gateway.close)

    async def read_limits(self) -> None:
        """What this account may send, and which subaccount it is. Also proves address, key and clock.

        :raises CannotRun: in words for the operator; `NotYet` if time may mend it.
        """
        where = self.endpoints.rest_url
        try:
            status = await self.hold(read_exchange_status())
            await self.read_allowance()
            self.gateway.subaccount = await self.hold(read_subaccount())
        except ReadError as error:
            raise judged(f"cannot use the exchange at {where}", error) from None
        if not status.exchange_active:
            raise NotYet(f"the exchange at {where} is closed: see /exchange/schedule", "it is closed")

    async def read_allowance(self) -> Allowance:
        """What this account may send, to be kept from now on.

        :raises ReadError: if it cannot be read; then nothing changes.
        """
        found = await self.hold(read_allowance())
        read, write = found.limits.read, found.limits.write
        self.gateway.learn(read.refill_rate, read.bucket_capacity, found.costs)
        if self.allowance is None:
            self.limiter.learn(bucket(write), found.costs)
        else:
            self.limiter.resize(write.refill_rate, write.bucket_capacity, found.costs)
        self.allowance = found
        return found

    @property
    def was_told_too_many(self) -> Event:
        """Set by every 429, and cleared by whoever heeds it."""
        return self.gateway.was_told_too_many
