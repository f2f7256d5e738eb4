"""Positions closed without a command to: at a shutdown, and after a feed that was lost for too long."""

from __future__ import annotations

from mm.core.actions import AlertLevel
from mm.core.events import (
    ApiError,
    BookGap,
    CommandKind,
    Fill,
    LinkDown,
    LinkUp,
    PositionReport,
    RequestKind,
    Tick,
)
from mm.core.units import CENT, CONTRACT, MONEY_DOLLAR, Side
from tests.core.bench import Bench, engine_settings
from tests.core.closing import alerts, holding, proven, ticks, took

SHUTDOWN = CommandKind.SHUTDOWN
HELD = PositionReport("KXA", 10 * CONTRACT, 5 * MONEY_DOLLAR, 0, 0)


# -- at a shutdown --------------------------------------------------------------------------------------
CLOSES = engine_settings(close_on_shutdown=True)


def test_a_shutdown_leaves_positions_alone_unless_told_otherwise() -> None:
    bench = holding()
    bench.command(SHUTDOWN)
    assert bench.tick() == []


def test_a_shutdown_closes_first_and_proves_afterwards() -> None:
    bench = holding(settings=CLOSES)
    assert bench.command(SHUTDOWN) == []
    assert bench.tick() == ["place #2 ask 10@50"]
    assert proven(bench) == []
    took(bench, 2, 10)
    assert bench.tick() == ["alert flatten"]
    assert proven(bench) == [], "what was read before the positions were closed proves nothing"
    assert proven(bench) == ["stop 0"]


def test_reads_before_the_positions_are_closed_prove_nothing() -> None:
    bench = holding(settings=CLOSES)
    bench.cash -= 5 * MONEY_DOLLAR
    bench.step(BookGap(bench.now, "KXA", "lost"))
    bench.command(SHUTDOWN)
    for _ in range(3):
        assert proven(bench, HELD) == []
    bench.book("50:100 | 54:100")
    assert bench.tick() == ["place #2 ask 10@50"]
    took(bench, 2, 10)
    bench.cash += 5 * MONEY_DOLLAR
    assert bench.tick() == ["alert flatten"]
    assert proven(bench) == []
    assert proven(bench) == ["stop 0"]


def test_a_shutdown_says_what_it_could_not_close_and_still_proves_its_end() -> None:
    bench = holding(settings=CLOSES)
    bench.step(BookGap(bench.now, "KXA", "lost"))
    began = bench.now
    bench.command(SHUTDOWN)
    lines: list[str] = []
    while "alert flatten" not in lines:
        bench.wait(0.25)
        lines = bench.step(Tick(bench.now, 100, 100))
        if "read account" in lines:
            lines += bench.account()
    assert alerts(bench) == [
        (AlertLevel.WARNING, "still open, as far as is known: KXA 10.00 (its book is not known)")
    ]
    left = bench.settings.shutdown_patience - (bench.now - began)
    assert left > bench.settings.absence_proof
    while not bench.actions[-1:] or "stop 0" not in lines:
        lines = proven(bench)
    assert bench.engine.mode.value == "closed"


def test_a_closing_order_in_doubt_to_the_end_is_an_end_that_is_not_proven() -> None:
    bench = holding(settings=CLOSES)
    bench.command(SHUTDOWN)
    bench.tick()
    bench.doubt(2)
    lines: list[str] = []
    while not any(line.startswith("stop") for line in lines):
        lines = bench.tick(0.5)
    assert lines[-2:] == ["alert bot_shutdown", "stop 3"]
    assert alerts(bench) == [
        (AlertLevel.WARNING, "still open, as far as is known: KXA 10.00 (an order of ours is undecided)")
    ]


def test_closing_that_was_begun_by_command_goes_on_at_a_shutdown() -> None:
    bench = holding()
    bench.command(CommandKind.FLATTEN)
    bench.book("30:100 | 70:100")
    bench.command(SHUTDOWN)
    assert ticks(bench, 15) == []
    assert ticks(bench, 10) == ["alert flatten"], "what is left of the patience is for the proof"


