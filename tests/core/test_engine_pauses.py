"""The exchange pauses: nothing is placed while it does, what rests goes once, and quoting comes back on
fresh books and a read account (control C14, invariant I10, fault F36)."""

from __future__ import annotations

import pytest

from mm.core.actions import Alert, AmendOrder, PlaceOrder, Resubscribe
from mm.core.events import (
    ApiError,
    Command,
    CommandKind,
    ExchangeStatus,
    LinkDown,
    LinkUp,
    RequestKind,
    Tick,
    TradingHours,
)
from mm.core.settings import DeskSettings, RiskLimits
from mm.core.units import SECOND
from tests.core.bench import CALM, Bench, engine_settings

BOOK = "50:100 | 54:100"


def says(bench: Bench, exchange: bool | None, trading: bool | None, asked: float = 0) -> list[str]:
    """The exchange's status, asked for so many seconds ago."""
    return bench.step(ExchangeStatus(bench.now, bench.now - round(asked * SECOND), exchange, trading))


def plans(bench: Bench, begins_in: float, lasts: float) -> list[str]:
    begin = bench.now + round(begins_in * SECOND)
    return bench.step(TradingHours(bench.now, ((begin, begin + round(lasts * SECOND)),)))


def both_rest() -> Bench:
    bench = Bench().quoting(BOOK, wishes="51:10 | 53:10")
    bench.tick()
    bench.ack(1)
    bench.ack(2)
    return bench


def paused(exchange: bool = True) -> Bench:
    """Quoted, told of a pause, and (if cancels pass) nothing rests any more."""
    bench = both_rest()
    assert says(bench, exchange, False) == ["cancel #1", "cancel #2"]
    if exchange:
        bench.canceled(1, 10)
        bench.canceled(2, 10)
    return bench


def quiet(bench: Bench, seconds: int) -> list[str]:
    """What is done in so many seconds of ticks, but for reads of the account, which are answered."""
    lines = []
    for _ in range(seconds):
        bench.wait(1)
        said = bench.step(Tick(bench.now, 100, 100))
        if "read account" in said:
            said.remove("read account")
            said += bench.account(cash=bench.cash)
        lines += said
    return lines


def mode(bench: Bench) -> str:
    return bench.engine.mode.value


def why(bench: Bench) -> dict[str, str]:
    return dict(bench.engine.picture().pauses)


def comes_back(bench: Bench) -> None:
    """Books are asked for, the account is read, and only then is anything placed."""
    bench.wait(1)
    assert says(bench, True, True) == ["resubscribe KXA"]
    assert mode(bench) == "quoting" and why(bench) == {}
    bench.book(BOOK)
    assert bench.tick(2) == [], "the account was not read yet"
    bench.account(as_of=bench.now)
    assert bench.tick(0.1) == ["place #3 bid 10@51", "place #4 ask 10@53"]


def test_a_trading_pause_pulls_the_quotes_once_and_quoting_comes_back_after_it() -> None:
    bench = paused()
    assert mode(bench) == "paused"
    assert why(bench) == {"exchange": "trading is paused by the exchange"}
    assert quiet(bench, 300) == []
    assert says(bench, True, False) == [], "told again"
    comes_back(bench)


def test_books_are_fresh_after_a_pause() -> None:
    bench = paused()
    says(bench, True, True)
    bench.wait(2)
    bench.step(Tick(bench.now, 100, 100))
    bench.account(as_of=bench.now)
    assert bench.tick(2) == [], "the book is from before the pause"
    bench.book("40:100 | 44:100")
    bench.wishes["KXA"] = "41:10 |"
    assert bench.tick(0.1) == ["place #3 bid 10@41"]


def test_in_a_pause_of_the_exchange_cancels_are_tried_at_the_pace_of_upkeep_and_one_alert_says_so() -> None:
    bench = paused(exchange=False)
    assert why(bench) == {"exchange": "the exchange is paused"}
    alerts, cancels = [], 0
    for _ in range(240):
        for which in (1, 2):
            if bench.order(which).request_id:
                cancels += 1
                alerts += bench.refuse(which, "trading_is_paused", 409)
        bench.tick(0.25)
    assert alerts == ["alert pause"]
    # Half a second, then twice as long each time, at most ten seconds, in a minute: for each of two orders.
    assert 12 <= cancels <= 24
    assert says(bench, True, False) == []
    bench.tick(10)
    bench.canceled(1, 10)
    bench.canceled(2, 10)
    assert quiet(bench, 30) == []
    comes_back(bench)


def test_a_refusal_is_as_good_as_a_status_until_one_that_was_asked_for_later() -> None:
    bench = Bench().quoting(BOOK, wishes="51:10 | 53:10")
    bench.tick()
    bench.ack(1)
    bench.wait(1)
    assert bench.refuse(2, "trading_is_paused", 409) == ["cancel #1"]
    assert mode(bench) == "paused"
    bench.canceled(1, 10)
    bench.wait(0.1)
    assert says(bench, True, True, asked=0.2) == [], "asked before the refusal"
    assert says(bench, None, None) == [], "a read that failed proves nothing"
    assert quiet(bench, 100) == []
    comes_back(bench)


