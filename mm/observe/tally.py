"""What a desk's metrics count between two writings of the file: orders, errors, fills, latencies, uptime."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping

from mm.core.events import Fill
from mm.core.picture import DeskPicture
from mm.core.units import SECOND, Count, Money, Nanos, Price
from mm.observe.attribution import Attribution
from mm.observe.latency import Latencies
from mm.observe.markouts import HORIZONS, SLIPPAGE, Markout

HOUR: Nanos = 3600 * SECOND
ERRORS_REMEMBERED = 100_000


class MarketTally:
    """One market: its mid as last decided on (doubled, `Price`), None while the book has one side."""

    def __init__(self) -> None:
        self.doubled_mid: int | None = None
        self.attribution = Attribution()
        self.markouts = [(name, Markout(horizon)) for name, horizon in HORIZONS]

    def see(self, ts: Nanos, mid: float | None, position: Count) -> None:
        """What a Tick saw. Markouts that fell due before are settled at the mid that stood until now."""
        self.settle_due(ts)
        if position != self.attribution.position:
            self.attribution.adopt(position)
        self.doubled_mid = None if mid is None else round(2 * mid)
        if self.doubled_mid is not None:
            self.attribution.mark(self.doubled_mid)

    def fill(self, ts: Nanos, fill: Fill) -> None:
        self.attribution.fill(fill.side, fill.price, fill.count)
        for _, markout in self.markouts:
            markout.fill(ts, fill.side, fill.price, fill.count)

    def after_ten_seconds(self) -> tuple[Money, Money]:
        """Twice what the fills gained until then, and what was paid for them."""
        return dict(self.markouts)[SLIPPAGE].sums()

    def settle_due(self, now: Nanos) -> None:
        for _, markout in self.markouts:
            markout.settle(now, self.doubled_mid)


class DeskTally:
    """Counters of one desk since the start; the names are those of the metrics file."""

    def __init__(self) -> None:
        self.orders_sent = 0
        self.orders_acknowledged = 0
        self.orders_rejected = 0
        self.orders_in_doubt = 0
        self.orders_canceled = 0
        self.total_fills = 0
        self.api_errors = 0
        self.posted: Count = 0
        self.filled: Count = 0
        self.quote_latencies = Latencies()
        self.max_imbalance = 0.0
        self.markets: dict[str, MarketTally] = {}
        self._doubled_capture_retired = self._doubled_inventory_retired = 0
        self._doubled_gain_retired = self._paid_retired = 0
        self._error_times: deque[Nanos] = deque(maxlen=ERRORS_REMEMBERED)
        self._sampled_at: Nanos | None = None
        self._seen_for: Nanos = 0
        self._two_sided_for: Nanos = 0
        self._spread_sum = 0
        self._spread_samples = 0

    def market(self, ticker: str) -> MarketTally:
        found = self.markets.get(ticker)
        if found is None:
            found = self.markets[ticker] = MarketTally()
        return found

    def retire_all_but(self, tickers: Collection[str]) -> None:
        """The others are over: the engine keeps them no longer. What they contributed stays in the sums."""
        for ticker in self.markets.keys() - tickers:
            market = self.markets.pop(ticker)
            doubled_gain, paid = market.after_ten_seconds()
            self._doubled_gain_retired += doubled_gain
            self._paid_retired += paid
            attribution = market.attribution
            self._doubled_capture_retired += attribution.doubled_capture
            self._doubled_inventory_retired += attribution.doubled_inventory

    def doubled_sources(self, marks: Mapping[str, Price | None]) -> tuple[int, int]:
        """Twice the spread capture, and twice what holding earned with open positions at ``marks``."""
        capture = sum(market.attribution.doubled_capture for market in self.markets.values())
        inventory = sum(
            market.attribution.doubled_inventory_at(marks.get(ticker))
            for ticker, market in self.markets.items()
        )
        return capture + self._doubled_capture_retired, inventory + self._doubled_inventory_retired

    def api_error(self, ts: Nanos) -> None:
        self.api_errors += 1
        self._error_times.append(ts)

    def errors_last_hour(self, now: Nanos) -> int:
        while self._error_times and self._error_times[0] <= now - HOUR:
            self._error_times.popleft()
        return len(self._error_times)

    def sample(self, now: Nanos, desk: DeskPicture) -> None:
        """Called at every writing: spreads of markets quoted on both sides, uptime as time-weighted share
        of the desk's markets, and the highest imbalance."""
        self.max_imbalance = max(self.max_imbalance, desk.inventory_imbalance)
        spreads = [market.spread_width for market in desk.markets if market.spread_width > 0]
        self._spread_sum += sum(spreads)
        self._spread_samples += len(spreads)
        if self._sampled_at is not None:
            elapsed = now - self._sampled_at
            self._seen_for += elapsed * len(desk.markets)
            self._two_sided_for += elapsed * len(spreads)
        self._sampled_at = now

    def success_rate_pct(self) -> float | None:
        """Acknowledged of all answered; an answer that leaves the outcome unknown is no success."""
        answered = self.orders_acknowledged + self.orders_rejected + self.orders_in_doubt
        return 100 * self.orders_acknowledged / answered if answered else None

    def fill_rate_pct(self) -> float | None:
        """Filled contracts of those ever asked for."""
        return 100 * self.filled / self.posted if self.posted else None

    def slippage_pct(self) -> float | None:
        """What fills lost within ten seconds of what was paid for them (document 002: below 0.5); a gain is
        negative."""
        sums = [market.after_ten_seconds() for market in self.markets.values()]
        paid = self._paid_retired + sum(one for _, one in sums)
        doubled_gain = self._doubled_gain_retired + sum(one for one, _ in sums)
        return -50 * doubled_gain / paid or 0.0 if paid else None

    def average_spread(self) -> float | None:
        """In `Price` units."""
        return self._spread_sum / self._spread_samples if self._spread_samples else None

    def uptime_pct(self) -> float | None:
        return 100 * self._two_sided_for / self._seen_for if self._seen_for else None
