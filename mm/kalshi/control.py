"""What we asked the WebSocket for, and what it has acknowledged: the commands' side of a session.

Sources: protocol section 10.1. Commands are queued here as text; nothing here reads market data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from mm.core.units import Nanos
from mm.kalshi import commands, wire
from mm.kalshi.stale_books import StaleBooks
from mm.kalshi.subscription import BOOK, Subscription

MOST_ATTEMPTS: Final = 5
MOST_UPDATES: Final = 1_000
TERMINAL_CODES: Final = frozenset(
    {7, 10, 25}
)  # the subscription is gone: unknown sid, channel error, overflow
_channels: msgspec.json.Decoder[list[wire.Channel]] = msgspec.json.Decoder(list[wire.Channel])


class Control:
    """The subscriptions of one connection. ``tickers`` is the session's own set of markets, shared."""

    def __init__(
        self,
        tickers: dict[str, None],
        market_channels: Sequence[str],
        account_channels: Sequence[str],
        random: Callable[[], float],
    ) -> None:
        self.stale = StaleBooks()
        self.outgoing: list[str] = []
        self.gave_up = ""
        self._tickers = tickers
        self._market_channels = market_channels
        self._random = random
        self.subscriptions = {name: Subscription(name) for name in (*market_channels, *account_channels)}
        self.book = self.subscriptions[BOOK]
        self._updates: dict[int, Subscription] = {}
        self._last_id = 0
        self._probe_id = 0

    # -- asking -----------------------------------------------------------------------------------------
    def start(self, ts: Nanos) -> None:
        """A new connection: subscribe to everything."""
        self.stale.add(self._tickers, ts)
        for subscription in self.subscriptions.values():
            self._subscribe(subscription, ts)

    def on_time(self, ts: Nanos) -> None:
        """Ask again for what did not come."""
        for subscription in self.subscriptions.values():
            if subscription.due and ts >= subscription.due:
                self._subscribe_again(subscription, ts)
        if self.book.sid:
            self.ask_for_snapshots(self.stale.overdue(ts))

    def add_markets(self, ts: Nanos, tickers: Sequence[str]) -> None:
        self.stale.add(tickers, ts)
        for channel in self._market_channels:
            subscription = self.subscriptions[channel]
            if subscription.sid:
                self._update(subscription, "add_markets", tickers)
            elif not subscription.due:
                self._subscribe(subscription, ts)

    def drop_markets(self, tickers: Sequence[str]) -> None:
        for ticker in tickers:
            self.stale.discard(ticker)
        for channel in self._market_channels:
            if self.subscriptions[channel].sid:
                self._update(self.subscriptions[channel], "delete_markets", tickers)

    def ask_for_snapshots(self, tickers: Sequence[str]) -> None:
        if tickers and self.book.sid:
            self._update(self.book, "get_snapshot", tickers)

    def probe(self) -> None:
        """Ask for the list of subscriptions: its answer comes the same way as all other frames."""
        if not self._probe_id:
            self._probe_id = self._next_id()
            self.outgoing.append(commands.list_subscriptions(self._probe_id))

    def forget_probe(self) -> None:
        self._probe_id = 0

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _subscribe(self, subscription: Subscription, ts: Nanos) -> None:
        """A market channel without markets is not asked for: it would bring every market there is."""
        is_market_channel = subscription.channel in self._market_channels
        if is_market_channel and not self._tickers:
            subscription.due = 0
            return
        tickers = list(self._tickers) if is_market_channel else []
        subscription.ask(self._next_id(), tickers, ts)
        self.outgoing.append(commands.subscribe(subscription.command_id, subscription.channel, tickers))

    def _subscribe_again(self, subscription: Subscription, ts: Nanos) -> None:
        if subscription.command_id:
            subscription.attempt += 1
        if subscription.attempt >= MOST_ATTEMPTS:
            self.gave_up = f"{subscription.channel}: not acknowledged"
        self._subscribe(subscription, ts)

    def _update(self, subscription: Subscription, action: str, tickers: Sequence[str]) -> None:
        if len(self._updates) >= MOST_UPDATES:
            self._updates.clear()  # unanswered for ever; an answer to one of them is a stray
        command_id = self._next_id()
        self._updates[command_id] = subscription
        self.outgoing.append(commands.update(command_id, subscription.sid, action, tickers))

    # -- answers ----------------------------------------------------------------------------------------
    def is_complete(self) -> bool:
        """Everything asked for is acknowledged."""
        return all(s.sid for s in self.subscriptions.values() if s.sid or s.due)

    def of_sid(self, sid: int) -> Subscription | None:
        if not sid:
            return None
        for subscription in self.subscriptions.values():
            if subscription.sid == sid:
                return subscription
        return None

    def subscribed(self, ts: Nanos, frame: wire.Subscribed) -> bool:
        """False if it answers no subscribe of ours. Markets that came or went meanwhile are sent after."""
        subscription = self.subscriptions.get(frame.msg.channel)
        if subscription is None or not subscription.command_id or frame.id != subscription.command_id:
            return False
        holder = self.of_sid(frame.msg.sid)
        if frame.msg.sid <= 0 or (holder is not None and holder is not subscription):
            return False
        subscription.acknowledge(frame.msg.sid, ts)
        if subscription.channel in self._market_channels:
            self._catch_up(subscription)
        return True

    def _catch_up(self, subscription: Subscription) -> None:
        missing = [ticker for ticker in self._tickers if ticker not in subscription.asked_with]
        surplus = sorted(subscription.asked_with - self._tickers.keys())
        if missing:
            self._update(subscription, "add_markets", missing)
        if surplus:
            self._update(subscription, "delete_markets", surplus)

    def answered(self, command_id: int) -> None:
        self._updates.pop(command_id, None)

    def forgotten(self, frame: wire.Ok) -> list[Subscription]:
        """If this answers the probe: the subscriptions which the exchange does not list.

        :raises FrameError: if the list cannot be read.
        """
        if not frame.id or frame.id != self._probe_id:
            return []
        self._probe_id = 0
        try:
            known = {(row.channel, row.sid) for row in _channels.decode(frame.msg)}
        except wire.UNREADABLE as error:
            raise wire.FrameError(f"list_subscriptions: {error}") from error
        return [s for s in self.subscriptions.values() if s.sid and (s.channel, s.sid) not in known]

    def complained(self, ts: Nanos, frame: wire.Error) -> tuple[Subscription | None, bool]:
        """What the error is about, and whether that subscription ended by it. A refused subscribe, or a
        refused change of one, is tried again later by a subscribe of all markets, which merges."""
        answers_probe = bool(frame.id) and frame.id == self._probe_id
        if answers_probe:
            self._probe_id = 0
        asked = self._asked_by(frame.id)
        updated = self._updates.pop(frame.id, None)
        subscription = self.of_sid(frame.sid) or asked or updated
        if subscription is None and frame.msg.code in TERMINAL_CODES and not answers_probe:
            self.probe()  # something has ended, and it does not say what
        if subscription is None or frame.msg.code in TERMINAL_CODES:
            return subscription, subscription is not None
        if asked is not None and not asked.sid:
            asked.lose(ts, self._random)
        elif asked is not None or updated is not None:
            subscription.refuse(ts, self._random)
        return subscription, False

    def _asked_by(self, command_id: int) -> Subscription | None:
        if not command_id:
            return None
        return next((s for s in self.subscriptions.values() if s.command_id == command_id), None)

    def renew(self, ts: Nanos, subscription: Subscription) -> None:
        """It is gone: ask for it again, at once if it had been steady."""
        subscription.lose(ts, self._random)
        if subscription.due <= ts:
            self._subscribe(subscription, ts)
