"""A bot's bad day: it quotes and is filled, is refused, loses answers, trips, is killed, and starts again.

At each of its moments every reading command of the operator's quick start is typed in the run directory, and
the exchange is asked for its own books. What was seen is kept, for tests to look at: the day is lived once.
A bot that runs goes on writing, so what a command read is kept with what it printed.
"""

from __future__ import annotations

import json
import shutil
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from tests import canary
from tests.live.processes import Bot, Exchange, bot_process, eventually, exchange_process, settings
from tests.ops.fenced_commands import FOLLOWING, READING, TAIL_ALERTS, Followed, objects, type_in

METRICS = "Strategy_DEFAULT_metrics.json"
STATUS = "DEFAULT_circuit_breaker_status.json"
TRADING = "Strategy_DEFAULT_trading.jsonl"
READ = ("alerts.jsonl", STATUS, METRICS, "DEFAULT.log", TRADING)
PACKED = "diagnostics.tar.gz"
# What comes and goes while a bot runs, so that a copy of the directory may not find it any more.
PASSING = shutil.ignore_patterns("journal", "alerts_outbox", "*.sock", "*.tmp")
ORDERS = "/portfolio/events/orders"
POST_ONLY_CROSS = '{"error":{"code":"invalid_order","message":"post only cross"}}'
REFUSED = {"method": "POST", "contains": ORDERS, "status": 400, "body": POST_ONLY_CROSS, "times": 2}
OUTAGE = {"method": "POST", "contains": "/amend", "status": 503, "times": 3}
# The exchange repeats our secret in what it says.
WHO = json.dumps({"error": {"code": "authentication_error", "message": f"key {canary.KEY_ID} is revoked"}})
KEY_REVOKED = {"contains": "/portfolio", "status": 401, "body": WHO, "times": 10_000}
AT_FIRST, LATER = 12, 6
# Event types of the trading log, and where the summary counts them.
COUNTED = {
    "order_sent": "orders_sent",
    "order_acknowledged": "orders_acknowledged",
    "order_rejected": "orders_rejected",
    "order_canceled": "orders_canceled",
    "api_error": "api_errors",
}
RULES = {
    "max_consecutive_errors": 4,  # half seconds of nothing but errors: the day is a short one
    "error_rate": None,  # in so short a day it may be the first to trip
    "max_inventory_imbalance": 1.0,
    "warn_inventory_imbalance": 0.1,  # less than one quote: no test waits for a market to lean
    "losing_round_trips": None,
    "daily_loss_fraction": None,
}
# Everything that can tell a person has a secret, and none of it is there: the texts of the errors are logged.
ALERTS = {
    "email": {
        "enabled": True,
        "smtp_host": "127.0.0.1",
        "encryption": "none",
        "from_email": "bot@example.com",
        "to_email": "me@example.com",
    }
}
DESK = {
    "strategy": "top_of_book",
    "params": {"size_contracts": 5, "cutoff_seconds": 5},
    "limits": {"max_position_contracts": 20},
}


