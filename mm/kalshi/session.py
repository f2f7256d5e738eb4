"""One WebSocket conversation, without the socket: what to send, and what each frame means.

It decides when a book can be trusted: a lost, repeated or unreadable message never reaches the engine as
if nothing had happened. Time and randomness are arguments. Sources: protocol sections 10.1 and 10.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from mm.core.events import AnyEvent, BookGap, LinkDown, LinkUp, MarketStatus
from mm.core.units import SECOND, Nanos
from mm.kalshi import wire
from mm.kalshi.codec import to_event
from mm.kalshi.control import Control
from mm.kalshi.event_fees import EventFees
from mm.kalshi.fees import FeeTerms
from mm.kalshi.session_stats import SessionStats, untold
from mm.kalshi.subscription import ACCOUNT_CHANNELS, BOOK, MARKET_CHANNELS, Arrival, Subscription

PROBE_AFTER: Final[Nanos] = 5 * SECOND
SILENCE: Final[Nanos] = 12 * SECOND
NO_GAP_ALLOWED: Final = frozenset(ACCOUNT_CHANNELS)  # what is lost here has to be read back by REST
ACCOUNT_FRAMES: Final = (wire.FillFrame, wire.UserOrderFrame)
OF_THE_ACCOUNT: Final = frozenset({"fill", "user_orders", "user_order"})  # channels, and types of frames
_NEXT: Final = Arrival.NEXT
CHANNEL_OF: Final[dict[type, str]] = {
    wire.TickerFrame: "ticker",
    wire.TradeFrame: "trade",
    wire.FillFrame: "fill",
    wire.UserOrderFrame: "user_orders",
    wire.LifecycleFrame: "market_lifecycle_v2",
    wire.EventFeeFrame: "market_lifecycle_v2",
}


class Session:
    """``tickers``: the markets to follow. ``random`` gives floats in [0, 1).

    The caller passes every text frame to `receive`, calls `on_time` a few times a second, sends what
    `outgoing` returns after each call, and reconnects when ``wants_reconnect`` is not empty. ``subaccount``
    may be set: fills and orders of others are strays then. ``unread`` hears why a frame could not be used,
    and what the exchange complained of.
    """

    subaccount: int | None = None

    def __init__(
        self,
        tickers: Iterable[str],
        random: Callable[[], float],
        *,
        market_channels: Sequence[str] = MARKET_CHANNELS,
        account_channels: Sequence[str] = ACCOUNT_CHANNELS,
        unread: Callable[[Nanos, str], None] = untold,
    ) -> None:
        self.stats = SessionStats()
        self._unread = unread
        self.wants_reconnect = ""
        self._tickers = dict.fromkeys(tickers)
        self._random = random
        self._market_channels = tuple(dict.fromkeys((BOOK, *market_channels)))
        self._account_channels = tuple(account_channels)
        self._fees = EventFees()
        self._reset()

    def _reset(self) -> None:
        self._is_connected = False
        self._is_up = False
        self.wants_reconnect = ""
        self._heard: Nanos = 0
        self._control = Control(self._tickers, self._market_channels, self._account_channels, self._random)

    # -- what the caller asks -------------------------------------------------------------------------
    @property
    def is_up(self) -> bool:
        """Connected, and every subscription acknowledged."""
        return self._is_up

    @property
    def tickers(self) -> tuple[str, ...]:
        return tuple(self._tickers)

    @property
    def stale_tickers(self) -> tuple[str, ...]:
        """The markets without a trustworthy book."""
        return tuple(self._control.stale.tickers() if self._is_connected else self._tickers)

    @property
    def has_outgoing(self) -> bool:
        return bool(self._control.outgoing)

    def outgoing(self) -> list[str]:
        """The commands to send now; they are handed out once."""
        texts, self._control.outgoing = self._control.outgoing, []
        return texts

    def learn(self, terms: Iterable[FeeTerms]) -> None:
        """The series' fees of our markets, without which an event's fee change cannot be understood."""
        self._fees.learn(terms)

    # -- the link -------------------------------------------------------------------------------------
    def connected(self, ts: Nanos) -> list[str]:
        """The socket is open. Returns the commands to send."""
        self._reset()
        self._is_connected = True
        self._heard = ts
        self._control.start(ts)
        return self.outgoing()

    def disconnected(self, ts: Nanos, reason: str) -> list[AnyEvent]:
        """The socket is gone, or could not be opened: then there was no book to lose."""
        events: list[AnyEvent] = [LinkDown(ts, reason=reason)]
        if self._is_connected:
            events += [BookGap(ts, ticker, "disconnected") for ticker in self._tickers]
        self._reset()
        return events

    def on_time(self, ts: Nanos) -> None:
        """Time-outs: acknowledgements and snapshots that did not come, and a silent exchange."""
        if not self._is_connected:
            return
        self._control.on_time(ts)
        self.wants_reconnect = self.wants_reconnect or self._control.gave_up
        self._listen(ts)

    def _listen(self, ts: Nanos) -> None:
        """Pings prove a socket, not a working stream: ask for something that comes through the stream."""
        silence = ts - self._heard
        if silence >= SILENCE:
            self.wants_reconnect = f"no frame for {silence // SECOND} s"
        elif silence >= PROBE_AFTER:
            self._control.probe()
        else:
            self._control.forget_probe()

    # -- markets --------------------------------------------------------------------------------------
    def add_markets(self, ts: Nanos, tickers: Iterable[str]) -> None:
        """Follow these markets too; their snapshots will come."""
        new = [ticker for ticker in dict.fromkeys(tickers) if ticker not in self._tickers]
        self._tickers.update(dict.fromkeys(new))
        if new and self._is_connected:
            self._control.add_markets(ts, new)

    def drop_markets(self, tickers: Iterable[str]) -> None:
        """Follow these markets no longer."""
        gone = [ticker for ticker in dict.fromkeys(tickers) if ticker in self._tickers]
        for ticker in gone:
            del self._tickers[ticker]
        self._fees.forget(gone)
        if gone and self._is_connected:
            self._control.drop_markets(gone)

    def resubscribe(self, ts: Nanos, ticker: str) -> None:
        """The engine does not trust this book: no more deltas of it until a new snapshot."""
        if not self._is_connected or ticker not in self._tickers:
            return
        self._control.stale.discard(ticker)
        self._control.stale.add([ticker], ts)
        self._control.ask_for_snapshots([ticker])

    def reconnect(self, reason: str) -> None:
        """The engine does not trust this connection."""
        self.wants_reconnect = reason if self._is_connected else ""

    # -- frames ---------------------------------------------------------------------------------------
    def receive(self, ts: Nanos, frame: str | bytes) -> list[AnyEvent]:
        """The events that one frame tells, in order. Never raises, whatever the frame holds."""
        self._heard = ts
        self.stats.frames += 1
        try:
            message = wire.parse_frame(frame)
        except wire.Garbled as error:
            return self._on_garbled(ts, error)
        except wire.FrameError as error:
            reason = self._bad(str(error))
            self._mistrust(wire.torn_type(frame), reason)
            return self._lose_books(ts, reason)
        return _HANDLERS.get(type(message), Session._on_other)(self, ts, message)

    def _bad(self, reason: str) -> str:
        told = self.stats.could_not_read(reason)
        self._unread(self._heard, told)
        return told

    def _stray(self) -> list[AnyEvent]:
        self.stats.strays += 1
        return []

    def _on_book(self, ts: Nanos, frame: wire.OrderbookDelta | wire.OrderbookSnapshot) -> list[AnyEvent]:
        book = self._control.book
        if not book.sid or frame.sid != book.sid:
            return self._stray()
        if frame.seq <= 0:
            return self._lose_books(ts, self._bad("a book message without a sequence number"))
        if frame.seq <= book.last_seq:
            self.stats.duplicates += 1
            return []
        events = self._count(ts, book, frame.seq)
        if frame.msg.market_ticker not in self._tickers:
            return events + self._stray()
        told = self._book_event(ts, frame)
        return events + told if events else told

    def _book_event(self, ts: Nanos, frame: wire.OrderbookDelta | wire.OrderbookSnapshot) -> list[AnyEvent]:
        """A delta of a book that is not known is of no use; a snapshot makes it known."""
        ticker, stale = frame.msg.market_ticker, self._control.stale
        is_snapshot = type(frame) is wire.OrderbookSnapshot
        if ticker in stale and not is_snapshot:
            return []
        try:
            event = to_event(ts, frame)
        except wire.FrameError as error:
            return self._lose_books(ts, self._bad(str(error)), [ticker])
        if is_snapshot:
            stale.discard(ticker)
            self._control.answered(frame.id)
        return [] if event is None else [event]

    def _on_other(self, ts: Nanos, frame: Any) -> list[AnyEvent]:
        """Trades, tickers, and our own fills and orders; and types that we do not read, for their number."""
        subscription = self._control.of_sid(frame.sid)
        expected = CHANNEL_OF.get(type(frame))
        if expected is not None and (subscription is None or subscription.channel != expected):
            return self._stray()
        if subscription is not None and frame.seq and frame.seq <= subscription.last_seq:
            self.stats.duplicates += 1
            return []
        events = self._count(ts, subscription, frame.seq)
        if expected in self._market_channels and frame.msg.market_ticker not in self._tickers:
            return events + self._stray()
        try:
            return events + self._tell(ts, frame)
        except wire.FrameError as error:
            return events + self._mistrust(expected or "", self._bad(str(error)))

    def _tell(self, ts: Nanos, frame: Any) -> list[AnyEvent]:
        if type(frame) is wire.EventFeeFrame:
            statuses = [s for s in self._fees.update(ts, frame.msg) if s.ticker in self._tickers]
            return self._wonder(statuses)
        if type(frame) is wire.LifecycleFrame and frame.msg.market_ticker not in self._tickers:
            return []
        if type(frame) in ACCOUNT_FRAMES and self._is_elsewhere(frame.msg.subaccount):
            return self._stray()
        event = to_event(ts, frame)
        return [] if event is None else self._wonder([event])

    def _wonder(self, events: Sequence[AnyEvent]) -> list[AnyEvent]:
        """Terms that are not understood are told to the engine, and to people."""
        for event in events:
            if type(event) is MarketStatus and event.terms_unknown:
                self._bad(f"{event.ticker}: its fees or price ranges are now in words that are not known")
        return list(events)

    def _is_elsewhere(self, subaccount: int | None) -> bool:
        return self.subaccount is not None and subaccount not in (None, self.subaccount)

    def _mistrust(self, channel: str, reason: str) -> list[AnyEvent]:
        """A fill, or an order's end, that cannot be read is one that we do not know: start over, which reads
        all back."""
        if channel in OF_THE_ACCOUNT:
            self.wants_reconnect = reason
        return []

    def _on_garbled(self, ts: Nanos, error: wire.Garbled) -> list[AnyEvent]:
        reason, envelope = self._bad(str(error)), error.envelope
        subscription = self._control.of_sid(envelope.sid)
        events = self._count(ts, subscription, envelope.seq)
        if envelope.type.startswith("orderbook"):
            return events + self._lose_books(ts, reason)
        return events + self._mistrust(envelope.type, reason)

    def _count(self, ts: Nanos, subscription: Subscription | None, seq: int) -> list[AnyEvent]:
        """Notes a sequence number; after a gap, nothing of that subscription is known any more."""
        if subscription is None or not seq:
            return []
        arrival = subscription.arrive(seq)
        if arrival is _NEXT or arrival is Arrival.OLD:
            return []
        self.stats.gaps += 1
        if arrival is Arrival.IMPLAUSIBLE:
            return self._ended(ts, subscription, f"sequence number {seq}")
        if subscription is self._control.book:
            return self._lose_books(ts, f"sequence gap before {seq}")
        return []

    def _lose_books(self, ts: Nanos, reason: str, tickers: Iterable[str] | None = None) -> list[AnyEvent]:
        """Only of books still trusted: for the others a snapshot has been asked for already."""
        stale = self._control.stale
        lost = [t for t in (self._tickers if tickers is None else tickers) if t not in stale]
        stale.add(lost, ts)
        self._control.ask_for_snapshots(lost)
        return [BookGap(ts, ticker, reason) for ticker in lost]

    # -- acknowledgements and errors --------------------------------------------------------------------
    def _on_subscribed(self, ts: Nanos, frame: wire.Subscribed) -> list[AnyEvent]:
        if not self._control.subscribed(ts, frame):
            return self._stray()
        if self._is_up or not self._control.is_complete():
            return []
        self._is_up = True
        return [LinkUp(ts)]

    def _on_ok(self, ts: Nanos, frame: wire.Ok) -> list[AnyEvent]:
        events = self._count(ts, self._control.of_sid(frame.sid), frame.seq)
        self._control.answered(frame.id)
        try:
            forgotten = self._control.forgotten(frame)
        except wire.FrameError as error:
            self._bad(str(error))
            return events
        for subscription in forgotten:
            events += self._ended(ts, subscription, "the exchange does not list it")
        return events

    def _on_unsubscribed(self, ts: Nanos, frame: wire.Unsubscribed) -> list[AnyEvent]:
        subscription = self._control.of_sid(frame.sid)
        return self._stray() if subscription is None else self._ended(ts, subscription, "unsubscribed")

    def _on_error(self, ts: Nanos, frame: wire.Error) -> list[AnyEvent]:
        events = self._count(ts, self._control.of_sid(frame.sid), frame.seq)
        reason = self.stats.complained(frame.msg.code, frame.msg.msg)
        self._unread(ts, f"error {reason}")
        subscription, has_ended = self._control.complained(ts, frame)
        if subscription is None:
            return events + self._stray()
        return events + (self._ended(ts, subscription, reason) if has_ended else [])

    def _ended(self, ts: Nanos, subscription: Subscription, reason: str) -> list[AnyEvent]:
        self._control.renew(ts, subscription)
        reason = f"{subscription.channel}: {reason}"
        if subscription is self._control.book:
            return self._lose_books(ts, reason)
        if subscription.channel in NO_GAP_ALLOWED and self._is_up:
            self._is_up = False
            return [LinkDown(ts, reason=reason)]
        return []


_HANDLERS: Final[dict[type, Callable[[Session, Nanos, Any], list[AnyEvent]]]] = {
    wire.OrderbookDelta: Session._on_book,
    wire.OrderbookSnapshot: Session._on_book,
    wire.Subscribed: Session._on_subscribed,
    wire.Unsubscribed: Session._on_unsubscribed,
    wire.Ok: Session._on_ok,
    wire.Error: Session._on_error,
}
