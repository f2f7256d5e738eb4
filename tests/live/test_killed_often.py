"""kill -9 at many moments of a busy life: while it starts, in the middle of everything, and while it stops.

One exchange, one run directory, one start after the other; each inherits what the one before left. `KILLS` is
how often it is killed: a few in the ordinary suite, ``KMM_TEST_KILLS=200`` for all of it (about ten minutes).
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mm.observe.journal_reader import runs
from tests.live.processes import Bot, Exchange, bot_process, eventually, exchange_process, is_exact, settings
from tests.live.remains import Run, last_run, placed_in_file, torn_tails, trading_lines

KILLS = int(os.environ.get("KMM_TEST_KILLS", "12"))
SEED = int(os.environ.get("KMM_TEST_KILLS_SEED", "1"))
MOST_JOURNAL_BYTES = 250_000
LOOK_SECONDS = 0.002
# Killed; stopped before it could be killed, in order or before it had begun to trade.
MEANT_ENDINGS = (-signal.SIGKILL, 0, 3)
DESK = {
    "strategy": "top_of_book",
    "params": {"size_contracts": 5, "cutoff_seconds": 5},
    "limits": {"max_position_contracts": 30},
}
RULES = {
    "error_rate": None,
    "losing_round_trips": None,
    "daily_loss_fraction": None,
    "daily_loss_dollars": None,
    "weekly_loss_dollars": None,
    "pnl_threshold": -1_000,
    "max_inventory_imbalance": 1.0,
}
LOST_ANSWERS = {
    "point": "after_accept",
    "kind": "reset",
    "contains": "/portfolio/events/orders",
    "probability": 0.02,
    "times": 100_000,
}
STATUS = "DEFAULT_circuit_breaker_status.json"


def nanos(time_text: str) -> int:
    """Of a time of the exchange."""
    return int(datetime.fromisoformat(time_text).timestamp() * 1_000_000) * 1_000


class Farm:
    """Starts and kills, and remembers what it saw."""

    def __init__(self, home: Path, exchange: Exchange) -> None:
        self.run_dir = home / "logs"
        self.exchange = exchange
        self.runs: list[Run] = []
        self.torn = self.behind = 0
        self.moments: Counter[str] = Counter()
        self._number = 0
        self._config = settings(home, circuit_breaker=RULES, desks={"DEFAULT": DESK})

    def bot(self, *more: str) -> Any:
        environment = self.exchange.environment()
        arguments: tuple[str | Path, ...] = ("--config", self._config, "--json", *more)
        return bot_process(self.run_dir, *arguments, environment=environment)

    # -- killing -------------------------------------------------------------------------------------------
    def kill_once(self, number: int) -> None:
        draw = random.Random(f"{SEED} {number}")
        moments: dict[str, Callable[[Bot, random.Random], None]] = {
            "while it starts": self._starting,
            "at work": self._at_work,
            "while it stops": self._stopping,
        }
        moment = draw.choices(list(moments), (2, 6, 2))[0]
        with self.bot() as bot:
            moments[moment](bot, draw)
            bot.signal(signal.SIGKILL)
            code = bot.ends()
        assert code in MEANT_ENDINGS, f"kill {number}: {bot.stderr}"
        self.moments[moment if code < 0 else "after it had stopped"] += 1
        self.inspect_files()

    def _starting(self, bot: Bot, draw: random.Random) -> None:
        """From the first file on: opening files, looking for markets, taking over."""
        self._until(bot, lambda: bot.has("kmm.lock") and (self.run_dir / "kmm.lock").stat().st_size > 0)
        time.sleep(draw.uniform(0, 0.5))

    def _at_work(self, bot: Bot, draw: random.Random) -> None:
        """After so many bytes of journal: at any place in it, whatever the speed of the machine."""
        wanted = draw.randrange(1, MOST_JOURNAL_BYTES)
        self._until(bot, lambda: self._journal_size() >= wanted)

    def _stopping(self, bot: Bot, draw: random.Random) -> None:
        self._at_work(bot, draw)
        bot.signal(signal.SIGTERM)
        time.sleep(draw.uniform(0, 1.5))

    def _until(self, bot: Bot, look: Callable[[], bool]) -> None:
        bot.sees("the moment to kill it", look, LOOK_SECONDS)

    def _journal_size(self) -> int:
        """Of the run that is not known yet."""
        parts = (self.run_dir / "journal").glob(f"run{self._number + 1:06d}-*")
        return sum(path.stat().st_size for path in parts)

    def quotes_again(self) -> bool:
        """What rests may be left over; the journal of the run that is not known yet says who placed it."""
        run = last_run(self.run_dir, self._number)
        return run is not None and bool(run.placed)

    # -- looking -------------------------------------------------------------------------------------------
    def inspect_files(self) -> None:
        """As soon as it is dead: every file parses, and none is behind the journal by more than a turn."""
        self.torn += len(torn_tails(self.run_dir))
        run = last_run(self.run_dir, self._number)
        self._number = (
            max(runs(self.run_dir / "journal"), default=0) if (self.run_dir / "journal").exists() else 0
        )
        if run is None:
            return
        self.runs.append(run)
        written = placed_in_file(self.run_dir, run)
        assert all(times == 1 for times in written.values()), "written twice"
        assert list(run.placed)[: len(written)] == list(written), "a line is missing in the middle"
        self._follows(run, [turn for name, turn in run.placed.items() if name not in written])
        fills = self._fills_in_file()
        self._follows(run, [turn for name, turn in run.filled.items() if name not in fills])

    def _follows(self, run: Run, missing: list[int]) -> None:
        """What is missing in the file belongs to the last Tick, or came after it."""
        self.behind += len(missing)
        assert all(turn >= run.turn for turn in missing), "lines are lost"

    def _fills_in_file(self) -> Counter[tuple[str, str]]:
        return Counter((line["trade_id"], line["order_id"]) for line in trading_lines(self.run_dir, "fill"))

    def inspect_orders(self) -> None:
        """At the exchange: nothing that the journal does not know, nothing twice, and no start quoted before
        what the former ones had left was gone."""
        orders = self.exchange.orders()
        names = Counter(order["client_order_id"] for order in orders)
        assert all(times == 1 for times in names.values()), "one intent, two orders"
        known = {name for run in self.runs for name in run.placed}
        assert set(names) <= known, "an order that no journal knows of"
        by_run: dict[str, list[dict[str, Any]]] = {}
        for order in orders:
            by_run.setdefault(order["client_order_id"].rpartition("-")[0], []).append(order)
        gone = 0
        for run in self.runs:
            ours = by_run.get(run.prefix, [])
            if ours:
                first = min(nanos(order["created_time"]) for order in ours)
                assert gone <= first, f"{run.prefix} quoted while older orders still rested"
                gone = max(gone, *(nanos(order["last_update_time"]) for order in ours))

    def inspect_lines(self) -> None:
        """What a kill left in the journal alone, the start after it has added: every order of every run."""
        for run in self.runs:
            assert list(placed_in_file(self.run_dir, run).elements()) == list(run.placed), run.prefix

    def inspect_fills(self) -> int:
        """Over all runs the file has the exchange's fills, each once, and its changes of inventory add up to
        the exchange's positions. How many fills happened while nobody watched."""
        written = self._fills_in_file()
        assert all(times == 1 for times in written.values()), "a fill is written twice"
        assert set(written) == {(fill["trade_id"], fill["order_id"]) for fill in self.fills()}
        changes: Counter[str] = Counter()
        for line in trading_lines(self.run_dir, "inventory_change"):
            changes[line["ticker"]] += round(100 * line["change"])
        assert {ticker: count for ticker, count in changes.items() if count} == self._positions()
        return sum(line.get("recovered", False) for line in trading_lines(self.run_dir, "fill"))

    def _positions(self) -> dict[str, int]:
        """At the exchange, in hundredths of a contract."""
        rows = self.exchange.read("/portfolio/positions", limit="1000")["market_positions"]
        return {row["ticker"]: count for row in rows if (count := round(100 * float(row["position_fp"])))}

    def fills(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.exchange.read("/portfolio/fills", limit="1000", cursor=cursor)
            found += page["fills"]
            cursor = page["cursor"]
            if not cursor:
                return found

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.run_dir / STATUS).read_text())
        return found

    def stop(self, bot: Bot) -> None:
        """An end in order, and the last look at all files."""
        bot.signal(signal.SIGTERM)
        assert bot.ends() == 0, bot.stderr
        assert is_exact(bot.summary)
        assert torn_tails(self.run_dir) == []
        run = last_run(self.run_dir, self._number)
        assert run is not None
        self.runs.append(run)