class Seen(msgspec.Struct, frozen=True):
    """One moment. ``after`` is a copy of the run directory from after the commands; ``met`` has, by command,
    one of the files as that command met them, while a bot runs a few lines earlier. ``printed`` is by
    command, too; ``fills`` and ``positions`` (by ticker) are the exchange's."""

    name: str
    after: str
    met: dict[str, str]
    printed: dict[str, str]
    fills: list[dict[str, Any]]
    positions: dict[str, dict[str, Any]]

    def as_met_by(self, command: str) -> Seen:
        """The moment with the files that this command read, and the trading log beside them."""
        return msgspec.structs.replace(self, after=self.met[command])

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Of a file of one object a line."""
        text = (Path(self.after) / name).read_text("ascii")
        return [json.loads(line) for line in text.splitlines()]

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines(TRADING) if line["event_type"] == kind]

    def document(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((Path(self.after) / name).read_text("ascii"))
        return found


class Day(msgspec.Struct, frozen=True):
    """The moments in order. ``followed`` is what the commands printed that go on until Ctrl-C, by command."""

    moments: dict[str, Seen]
    followed: dict[str, str]


def is_trip(alert: dict[str, Any]) -> bool:
    """And not only its warning."""
    return (alert["level"], alert["category"]) == ("critical", "circuit_breaker")


class BusyRun:
    """Lives through the day in ``home``. ``nobody`` is a port where nobody answers."""

    def __init__(self, home: Path, exchange: Exchange, nobody: int) -> None:
        self._home, self._exchange = home, exchange
        self._run_dir = home / "logs"
        alerts = {**ALERTS, "email": {**ALERTS["email"], "smtp_port": nobody}}
        self._config = settings(home, circuit_breaker=RULES, desks={"DEFAULT": DESK}, alerts=alerts)
        self._secrets = {
            "KMM_SMTP_PASSWORD": canary.PASSWORD,
            "KMM_APPRISE_URLS": f"json://me:{quote(canary.TOKEN, safe='')}@127.0.0.1:{nobody}/",
            "KMM_DEAD_MAN_URL": f"http://127.0.0.1:{nobody}/{quote(canary.TOKEN, safe='')}",
        }
        self._moments: dict[str, Seen] = {}
        self._followed: dict[str, str] = {}

    def play(self) -> Day:
        with self._bot() as bot:
            self._trade(bot)
            self._trip(bot)
            bot.signal(signal.SIGKILL)
            assert bot.ends() == -signal.SIGKILL
        self._look("killed")
        former = self._metrics()["updated_at"]
        with self._bot() as bot:
            bot.sees("the new process", lambda: self._status(bot) == "tripped")
            bot.sees("its own figures", lambda: self._metrics()["updated_at"] > former)
            bot.sees("what it took over", lambda: self._held() == self._exchange.positions())
            bot.sees("what became of the former one", lambda: bot.alerts("bot_crash"))
            self._look("restarted")
            bot.signal(signal.SIGTERM)
            assert bot.ends() == 0, bot.stderr
        return Day(self._moments, self._followed)

    def _bot(self) -> Any:
        environment = {**self._exchange.environment(), **self._secrets}
        return bot_process(self._run_dir, "--config", self._config, "--json", environment=environment)

    # -- what happens --------------------------------------------------------------------------------------
    def _trade(self, bot: Bot) -> None:
        """Fills, refusals and lost answers; then the exchange pauses, so that the figures stand still."""
        bot.waits_for("order_filled", AT_FIRST)
        self._follow(bot)
        self._fail({"point": "before_accept", "kind": "status", **REFUSED})
        self._until_logged(bot, "order_rejected", 2)
        self._fail({"point": "before_accept", "kind": "status", **OUTAGE})
        self._until_logged(bot, "api_error", 3)
        bot.sees("a lopsided inventory", lambda: bot.alerts("inventory_imbalance"))
        filled = len(bot.log("order_filled"))
        bot.waits_for("order_filled", filled + LATER)
        self._exchange.manage("POST", "/pause")
        self._until_its_reads_are_from_now(bot)
        self._until_the_books_agree(bot)
        self._look("running")
        self._exchange.manage("POST", "/resume")

    def _trip(self, bot: Bot) -> None:
        """The exchange takes our key no more: refusals in a row trip the breaker. When it takes it again, all
        that rests is cancelled, and a person who watches the alerts has seen it come."""
        bot.sees("quotes again", self._exchange.both_sides_rest)
        watched = Followed(TAIL_ALERTS, self._run_dir)
        self._fail({"point": "before_accept", "kind": "status", **KEY_REVOKED})
        bot.sees("the trip", lambda: any(is_trip(alert) for alert in bot.alerts("circuit_breaker")))
        self._followed[TAIL_ALERTS] = watched.until(
            lambda text: any(is_trip(alert) for alert in objects(text))
        )
        watched.end()
        self._exchange.manage("DELETE", "/faults")
        bot.sees("nothing rests", self._exchange.nothing_rests)
        self._until_the_books_agree(bot)
        bot.sees("it says so itself", lambda: self._status(bot) == "tripped")
        self._until_the_counts_stand_still(bot)
        self._look("tripped")

    def _follow(self, bot: Bot) -> None:
        """The other commands that go on: each shows what was not there when it began."""
        for command in FOLLOWING:
            if command != TAIL_ALERTS:
                sent = {order["client_order_id"] for order in self._exchange.orders()}
                watched = Followed(command, self._run_dir)
                watched.until(lambda text, sent=sent: bool(_news(text, sent)))  # type: ignore[misc]
                self._followed[command] = watched.output
                watched.end()

    def _fail(self, fault: dict[str, Any]) -> None:
        self._exchange.manage("POST", "/faults", fault)

    # -- what is waited for --------------------------------------------------------------------------------
    def _until_logged(self, bot: Bot, event_type: str, times: int) -> None:
        bot.sees(f"{times} x {event_type}", lambda: self._logged(bot)[event_type] >= times)

    def _logged(self, bot: Bot) -> Counter[str]:
        """How many lines of each type the trading log has."""
        return Counter(str(line["event_type"]) for line in bot.lines(TRADING))

    def _until_its_reads_are_from_now(self, bot: Bot) -> None:
        """The exchange's reads trail what has happened there; what happened before this is in them now."""
        now = datetime.now(UTC)

        def catches_up() -> bool:
            as_of: str = self._exchange.read("/exchange/user_data_timestamp")["as_of_time"]
            return datetime.fromisoformat(as_of) >= now

        bot.sees("what the exchange has done by now", catches_up)

    def _until_the_books_agree(self, bot: Bot) -> None:
        """Nothing trades any more, and all that did is in every file."""

        def agree() -> bool:
            fills = len(self._fills())
            counted: int = self._metrics()["summary"]["total_fills"]
            return self._logged(bot)["fill"] == counted == fills

        bot.sees("the same fills here and there", agree)

    def _until_the_counts_stand_still(self, bot: Bot) -> None:
        """The metrics are as far as the trading log, and still are when they have been written once more: a
        bot that stands still itself, with answers to come, does not write them."""
        agreed: list[tuple[float, Counter[str]]] = []

        def stand_still() -> bool:
            metrics, logged = self._metrics(), self._logged(bot)
            agree = all(logged[word] == metrics["summary"][name] for word, name in COUNTED.items())
            if not agree or (agreed and agreed[0][1] != logged):
                agreed.clear()
            if agree and not agreed:
                agreed.append((metrics["updated_at"], logged))
            return bool(agreed) and metrics["updated_at"] > agreed[0][0]

        bot.sees("the same counts in all files, and no news", stand_still)

    def _metrics(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self._run_dir / METRICS).read_text())
        return found

    def _status(self, bot: Bot) -> str:
        beat = json.loads((self._run_dir / "heartbeat.json").read_text())
        return str(beat["status"]) if beat["pid"] == bot.process.pid else ""

    def _held(self) -> dict[str, str]:
        """As the metrics have it, in the exchange's words."""
        markets = self._metrics()["markets"].items()
        return {ticker: f"{row['position']:.2f}" for ticker, row in markets if row["position"]}

    # -- what is looked at ---------------------------------------------------------------------------------
    def _look(self, name: str) -> None:
        home = self._home / "seen" / name
        met = {command: home / str(number) for number, command in enumerate(READING)}
        printed = {command: self._type(command, to) for command, to in met.items()}
        after = shutil.copytree(self._run_dir, home / "after", ignore=PASSING)
        homes = {command: str(to) for command, to in met.items()}
        self._moments[name] = Seen(name, str(after), homes, printed, self._fills(), self._positions())

    def _type(self, command: str, to: Path) -> str:
        """What it prints; once more if a file that it reads was written meanwhile, because nobody could say
        then what it has read. What it read is in ``to``."""
        to.mkdir(parents=True)
        names = [name for name in READ if name in command]

        def typed() -> list[str]:
            before = _contents(self._run_dir, names)
            printed = type_in(command, self._run_dir)
            for name in {*names, TRADING, *([PACKED] if PACKED in command else [])}:
                shutil.copy(self._run_dir / name, to)
            return [printed] if _contents(to, names) == before else []

        (printed,) = eventually(f"files that stand still for {command}", typed)
        return printed

    def _fills(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._exchange.read("/portfolio/fills", limit="1000")["fills"]
        return found

    def _positions(self) -> dict[str, dict[str, Any]]:
        rows = self._exchange.read("/portfolio/positions", limit="1000")["market_positions"]
        return {row["ticker"]: row for row in rows}


def _contents(directory: Path, names: Iterable[str]) -> list[bytes]:
    return [(directory / name).read_bytes() for name in names]


def _news(text: str, sent: set[str]) -> set[str]:
    """Orders of this run that a terminal shows, in lines that are there to their end, and that had not been
    sent when we last looked."""
    (run,) = {name.rpartition("-")[0] for name in sent}
    words = json.dumps(objects(text)).replace('"', " ").replace(",", " ").split()
    return {word for word in words if word.startswith(f"{run}-")} - sent


def play(home: Path) -> Day:
    """The whole day, with an exchange of its own."""
    arguments = ("--seed", "3", "--balance", "5000", "--regime", "fast_15_minute", "--admin-port", "0")
    with exchange_process(*arguments) as (_, exchange), socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and never listens
        eventually("an open market", lambda: exchange.read("/markets", status="open")["markets"])
        return BusyRun(home, exchange, bound.getsockname()[1]).play()


def play_once(home: Path, hold: Callable[[], Any]) -> Day:
    """The day of this session, whichever process lives through it first; ``hold`` locks out the others."""
    story = home / "day.json"
    with hold():
        if not story.exists():
            story.write_bytes(msgspec.json.encode(play(home)))
    return msgspec.json.decode(story.read_bytes(), type=Day)