@pytest.mark.parametrize("code", ["trading_is_paused", "exchange_is_paused"])
def test_a_refused_amend_tells_of_a_pause_too(code: str) -> None:
    bench = both_rest()
    bench.wishes["KXA"] = "50:10 | 53:10"
    bench.book(BOOK)
    assert bench.tick() == ["amend #1 10@50"]
    assert bench.refuse(1, code, 409) == ["cancel #2"], "and the first as soon as it may be asked again"
    assert bench.tick(1) == ["cancel #1"]


def test_a_bot_that_was_told_nothing_but_a_failed_read_waits() -> None:
    bench = Bench()
    says(bench, None, None)
    bench.step(LinkUp(bench.now))
    bench.is_active()
    bench.book(BOOK)
    bench.wishes["KXA"] = "51:10 |"
    bench.step(Tick(bench.now, 100, 100))
    bench.wait(0.01)
    bench.account()
    assert quiet(bench, 5) == []
    assert why(bench) == {"exchange": "the exchange has not said whether it is open"}
    says(bench, True, True)
    bench.book(BOOK)
    bench.wait(2)
    bench.step(Tick(bench.now, 100, 100))
    bench.account(as_of=bench.now)
    assert bench.tick(0.1) == ["place #1 bid 10@51"]


def test_a_read_that_fails_leaves_what_was_known() -> None:
    bench = both_rest()
    assert says(bench, True, True) == []
    assert says(bench, None, None) == []
    assert mode(bench) == "quoting"


def test_quotes_go_a_minute_before_a_planned_pause_and_come_back_after_it() -> None:
    bench = both_rest()
    says(bench, True, True)
    plans(bench, begins_in=90, lasts=7_200)
    assert quiet(bench, 29) == []
    bench.wait(1)
    assert bench.tick(0) == ["cancel #1", "cancel #2"], "sixty seconds before, to the tick"
    assert why(bench) == {"exchange": "a planned pause of trading begins soon"}
    bench.canceled(1, 10)
    bench.canceled(2, 10)
    says(bench, True, True)
    assert quiet(bench, 61) == []
    assert why(bench) == {"exchange": "a planned pause of trading"}
    assert says(bench, True, False) == []
    assert quiet(bench, 100) == []
    bench.wait(90 + 7_200 - 191)
    assert quiet(bench, 2) == []
    assert why(bench) == {"exchange": "trading is paused by the exchange"}, "it takes longer than planned"
    comes_back(bench)


def test_how_long_before_is_a_setting() -> None:
    bench = Bench(engine_settings(pull_before_pause=5 * SECOND)).quoting(BOOK, wishes="51:10 |")
    bench.tick()
    bench.ack(1)
    plans(bench, begins_in=20, lasts=60)
    assert quiet(bench, 14) == []
    assert bench.tick(1) == ["cancel #1"]


def test_errors_and_a_lost_feed_in_a_pause_do_not_trip_the_breaker_and_afterwards_do() -> None:
    bench = paused()
    bench.step(LinkDown(bench.now, reason="maintenance"))
    for number in range(40):
        bench.wait(2)
        bench.step(ApiError(bench.now, 5_000 + number, RequestKind.QUERY_ORDER, 503, ""))
        bench.step(Tick(bench.now, 100, 100))
    assert mode(bench) == "paused"
    says(bench, True, True)
    for _ in range(16):
        bench.tick(1)
    assert mode(bench) == "halted", "the feed is still lost"


def test_a_kill_in_a_pause_of_the_exchange_goes_on_trying() -> None:
    bench = paused(exchange=False)
    bench.refuse(1, "trading_is_paused", 409)
    bench.refuse(2, "trading_is_paused", 409)
    bench.step(Command(bench.now, CommandKind.KILL, "enough"))
    assert sorted(bench.tick(1)) == ["cancel #1", "cancel #2"]
    bench.refuse(1, "trading_is_paused", 409)
    says(bench, True, False)
    bench.canceled(2, 10)
    assert bench.tick(10) == ["cancel #1"]
    bench.canceled(1, 10)
    assert says(bench, True, True) == ["resubscribe KXA"]
    assert mode(bench) == "halted" and quiet(bench, 20) == []


def test_a_person_who_resumes_does_not_end_the_exchanges_pause() -> None:
    bench = paused()
    bench.command(CommandKind.PAUSE)
    assert set(why(bench)) == {"exchange", "operator"}
    bench.command(CommandKind.RESUME)
    assert set(why(bench)) == {"exchange"} and quiet(bench, 10) == []


def test_nothing_is_closed_in_a_pause() -> None:
    bench = both_rest()
    bench.fill(bench.order(1), 10)
    says(bench, True, False)
    bench.canceled(2, 10)
    bench.command(CommandKind.FLATTEN)
    sent = len(bench.actions)
    quiet(bench, 70)
    made = [action for action in bench.actions[sent:] if isinstance(action, PlaceOrder | AmendOrder)]
    assert made == []
    (told,) = [a for a in bench.actions if isinstance(a, Alert) and a.category == "flatten"]
    assert "the exchange takes no orders" in told.message


def test_many_markets_get_fresh_books_where_there_are_any() -> None:
    markets = tuple(f"KX{letter}" for letter in "ABCDE")
    desk = DeskSettings("DEFAULT", "scripted", markets, RiskLimits())
    bench = Bench(engine_settings(desks=(desk,), breaker=CALM)).quoting(BOOK)
    says(bench, True, False)
    says(bench, True, True)
    asked = [action.ticker for action in bench.actions if isinstance(action, Resubscribe)]
    assert asked == list(markets)
