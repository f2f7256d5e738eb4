"""What the exchange itself does: let time pass, run the lives of markets, pause, change grids and fees."""

from __future__ import annotations

from mm.sim.fee_changes import EventFeeChange, FeeChanges, SeriesFeeChange
from mm.sim.floor import Floor
from mm.sim.lifecycle import Lifecycle
from mm.sim.pauses import Pauses
from mm.sim.settling import Settling
from mm.sim.trading import Trading
from mm.sim.words import Market


class Operations:
    """Part of `Venue`. Times in ns, prices in 1/10,000 dollar; what a market's state does not allow is a
    VenueError 409 ``invalid_market_status``, an unknown one a 404."""

    def __init__(self, floor: Floor, trading: Trading) -> None:
        self._floor = floor
        self._pauses = Pauses(floor, trading)
        self._lifecycle = Lifecycle(floor, trading)
        self._settling = Settling(floor, self._lifecycle)
        self._fee_changes = FeeChanges(floor)

    # -- time and life --------------------------------------------------------------------------------------
    def advance(self, now: int) -> None:
        """Let time pass: expiries, openings, closes and settlements happen at their own moments.

        Raises ValueError if ``now`` lies before the venue's clock."""
        self._floor.run_timers(now)

    def next_timer(self) -> int | None:
        """When `advance` next has something to do; ``None`` if nothing is planned."""
        return self._floor.next_timer()

    def is_due(self, now: int) -> bool:
        """Whether something is planned for ``now``, or was for earlier."""
        planned = self._floor.next_timer()
        return planned is not None and planned <= now

    def add_market(self, market: Market) -> None:
        """Opens at once if its opening time has come. Raises VenueError if its event is unknown."""
        self._lifecycle.add(market)

    def deactivate(self, ticker: str) -> None:
        """Trading in this market stops; what rests stays."""
        self._lifecycle.deactivate(ticker)

    def activate(self, ticker: str) -> None:
        """Trading goes on, from an empty book."""
        self._lifecycle.activate(ticker)

    def move_close(self, ticker: str, close_ns: int) -> None:
        """To later or earlier; a market that had closed opens again if the new close is still to come."""
        self._lifecycle.move_close(ticker, close_ns)

    def close_early(self, ticker: str) -> None:
        """The close moves to this moment."""
        self._lifecycle.move_close(ticker, self._floor.now)

    def change_grid(self, ticker: str, structure: str) -> None:
        """Another price grid from now on, by its name (protocol section 3.1). What rests stays, also where it
        does not fit any more. Raises VenueError 400 for a name the documents do not list."""
        self._lifecycle.change_grid(ticker, structure)

    # -- results --------------------------------------------------------------------------------------------
    def determine(self, ticker: str, result: str, value: int | None = None) -> None:
        """``result`` yes, no, or scalar with ``value``; closes an open market first."""
        self._settling.determine(ticker, result, value)

    def dispute(self, ticker: str) -> None:
        """A determined market waits, unpaid, for `amend_result` or `uphold_result`."""
        self._settling.dispute(ticker)

    def amend_result(self, ticker: str, result: str, value: int | None = None) -> None:
        """A disputed result is replaced; the settlement timer starts anew."""
        self._settling.amend(ticker, result, value)

    def uphold_result(self, ticker: str) -> None:
        """A disputed result stands; the settlement timer starts anew."""
        self._settling.uphold(ticker)

    def settle(self, ticker: str) -> None:
        """Pay out a determined or amended market without waiting for its settlement timer."""
        self._settling.settle(ticker)

    # -- pauses ---------------------------------------------------------------------------------------------
    @property
    def trading_active(self) -> bool:
        return self._floor.trading_active

    @property
    def exchange_active(self) -> bool:
        return self._floor.exchange_active

    @property
    def estimated_resume_ns(self) -> int | None:
        """When the weekly maintenance that is on will end; ``None`` outside of it."""
        return self._pauses.estimated_resume_ns

    def pause(self, *, exchange: bool = False) -> None:
        """Pause trading; with ``exchange`` cancels are refused too."""
        self._pauses.pause("exchange" if exchange else "trading")

    def resume(self) -> None:
        """End what `pause` began. A weekly maintenance goes on to its end."""
        self._pauses.resume()

    # -- where members are ----------------------------------------------------------------------------------
    @property
    def region_expires_ns(self) -> int | None:
        """When the members' location attestation lapses, or has lapsed; ``None`` where there is none."""
        return self._floor.region_expires_ns

    def attest_region(self, expires_ns: int) -> None:
        """A new attestation, as members make it on the exchange's web pages."""
        self._floor.region_expires_ns = expires_ns

    # -- fees -----------------------------------------------------------------------------------------------
    @property
    def series_fee_changes(self) -> list[SeriesFeeChange]:
        """All ever scheduled, in the order in which they were."""
        return self._fee_changes.of_series

    @property
    def event_fee_changes(self) -> list[EventFeeChange]:
        """All ever scheduled, in the order in which they were."""
        return self._fee_changes.of_events

    def schedule_series_fees(
        self, series_ticker: str, fee_type: str, multiplier_ppm: int, when: int
    ) -> SeriesFeeChange:
        """Fees of every event of the series without an override, for what fills from ``when`` on. Raises
        VenueError 404 for an unknown series, 400 for a fee that the fee schedule does not define."""
        return self._fee_changes.schedule_series(series_ticker, fee_type, multiplier_ppm, when)

    def schedule_event_fees(
        self, event_ticker: str, fee_type: str | None, multiplier_ppm: int | None, when: int
    ) -> EventFeeChange:
        """An override of the series' fees from ``when`` on, each part cleared by ``None``. Raises VenueError
        as `schedule_series_fees` does."""
        return self._fee_changes.schedule_event(event_ticker, fee_type, multiplier_ppm, when)
