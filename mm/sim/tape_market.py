"""One recorded market played into the venue: the record is everybody else, our orders queue among it.

The record knows sizes of levels, not orders. So the tape holds *chunks*: entries in the venue's own queues,
as many a level as our orders split it into. Rules, all at one level:

- the chunks together are the recorded size, less what members have taken out of it (until the record itself
  empties the level);
- growth joins the back; shrinkage is split among the chunks by the queue model;
- a recorded trade passes through the queue from the front: chunks that it eats go to the back (the deltas
  govern their size), our orders that it reaches are filled, and orders at better prices first. The part
  of the shrinkage since the last summary that the trade explains is not counted twice;
- a recorded entry that crosses our price fills us.
"""

from __future__ import annotations

import random
from typing import Literal, TypeAlias

from mm.sim.crowd import Crowd
from mm.sim.ledger import Account
from mm.sim.matching import Interest
from mm.sim.recording import DeltaStep, RecordedMarket, SnapshotStep, Step, TickerStep
from mm.sim.words import PRICE_ONE, BookSide

QueueModel: TypeAlias = Literal["proportional", "risk_averse"]
Place: TypeAlias = tuple[BookSide, int]


class TapeMarket:
    """Plays the steps of one market. ``recorded`` is the book as the record has it, by (side, price)."""

    def __init__(
        self,
        crowd: Crowd,
        account: Account,
        market: RecordedMarket,
        queue_model: QueueModel,
        generator: random.Random,
    ) -> None:
        self.ticker = market.ticker
        self.recorded: dict[Place, int] = {}
        self._crowd, self._account, self._random = crowd, account, generator
        self._shrink = {"proportional": self._shrink_evenly, "risk_averse": self._shrink_from_back}[
            queue_model
        ]
        self._by_volume = not market.has_trades
        self._set: dict[Place, int] = {}  # the size that the chunks of a level were last given
        self._taken: dict[Place, int] = {}  # of it, what members took away
        self._gone: dict[Place, int] = {}  # shrinkage since the last summary ...
        self._gone_ahead: dict[Place, int] = {}  # ... and how much of that stood ahead of all our orders
        self._hidden: set[Place] = set()  # recorded levels that cross newer ones, for as long as they do
        self._volume: int | None = None
        self._stale = True

    def play(self, step: Step) -> None:
        """One step of the record. While the market is closed or paused only the record moves on."""
        if not self._crowd.is_open(self.ticker):
            self._stale = True
            self._note(step)
            return
        if self._stale:
            self._start_over()
        if isinstance(step, DeltaStep):
            self._play_delta(step)
        elif isinstance(step, SnapshotStep):
            self._play_snapshot(step)
        elif isinstance(step, TickerStep):
            self._play_ticker(step)
        else:
            self._trade(step.taker_side, step.price, step.count)
            self._forget_shrinkage()

    # -- the record -----------------------------------------------------------------------------------------
    def _note(self, step: Step) -> None:
        if isinstance(step, DeltaStep):
            self._note_size((step.side, step.price), step.change)
        elif isinstance(step, SnapshotStep):
            self.recorded = _places(step)
        elif isinstance(step, TickerStep):
            self._volume = step.volume

    def _note_size(self, place: Place, change: int) -> None:
        size = self.recorded.get(place, 0) + change
        if size > 0:
            self.recorded[place] = size
        else:
            self.recorded.pop(place, None)

    def _start_over(self) -> None:
        """The venue has emptied the book (or never had one): put the whole record in again."""
        self._set.clear()
        self._taken.clear()
        self._hidden.clear()
        self._stale = False
        for place in list(self.recorded):
            self._resize(place)

    def _play_snapshot(self, step: SnapshotStep) -> None:
        before = set(self.recorded)
        self.recorded = _places(step)
        for place in sorted(before - set(self.recorded)):
            self._resize(place)
        for place in self.recorded:
            self._resize(place)

    def _play_delta(self, step: DeltaStep) -> None:
        place: Place = (step.side, step.price)
        self._note_size(place, step.change)
        if step.change < 0:
            self._gone[place] = self._gone.get(place, 0) - step.change
        elif self._crowd.book(self.ticker).crossing(step.side, step.price) is not None:
            self._hide_crossed(step.side, step.price)
        self._resize(place)
        if self._hidden:
            self._show_uncrossed()

    # -- crossed records: the newer entry wins for as long as it stands ------------------------------------
    def _hide_crossed(self, side: BookSide, price: int) -> None:
        other: BookSide = "ask" if side == "bid" else "bid"
        half = self._crowd.book(self.ticker).sides[other]
        for key in reversed(half.keys):
            if key < half.sign * price:
                break
            self._hidden.add((other, half.sign * key))
        for place in sorted(self._hidden):
            self._resize(place)

    def _show_uncrossed(self) -> None:
        for place in sorted(self._hidden):
            side, price = place
            entry = self._crowd.book(self.ticker).crossing(side, price)
            if entry is None or place not in self.recorded:
                self._hidden.discard(place)
                self._resize(place)

    # -- chunks ---------------------------------------------------------------------------------------------
    def _chunks(self, place: Place) -> list[Interest]:
        level = self._crowd.book(self.ticker).sides[place[0]].levels.get(place[1])
        return [] if level is None else [one for one in level.queue if one.account is self._account]

    def _resize(self, place: Place) -> None:
        """Bring the chunks of one level to the recorded size, less what members took."""
        chunks = self._chunks(place)
        standing = sum(chunk.remaining for chunk in chunks)
        recorded = self.recorded.get(place, 0)
        taken = self._taken.get(place, 0) + self._set.get(place, 0) - standing
        self._taken[place] = taken = min(taken, recorded)
        wanted = 0 if place in self._hidden else recorded - taken
        if wanted > standing:
            self._grow(place, wanted - standing, chunks)
        elif wanted < standing:
            self._shrink(place, standing - wanted, chunks)
        self._set[place] = wanted
        if not recorded:
            del self._taken[place], self._set[place]

    def _grow(self, place: Place, by: int, chunks: list[Interest]) -> None:
        side, price = place
        if chunks:
            queue = self._crowd.book(self.ticker).sides[side].levels[price].queue
            if next(reversed(queue)) is chunks[-1]:
                self._crowd.grow(self.ticker, chunks[-1], by)
                return
        self._crowd.rest(self._account, self.ticker, side, price, by)

    def _shrink_from_back(self, place: Place, by: int, chunks: list[Interest]) -> None:
        for chunk in reversed(chunks):
            part = min(by, chunk.remaining)
            self._take_off(place, chunk, part, is_ahead=chunk is chunks[0] and self._leads(place, chunk))
            by -= part
            if not by:
                return

    def _shrink_evenly(self, place: Place, by: int, chunks: list[Interest]) -> None:
        """Each chunk loses in proportion to its size; the odd hundredths fall at random, weighted by size."""
        if len(chunks) == 1:
            self._take_off(place, chunks[0], by, is_ahead=self._leads(place, chunks[0]))
            return
        standing = sum(chunk.remaining for chunk in chunks)
        leads = self._leads(place, chunks[0])
        sizes = [chunk.remaining for chunk in chunks]
        parts = [by * size // standing for size in sizes]
        for _ in range(by - sum(parts)):
            room = [size - part for size, part in zip(sizes, parts, strict=True)]
            parts[self._random.choices(range(len(parts)), room)[0]] += 1
        for chunk, part in zip(chunks, parts, strict=True):
            self._take_off(place, chunk, part, is_ahead=leads and chunk is chunks[0])

    def _take_off(self, place: Place, chunk: Interest, part: int, *, is_ahead: bool) -> None:
        if part:
            self._crowd.lessen(self.ticker, chunk, part)
            if is_ahead:
                self._gone_ahead[place] = self._gone_ahead.get(place, 0) + part

    def _leads(self, place: Place, chunk: Interest) -> bool:
        """Whether a chunk stands ahead of every member's order at its level."""
        return next(iter(self._crowd.book(self.ticker).sides[place[0]].levels[place[1]].queue)) is chunk

    # -- trades ---------------------------------------------------------------------------------------------
    def _play_ticker(self, step: TickerStep) -> None:
        """Without recorded trades, a step of the volume is one trade at the price of the summary."""
        before, self._volume = self._volume, step.volume
        if self._by_volume and before is not None and step.volume > before:
            self._trade(self._taker_side(step.price), step.price, step.volume - before)
        self._forget_shrinkage()

    def _taker_side(self, price: int) -> BookSide:
        """The side whose level at this price shrank more since the last summary was traded into; if neither
        did, the one whose best price is nearer."""
        sold, bought = self._gone.get(("bid", price), 0), self._gone.get(("ask", price), 0)
        if sold != bought:
            return "ask" if sold > bought else "bid"
        book = self._crowd.book(self.ticker)
        bid, ask = book.bids.best or 0, book.asks.best or PRICE_ONE
        return "bid" if 2 * price >= bid + ask else "ask"

    def _trade(self, taker_side: BookSide, price: int, count: int) -> None:
        """Let a recorded trade pass through the members' orders it would have met."""
        side: BookSide = "ask" if taker_side == "bid" else "bid"
        half = self._crowd.book(self.ticker).sides[side]
        met = 0
        for key in [key for key in reversed(half.keys) if key > half.sign * price]:
            met += self._fill_members((side, half.sign * key), count - met)
        if price in half.levels:
            met += self._pass_through((side, price), count - met)
        if count > met:
            self._crowd.report(self.ticker, taker_side, price, count - met)

    def _fill_members(self, place: Place, count: int) -> int:
        """Orders of members at a better price than the trade's would have gone first."""
        filled = 0
        for entry in list(self._crowd.book(self.ticker).sides[place[0]].levels[place[1]].queue):
            if entry.account is not self._account and count > filled:
                filled += self._crowd.hit(self._account, self.ticker, entry, count - filled)
        return filled

    def _pass_through(self, place: Place, count: int) -> int:
        queue = list(self._crowd.book(self.ticker).sides[place[0]].levels[place[1]].queue)
        if all(entry.account is self._account for entry in queue):
            return 0
        left = count - self._already_ahead(place, count)
        filled = 0
        for entry in queue:
            part = min(left, entry.remaining)
            if not part:
                break
            if entry.account is self._account:
                self._crowd.step_aside(self.ticker, entry, part)
            else:
                part = self._crowd.hit(self._account, self.ticker, entry, part)
                filled += part
            left -= part
        return filled

    def _already_ahead(self, place: Place, count: int) -> int:
        """How much of a trade has already moved the queue ahead of us, as shrinkage of its level."""
        gone = self._gone.get(place, 0)
        if not gone:
            return 0
        return self._gone_ahead.get(place, 0) * min(count, gone) // gone

    def _forget_shrinkage(self) -> None:
        self._gone.clear()
        self._gone_ahead.clear()


def _places(step: SnapshotStep) -> dict[Place, int]:
    places: dict[Place, int] = {("bid", price): size for price, size in step.bids.items()}
    places.update({("ask", price): size for price, size in step.asks.items()})
    return places
