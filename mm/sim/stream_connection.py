"""One WebSocket connection: takes commands, keeps its subscriptions, sends frames (protocol section 10.1)."""

from __future__ import annotations

from collections.abc import Callable

from mm.sim.buckets import Bucket, Limit
from mm.sim.face_switches import FaceSwitches
from mm.sim.faults import Line
from mm.sim.rest import Json
from mm.sim.rest_numbers import MILLISECOND
from mm.sim.stream import Stream
from mm.sim.stream_bodies import json_text
from mm.sim.stream_channels import ERRORS, Channel, CommandError
from mm.sim.stream_params import (
    channels_of,
    check_sharding,
    check_user_filter,
    decoded,
    flag,
    integer,
    name_of,
    one_sid,
    params_of,
    strings,
)
from mm.sim.stream_subscription import Subscription


class Connection:
    """``advance`` brings the exchange to the time of a command; ``line`` carries the frames; ``backlog`` says
    how many bytes the client has not taken yet: above ``most_backlog`` a subscription that wants to send more
    ends with error 25. ``switches``: stamps and limits;
    ``subaccount``: the only one that private messages are about, None for all."""

    def __init__(
        self,
        stream: Stream,
        user_id: str,
        line: Line,
        advance: Callable[[int], None],
        backlog: Callable[[], int],
        most_backlog: int,
        *,
        switches: FaceSwitches,
        subaccount: int | None = None,
    ) -> None:
        self.user_id = user_id
        self.line = line
        self.is_open = True
        self._stream = stream
        self._advance = advance
        self._backlog = backlog
        self._most_backlog = most_backlog
        self._is_stamped = switches.sending_ts
        self._most_markets = switches.most_markets
        self._rate = Limit(switches.most_commands, switches.most_commands)
        self._patience: Bucket | None = None
        self._subaccount = subaccount
        self._now = 0
        self._last_sid = 0
        self._subscriptions: dict[int, Subscription] = {}
        self._commands: dict[str, Callable[[int, Json], None]] = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "update_subscription": self._update,
            "list_subscriptions": self._list,
        }
        self._actions: dict[str, Callable[[Subscription, list[str], Json, int], None]] = {
            "add_markets": self._add_markets,
            "delete_markets": self._delete_markets,
            "get_snapshot": self._get_snapshot,
        }

    @property
    def sids(self) -> list[int]:
        """The subscriptions that it has now."""
        return list(self._subscriptions)

    def command(self, now: int, text: str) -> None:
        """Carry out one frame of the client; whatever is wrong with it is answered by an error frame."""
        self._advance(now)
        command_id = 0
        try:
            command = decoded(text)
            command_id = integer(command.get("id", 0))
            self._count(now)
            handler = self._commands.get(name_of(command.get("cmd")))
            if handler is None:
                raise CommandError(5)
            handler(command_id, command)
        except CommandError as error:
            self._refuse(error, command_id)

    def _count(self, now: int) -> None:
        """Raises CommandError 27 where commands come faster than they may."""
        if self._patience is None:
            self._patience = Bucket(self._rate, now)
        if not self._patience.take(now, 1):
            raise CommandError(27)

    def close(self) -> None:
        """The client is gone."""
        self.is_open = False
        for subscription in list(self._subscriptions.values()):
            self._end(subscription)

    def tell_time(self, now: int) -> None:
        """Let go frames that a fault held back until ``now``; later frames are stamped with it."""
        self._now = now
        if self.is_open:
            self.line.release(now)

    # -- commands -------------------------------------------------------------------------------------------
    def _subscribe(self, command_id: int, command: Json) -> None:
        params = params_of(command)
        channels = channels_of(params)
        tickers = self._tickers(params, channels)
        if tickers is None and any(channel.markets == "required" for channel in channels):
            raise CommandError(14)
        if any(channel.name == "communications" for channel in channels):
            check_sharding(params)
            check_user_filter(params)
        for flag_name in ("use_yes_price", "skip_ticker_ack", "send_initial_snapshot"):
            flag(params, flag_name)
        for channel in channels:
            self._require_room(self._of(channel), tickers)
        fresh = [self._join(channel, tickers, params) for channel in channels]
        for subscription, _ in fresh:
            msg = f'{{"channel":"{subscription.channel.name}","sid":{subscription.sid}}}'
            self._send(f'{{"type":"subscribed","id":{command_id},"msg":{msg}}}\n')
        for subscription, added in fresh:
            self._first_messages(subscription, added, params)

    def _join(
        self, channel: Channel, tickers: list[str] | None, params: Json
    ) -> tuple[Subscription, list[str]]:
        """The subscription, new or the one there is, and the markets that are new to it."""
        if channel.markets == "none":
            tickers = None
        subscription = self._of(channel)
        if subscription is None:
            self._last_sid += 1
            subscription = Subscription(self._last_sid, channel, self.user_id, tickers, self._deliver)
            subscription.subaccount = self._subaccount
            self._subscriptions[subscription.sid] = subscription
            self._stream.enlist(subscription, tickers)
            added = list(self._stream.venue.markets if tickers is None else subscription.tickers or ())
        else:
            added = self._widen(subscription, tickers)
        if "use_yes_price" in params:
            subscription.yes_price = flag(params, "use_yes_price")
        subscription.quiet = flag(params, "skip_ticker_ack")
        return subscription, added

    def _of(self, channel: Channel) -> Subscription | None:
        """The subscription to a channel: there is one at most, since subscribing again merges."""
        return next((one for one in self._subscriptions.values() if one.channel is channel), None)

    def _require_room(self, subscription: Subscription | None, tickers: list[str] | None) -> None:
        """Raises CommandError 26 where a subscription would have more markets than it may."""
        known = {} if subscription is None else subscription.tickers or {}
        if len(known.keys() | set(tickers or ())) > self._most_markets:
            raise CommandError(26, None if subscription is None else subscription.sid)

    def _widen(self, subscription: Subscription, tickers: list[str] | None) -> list[str]:
        if subscription.tickers is None:
            return []
        if tickers is None:
            self._stream.strike(subscription, list(subscription.tickers))
            subscription.tickers = None
            self._stream.enlist(subscription, None)
            return []
        added = [ticker for ticker in dict.fromkeys(tickers) if ticker not in subscription.tickers]
        subscription.tickers.update(dict.fromkeys(added))
        self._stream.enlist(subscription, added)
        return added

    def _first_messages(self, subscription: Subscription, added: list[str], params: Json) -> None:
        name = subscription.channel.name
        if name == "orderbook_delta" or (name == "ticker" and flag(params, "send_initial_snapshot")):
            for ticker in added:
                self._stream.snapshot(subscription, ticker)

    def _unsubscribe(self, command_id: int, command: Json) -> None:
        sids = params_of(command).get("sids")
        if not isinstance(sids, list) or not sids:
            raise CommandError(4)
        for sid in sids:
            subscription = self._subscriptions.get(integer(sid))
            if subscription is None:
                self._refuse(CommandError(7), command_id)
                continue
            self._end(subscription)
            subscription.acknowledge("unsubscribed", command_id)

    def _update(self, command_id: int, command: Json) -> None:
        params = params_of(command)
        subscription = self._subscriptions.get(one_sid(params))
        if subscription is None:
            raise CommandError(7)
        action = params.get("action")
        if not action:
            raise CommandError(15, subscription.sid)
        handler = self._actions.get(name_of(action))
        if handler is None or subscription.channel.markets == "none":
            raise CommandError(13, subscription.sid)
        tickers = self._tickers(params, [subscription.channel])
        if tickers is None:
            raise CommandError(14, subscription.sid)
        handler(subscription, tickers, params, command_id)

    def _add_markets(
        self, subscription: Subscription, tickers: list[str], params: Json, command_id: int
    ) -> None:
        self._require_room(subscription, tickers)
        added = self._widen(subscription, tickers)
        self._confirm(subscription, command_id)
        self._first_messages(subscription, added, params)

    def _delete_markets(
        self, subscription: Subscription, tickers: list[str], params: Json, command_id: int
    ) -> None:
        if subscription.tickers is None:
            raise CommandError(11, subscription.sid)
        gone = [ticker for ticker in dict.fromkeys(tickers) if ticker in subscription.tickers]
        for ticker in gone:
            del subscription.tickers[ticker]
        self._stream.strike(subscription, gone)
        self._confirm(subscription, command_id)

    def _get_snapshot(
        self, subscription: Subscription, tickers: list[str], params: Json, command_id: int
    ) -> None:
        if subscription.channel.name != "orderbook_delta":
            raise CommandError(13, subscription.sid)
        known = self._stream.venue.markets.keys() & (subscription.tickers or {}).keys()
        if not known.issuperset(tickers):
            raise CommandError(11, subscription.sid)
        for ticker in tickers:
            self._stream.snapshot(subscription, ticker, command_id)

    def _confirm(self, subscription: Subscription, command_id: int) -> None:
        listed = "" if subscription.quiet else json_text({"market_tickers": list(subscription.tickers or ())})
        subscription.acknowledge("ok", command_id, listed)

    def _list(self, command_id: int, command: Json) -> None:
        rows = [{"channel": one.channel.name, "sid": one.sid} for one in self._subscriptions.values()]
        self._send(f'{{"id":{command_id},"type":"ok","msg":{json_text(rows)}}}\n')

    # -- helpers --------------------------------------------------------------------------------------------
    def _tickers(self, params: Json, channels: list[Channel]) -> list[str] | None:
        """The markets a command names, by ticker, or by id where all channels take ids; None where it names
        none. Raises CommandError 11 for both at once, and for ids elsewhere."""
        named = [strings(params, one) for one in ("market_ticker", "market_tickers")]
        by_id = [strings(params, one) for one in ("market_id", "market_ids")]
        given = [tickers for tickers in named + by_id if tickers]
        if len(given) > 1:
            raise CommandError(11)
        if any(by_id):
            if not all(channel.takes_ids for channel in channels):
                raise CommandError(11)
            tickers_of = {market.market_id: market.ticker for market in self._stream.venue.markets.values()}
            return [tickers_of[one] for one in given[0] if one in tickers_of]
        return given[0] if given else None

    def _refuse(self, error: CommandError, command_id: int) -> None:
        subscription = self._subscriptions.get(error.sid or 0)
        if subscription is not None:
            self._send(subscription.error_text(error.code, command_id))
            return
        msg = f'{{"code":{error.code},"msg":"{ERRORS[error.code]}"}}'
        self._send(f'{{"id":{command_id},"type":"error","msg":{msg}}}\n')

    def _end(self, subscription: Subscription) -> None:
        subscription.is_live = False
        del self._subscriptions[subscription.sid]
        tickers = subscription.tickers
        self._stream.strike(subscription, None if tickers is None else list(tickers))

    def _deliver(self, subscription: Subscription, frame: str) -> None:
        if self._backlog() + self.line.held_bytes <= self._most_backlog:
            if self.is_open and not self._is_stamped:
                self.line.push(self._now, frame)
            else:
                self._send(frame)
        elif subscription.is_live:
            self._end(subscription)
            if subscription.channel.is_sequenced:
                subscription.seq -= 1  # the frame that found no room was never sent
            self._send(subscription.error_text(25))

    def _send(self, frame: str) -> None:
        if not self.is_open:
            return
        if self._is_stamped:
            frame = f'{{"sending_ts_ms":{self._now // MILLISECOND},{frame[1:]}'
        self.line.push(self._now, frame)