def test_the_kill_switch_stops_closing_at_a_shutdown_too() -> None:
    bench = holding(settings=CLOSES)
    bench.command(SHUTDOWN)
    assert bench.command(CommandKind.HALT) == ["alert kill_switch", "alert flatten"]
    assert ticks(bench, 2) == []
    assert bench.engine.mode.value == "closing"


# -- after a lost feed ----------------------------------------------------------------------------------
def cut(bench: Bench) -> list[str]:
    """The feed is lost for longer than the breaker bears."""
    bench.step(LinkDown(bench.now, reason="cut"))
    return ticks(bench, 20)


def test_a_feed_that_comes_back_after_the_trip_closes_what_is_held() -> None:
    bench = holding(settings=engine_settings(flatten_on_feed_lost=True))
    assert cut(bench) == ["alert circuit_breaker"]
    assert ticks(bench, 600) == [], "without a feed there is no price, however long it takes"
    bench.step(LinkUp(bench.now))
    assert bench.tick() == []
    bench.book("45:100 | 49:100")
    bench.account(HELD)
    assert bench.tick() == ["place #2 ask 10@45"]
    took(bench, 2, 10)
    assert bench.tick() == ["alert flatten"]
    assert (bench.position, bench.engine.mode.value) == (0, "halted")


def test_fills_that_the_feed_did_not_tell_are_read_first() -> None:
    bench = holding(settings=engine_settings(flatten_on_feed_lost=True))
    cut(bench)
    bench.step(LinkUp(bench.now))
    bench.book("45:100 | 49:100")
    assert ticks(bench, 5) == []
    by_hand = Fill(bench.now, "t9", "Xhand", "", "KXA", Side.ASK, 45 * CENT, 6 * CONTRACT, 0, True)
    bench.account(PositionReport("KXA", 4 * CONTRACT, 2 * MONEY_DOLLAR, 0, 0), fills=(by_hand,))
    assert bench.tick() == ["place #2 ask 4@45"]


def test_what_a_read_may_still_show_is_waited_for_even_if_nothing_seems_to_be_held() -> None:
    bench = Bench(engine_settings(flatten_on_feed_lost=True)).quoting()
    cut(bench)
    bench.step(LinkUp(bench.now))
    bench.book("45:100 | 49:100")
    assert ticks(bench, 2) == []
    by_hand = Fill(bench.now, "t9", "Xhand", "", "KXA", Side.BID, 45 * CENT, 6 * CONTRACT, 0, True)
    bench.account(PositionReport("KXA", 6 * CONTRACT, 2 * MONEY_DOLLAR, 0, 0), fills=(by_hand,))
    assert bench.tick() == ["place #1 ask 6@45"]


def test_positions_stay_unless_the_settings_say_otherwise() -> None:
    bench = holding()
    assert cut(bench) == ["alert circuit_breaker"]
    bench.step(LinkUp(bench.now))
    bench.book("45:100 | 49:100")
    assert ticks(bench, 2) == []
    bench.account(HELD)
    assert ticks(bench, 5) == []


def test_other_trips_close_nothing() -> None:
    bench = holding(settings=engine_settings(flatten_on_feed_lost=True))
    for _ in range(bench.settings.breaker.max_consecutive_errors):
        assert bench.tick(0.5) == []
        bench.step(ApiError(bench.now, 0, RequestKind.CANCEL_ALL, 503, ""))
    assert bench.tick() == ["alert circuit_breaker"]
    assert ticks(bench, 5) == []


def test_a_person_who_resets_the_breaker_keeps_the_positions() -> None:
    bench = holding(settings=engine_settings(flatten_on_feed_lost=True))
    cut(bench)
    assert bench.command(CommandKind.RESET) == ["alert circuit_breaker", "alert flatten"]
    bench.step(LinkUp(bench.now))
    bench.book("45:100 | 49:100")
    assert ticks(bench, 2) == []
    bench.account(HELD)
    assert ticks(bench, 5) == []
