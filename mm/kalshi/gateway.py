"""The REST side at work: actions in, exactly one event out for each, on a few threads.

It never retries, and decides nothing but the order of sending: a market's requests stay in order on one
thread; queries and cancel-all have threads of their own, so that neither waits for the other.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, RLock, Thread
from typing import Final, TypeVar

from mm.core.actions import AmendOrder, CancelAll, CancelOrder, PlaceOrder, QueryAccount, QueryOrder
from mm.core.events import AnyEvent
from mm.core.units import MILLISECOND, SECOND, Nanos
from mm.kalshi.auth import HeaderCache, Signer
from mm.kalshi.calls import ORDERS, OrderAction, RequestAction, call, doubt, refusal
from mm.kalshi.conversation import READS, Conversation, Cost, HttpRequest, HttpResponse
from mm.kalshi.endpoint import Endpoint
from mm.kalshi.guard import Guard
from mm.kalshi.http_client import CONNECT_TIMEOUT, READ_TIMEOUT, HttpClient, Stamps
from mm.kalshi.lane import Lane
from mm.kalshi.limiter import Bucket
from mm.kalshi.read_pace import ReadPace
from mm.kalshi.subaccount import within

T = TypeVar("T")
Emit = Callable[[AnyEvent], None]
Timed = Callable[[int, Nanos, Nanos, Nanos], None]
THREADS: Final = 4
REFRESH_SECONDS: Final = 1.0
# What waited longer for the wire was decided on a book that is gone. Long enough that no burst of quotes that
# the limiter lets pass is held back, short of what a request may take that hangs.
LATEST: Final[Nanos] = 3 * SECOND
WITHHELD: Final = ("withheld", "it had not left when all quotes were withdrawn")
TOO_LATE: Final = ("too_late", f"it waited over {LATEST // SECOND} s behind requests that hung")
TOO_MANY_REQUESTS: Final = 429


def _untimed(request_id: int, signing: Nanos, written_at: Nanos, answered_at: Nanos) -> None:
    """Nobody asked."""


class _Sender:
    """One thread, its connection and its queue."""

    def __init__(self, name: str, client: HttpClient) -> None:
        self.client = client
        self.lane = Lane()
        self.pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"kalshi-{name}")

    def close(self) -> None:
        self.pool.shutdown(wait=True)
        self.client.close()


class Gateway:
    """``emit`` is called from the sending threads, and from the caller's for what is refused at once; it must
    be safe for that. ``on_fault`` hears of an exception of ours in a sending thread: the request it belongs
    to is answered as in doubt, and the process should end. ``reads`` is the bucket of reads, used here only.
    ``timed(request_id, signing, written_at, answered_at)`` hears of every request about an order that left,
    on the thread that sent it, after its answer has been handed over. ``clock`` dates events, ``wall`` (the
    system's time) signatures. ``pause`` is how a read waits, given seconds: until then, or until the gateway
    closes. ``subaccount`` may be set once it is known: see `within`. ``was_told_too_many`` is set by every
    429, and cleared by whoever heeds it.
    """

    subaccount: int | None = None

    def __init__(
        self,
        endpoint: Endpoint,
        signer: Signer,
        emit: Emit,
        clock: Callable[[], Nanos],
        guard: Guard,
        *,
        on_fault: Callable[[BaseException], None],
        reads: Bucket | None = None,
        timed: Timed = _untimed,
        wall: Callable[[], Nanos] = time.time_ns,
        threads: int = THREADS,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = READ_TIMEOUT,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self._emit = emit
        self._clock = clock
        self._wall = wall
        self._guard = guard
        self._on_fault = on_fault
        self._timed = timed
        self._closing = Event()
        self._pace = ReadPace(reads, clock, pause or self._closing.wait)
        self.was_told_too_many = Event()
        self._withheld_until: Nanos = -1  # nothing yet
        self._door = RLock()  # nothing is queued once `close` has begun; a callback may submit again
        fixed = (("POST", endpoint.path + ORDERS), ("DELETE", endpoint.path + ORDERS))
        self._headers = HeaderCache(signer, fixed)

        def client() -> HttpClient:
            return HttpClient(
                endpoint,
                self._headers,
                clock,
                wall=wall,
                connect_timeout=connect_timeout,
                read_timeout=read_timeout,
            )

        self._new_client = client
        self._orders = [_Sender(f"orders-{number}", client()) for number in range(threads)]
        self._queries = _Sender("queries", client())
        self._sweeps = _Sender("cancel-all", client())
        self._refresher = Thread(target=self._refresh, name="kalshi-sign", daemon=True)
        self._refresher.start()

    # -- actions --------------------------------------------------------------------------------------
    def submit(self, action: RequestAction) -> None:
        """Carry out ``action``; exactly one event answers it, also after `close`."""
        with self._door:
            answer = self._refused(action)
            if answer is None:
                self._queue(action)
        if answer is not None:
            self._emit(answer)

    def _queue(self, action: RequestAction) -> None:
        sender = self._sender_of(action)
        sender.lane.put(action, self._clock())
        taken: list[RequestAction] = []
        work = sender.pool.submit(self._work, sender, taken)
        work.add_done_callback(lambda done: self._check(done, taken))

    def learn(self, refill_rate: int, capacity: int, costs: Mapping[Cost, int]) -> None:
        """How many tokens of reads the exchange gives in a second and at most at once, and what each costs.

        :raises ValueError: for numbers that are not positive.
        """
        self._pace.learn(refill_rate, capacity, costs)

    @property
    def reads(self) -> Bucket | None:
        """The bucket of reads, to look at."""
        return self._pace.bucket

    def withhold(self) -> None:
        """No create and no amend that is queued leaves any more; later ones do (invariant I5)."""
        self._withheld_until = self._clock()

    def close_gate(self) -> None:
        """From now on no create and no amend leaves, not even those already queued."""
        self._guard.close()

    def close(self) -> None:
        """Answers everything submitted so far, reads with that they were not made, then ends all threads."""
        with self._door:
            self._closing.set()
        self._refresher.join()
        for sender in (*self._orders, self._queries, self._sweeps):
            sender.close()

    def _sender_of(self, action: RequestAction) -> _Sender:
        match action:
            case QueryOrder() | QueryAccount():
                return self._queries
            case CancelAll():
                return self._sweeps
        return self._orders[zlib.crc32(action.ticker.encode()) % len(self._orders)]

    def _refused(self, action: RequestAction) -> AnyEvent | None:
        if self._closing.is_set():
            return self._after_close(action)
        if not isinstance(action, PlaceOrder | AmendOrder):
            return None
        objection = self._guard.objection(action)
        return None if objection is None else refusal(action, self._clock(), 0, *objection)

    def _after_close(self, action: RequestAction) -> AnyEvent:
        if isinstance(action, PlaceOrder | AmendOrder | CancelOrder):
            return refusal(action, self._clock(), 0, "not_sent", "the gateway is closed")
        return doubt(action, self._clock(), 0, "the gateway is closed")

    # -- on the threads ---------------------------------------------------------------------------------
    def _work(self, sender: _Sender, taken: list[RequestAction]) -> None:
        """One request, to its one event. ``taken`` holds the action until it is answered."""
        action, since = sender.lane.take()
        taken.append(action)
        sender.client.stamps = stamps = Stamps()
        event = self._answer(sender, action, since)
        taken.clear()
        self._emit(event)
        if isinstance(action, OrderAction) and stamps.written_at:
            self._timed(action.request_id, stamps.signing, stamps.written_at, event.ts)

    def _check(self, done: Future[None], taken: list[RequestAction]) -> None:
        """An exception is a fault of ours: the request is answered all the same, then it is reported."""
        fault = done.exception()
        if fault is None:
            return
        for action in taken:
            self._emit(doubt(action, self._clock(), 0, f"a fault of ours: {type(fault).__name__}"))
        self._on_fault(fault)

    def _answer(self, sender: _Sender, action: RequestAction, since: Nanos) -> AnyEvent:
        now = self._clock()
        if isinstance(action, PlaceOrder | AmendOrder):
            objection = self._objection(action, since, now)
            if objection is not None:
                return refusal(action, now, 0, *objection)
        return self._hold(call(action, now), sender.client)

    def _objection(self, order: PlaceOrder | AmendOrder, since: Nanos, now: Nanos) -> tuple[str, str] | None:
        """Against an order that was queued at ``since``."""
        if since <= self._withheld_until:
            return WITHHELD
        return TOO_LATE if now - since > LATEST else self._guard.objection(order)

    def _hold(self, conversation: Conversation[T], client: HttpClient) -> T:
        """Both sides of a conversation, to its result."""
        try:
            request = next(conversation)
            while True:
                request = conversation.send(self._send(request, client))
        except StopIteration as end:
            result: T = end.value
            return result

    def _send(self, request: HttpRequest, client: HttpClient) -> HttpResponse:
        """Reads wait for their bucket, and end with the gateway: a list may have hundreds of pages. Writes do
        neither: who decides on them has asked the limiter."""
        if request.cost in READS:
            if self._closing.is_set():
                return HttpResponse(self._clock(), 0, error="the gateway is closed", was_sent=False)
            self._pace.wait(request.cost)
        response = client.send(within(request, self.subaccount))
        if response.status == TOO_MANY_REQUESTS:
            self.was_told_too_many.set()
            if request.cost in READS:
                self._pace.drain(request.cost)
        return response

    def _refresh(self) -> None:
        while not self._closing.wait(REFRESH_SECONDS):
            self._headers.refresh(self._wall() // MILLISECOND)

    # -- start-up ---------------------------------------------------------------------------------------
    def run(self, conversation: Conversation[T]) -> T:
        """Holds a conversation on the calling thread, and returns what it learned.

        :raises ReadError: as the conversation does.
        """
        client = self._new_client()
        try:
            return self._hold(conversation, client)
        finally:
            client.close()
