"""One subscription of one connection: its markets, its numbering, and the frames it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mm.sim.stream_channels import ERRORS, Channel


class Subscription:
    """A channel under a ``sid``. ``tickers`` None means every market.

    ``subaccount``: the only one of the member that it hears of, None for all. ``seq`` counts every sequenced
    frame of the subscription, acknowledgements and its errors included (protocol section 10.2).
    """

    __slots__ = (
        "_is_sequenced",
        "_send",
        "channel",
        "is_live",
        "quiet",
        "seq",
        "sid",
        "subaccount",
        "tickers",
        "user_id",
        "yes_price",
    )

    def __init__(
        self,
        sid: int,
        channel: Channel,
        user_id: str,
        tickers: Iterable[str] | None,
        send: Callable[[Subscription, str], None],
    ) -> None:
        self.sid = sid
        self.channel = channel
        self.user_id = user_id
        self.tickers: dict[str, None] | None = None if tickers is None else dict.fromkeys(tickers)
        self.seq = 0
        self.yes_price = False
        self.subaccount: int | None = None
        self.quiet = False
        self.is_live = True
        self._is_sequenced = channel.is_sequenced
        self._send = send

    def message(self, kind: str, body: str, command_id: int = 0) -> None:
        """Send a data message of type ``kind``; ``body`` is the JSON text of its ``msg``."""
        answers = f'"id":{command_id},' if command_id else ""
        if self._is_sequenced:
            self.seq += 1
            frame = f'{{"type":"{kind}",{answers}"sid":{self.sid},"seq":{self.seq},"msg":{body}}}\n'
        else:
            frame = f'{{"type":"{kind}",{answers}"sid":{self.sid},"msg":{body}}}\n'
        self._send(self, frame)

    def acknowledge(self, kind: str, command_id: int, body: str = "") -> None:
        """Send ``ok`` or ``unsubscribed``, which take a number of the sequence too."""
        self.seq += 1
        msg = f',"msg":{body}' if body else ""
        self._send(self, f'{{"id":{command_id},"sid":{self.sid},"seq":{self.seq},"type":"{kind}"{msg}}}\n')

    def error_text(self, code: int, command_id: int = 0) -> str:
        """The frame of an error that belongs to this subscription; numbered where its messages are."""
        answers = f'"id":{command_id},' if command_id else ""
        msg = f'{{"code":{code},"msg":"{ERRORS[code]}"}}'
        numbering = ""
        if self.channel.is_sequenced:
            self.seq += 1
            numbering = f'"seq":{self.seq},'
        return f'{{{answers}"type":"error","sid":{self.sid},{numbering}"msg":{msg}}}\n'
