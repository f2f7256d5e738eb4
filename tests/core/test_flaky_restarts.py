"""The engine killed again and again in front of an honest exchange behind a bad line: every start finds what
the former run left, forgets no fill and no loss, and ends with the exchange's own figures."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from mm.core.engine import Engine
from mm.core.events import AnyEvent, LinkUp, MarketState, MarketStatus
from mm.core.units import MONEY_DOLLAR, SECOND, Money, Nanos
from tests.core.bench import FREE
from tests.core.flaky_exchange import FlakyExchange, Line
from tests.core.test_flaky_exchange import LINES, Run
from tests.core.words import Scripted

LIVES = 4
CALM_SECONDS = 110
# Asks and bids of others: every position is worth 50 cents a contract.
MARK = 5_000


class OutlivesItsClients(FlakyExchange):
    """What is on its way to a process ends with it; what has left it does not."""

    life = 0

    def send(self, build: Callable[[Nanos], AnyEvent], moment: Nanos | None = None) -> None:
        life = self.life

        def arrive() -> None:
            if self.life == life:
                self.deliver(build(self.now))

        self.at(self.soon() if moment is None else moment, arrive)


class Lives(Run):
    """One seed, several runs of the bot, each killed at any moment."""

    def __init__(self, seed: int, line: Line) -> None:
        super().__init__(seed, line)
        self.exchange = self.outliving = OutlivesItsClients(
            self.random, self.exchange.now, Line(), self.deliver
        )

    def check(self) -> None:
        """Orders of a former run are not known before a read shows them; this exchange matches nobody."""
        self.check_exposure()

    def dies(self) -> None:
        self.outliving.life += 1
        picture = self.engine.picture()
        settings = msgspec.structs.replace(
            self.engine.settings,
            run=f"life{self.outliving.life}",
            memory=picture.memory,
            fills_since=self.exchange.now,
        )
        self.pass_by(self.random.choice([0.0, 0.3, 3.0, 40.0]))
        self.engine = Engine(settings, {"DEFAULT": lambda: Scripted(self.wishes, [])})
        self.exchange.is_feed_up = True
        self.starts()

    def pass_by(self, seconds: float) -> None:
        """Nobody watches; somebody may trade."""
        for _ in range(round(seconds * 10)):
            self.exchange.run_until(self.exchange.now + SECOND // 10)
            if self.exchange.live and self.exchange.happens(0.1):
                self.exchange.hit(self.exchange.live[0], min(self.exchange.live[0].remaining, 200), fee=100)

    def starts(self) -> None:
        self.deliver(LinkUp(self.exchange.now))
        self.deliver(MarketStatus(self.exchange.now, "KXA", state=MarketState.ACTIVE, fees=FREE))
        self.show_the_book()

    def play(self) -> None:
        self.starts()
        self.pass_seconds(2, alive=False)
        self.exchange.line = self.bad_line
        for _ in range(LIVES):
            self.pass_seconds(self.random.choice([1, 8, 30]), alive=True)
            self.dies()
        self.exchange.line = Line()
        self.wishes["KXA"] = "|"
        self.pass_seconds(CALM_SECONDS, alive=False)

    @property
    def earned(self) -> Money:
        """Since the first start, by the exchange's books."""
        held = self.exchange.position * MARK + max(-self.exchange.position, 0) * 10_000
        return self.exchange.cash + held - 1_000 * MONEY_DOLLAR


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("line", LINES)
def test_no_death_loses_an_order_a_fill_or_a_loss(line: str, seed: int) -> None:
    lives = Lives(seed, LINES[line])
    lives.play()
    engine, exchange = lives.engine, lives.exchange
    assert not exchange.live
    assert not list(engine.know.orders)
    assert engine.mode.value == "quoting", engine.picture().breaker.trip_reason
    assert engine.position("KXA") == exchange.position
    assert engine.know.ledger.cash == exchange.cash
    assert engine.know.breaker.measures.pnl <= lives.earned, "a loss was forgotten"