@pytest.fixture(scope="module")
def busy() -> Any:
    arguments = ("--seed", "5", "--balance", "100000", "--regime", "fast_15_minute", "--admin-port", "0")
    with exchange_process(*arguments) as (_, exchange):
        yield exchange


@pytest.mark.timeout(300 + 10 * KILLS)
def test_no_kill_loses_a_line_an_order_or_the_breaker(busy: Exchange, tmp_path: Path) -> None:
    """The last two kills strike a bot whose breaker has tripped: it is found tripped, for the same reason.
    What was met is left in ``figures.json`` of the test's directory."""
    farm = Farm(tmp_path, busy)
    busy.manage("POST", "/faults", LOST_ANSWERS)
    for number in range(KILLS - 2):
        farm.kill_once(number)
        assert farm.status()["is_open"], farm.status()
    busy.manage("DELETE", "/faults")
    trip(farm)
    tripped = farm.status()
    for number in range(KILLS - 2, KILLS):
        farm.kill_once(number)
        found = farm.status()
        assert not found["is_open"]
        assert (found["trip_rule"], found["trip_reason"]) == (tripped["trip_rule"], tripped["trip_reason"])
    with farm.bot("--reset-breaker", "the tests go on") as bot:
        bot.sees("quotes of its own", farm.quotes_again)
        farm.stop(bot)
    eventually("nothing rests", busy.nothing_rests)
    farm.inspect_orders()
    farm.inspect_lines()
    recovered = farm.inspect_fills()
    figures = {**farm.moments, "journals": len(farm.runs), "torn tails": farm.torn}
    figures |= {"lines behind the journal": farm.behind, "fills recovered": recovered}
    (tmp_path / "figures.json").write_text(json.dumps({**figures, "fills": len(farm.fills())}))
    assert sum(farm.moments.values()) == KILLS
    assert len(farm.runs) > KILLS // 2


def trip(farm: Farm) -> None:
    """The exchange refuses everything until the breaker trips; then the bot is killed."""
    with farm.bot() as bot:
        bot.sees("quotes of its own", farm.quotes_again)
        refused = {"point": "before_accept", "kind": "status", "status": 401, "times": 100_000}
        farm.exchange.manage("POST", "/faults", {**refused, "contains": "/portfolio"})
        bot.sees("the trip", lambda: not farm.status()["is_open"])
        farm.exchange.manage("DELETE", "/faults")
        bot.signal(signal.SIGKILL)
        bot.ends()
    farm.inspect_files()
