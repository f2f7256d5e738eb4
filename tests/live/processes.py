"""Real processes for the stories: the exchange on its port, the bot beside it, patience in between."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests import canary

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / ".." / "shared" / "data"
# An order in doubt is proven absent after half a minute, a cancel-all holds quotes back for a whole one, and
# an end has as long for its proof: a story waits longer than each of these, on a slow machine, too.
PATIENCE = 150.0
LOOK_EVERY = 0.05
# How a market moves is nobody's choice: a few losses in a row, or much bought, end no story.
CALM = {"losing_round_trips": None, "max_inventory_imbalance": 1.0}
READS_EVERY = 0.2  # the exchange counts our reads against the bot's allowance
TOO_MANY_REQUESTS = 429

T = TypeVar("T")


def eventually(what: str, look: Callable[[], T], every: float = LOOK_EVERY) -> T:
    """The first true thing that ``look`` returns.

    :raises AssertionError: naming ``what``, after `PATIENCE` seconds without.
    """
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(every)
    return found


def clean_environment(extra: Mapping[str, str] = {}) -> dict[str, str]:
    """Ours, without anything that would steer a bot by accident, and with ``extra``. Whatever the working
    directory, the code is that of this checkout."""
    ours = {
        name: value for name, value in os.environ.items() if not name.upper().startswith(("KMM", "KALSHI"))
    }
    return {**ours, "PYTHONPATH": str(ROOT), **extra}


def kmm(*arguments: str | Path, environment: Mapping[str, str] = {}) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "mm", *map(str, arguments)],
        cwd=ROOT,
        env=clean_environment(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def is_exact(summary: Mapping[str, Any]) -> bool:
    """Ended well, nothing left resting, and every figure of ours is the exchange's to the last digit."""
    comparison = summary["comparison"]
    assert {"cash", "fees", "P&L"} <= {line["name"] for line in comparison}
    agree = all(float(line["difference"]) == 0 and line["ours"] == line["exchange"] for line in comparison)
    return agree and (summary["exit_code"], summary["resting_orders"], summary["agrees"]) == (0, 0, True)


def run_of(order: Mapping[str, Any]) -> str:
    """Which start of a bot has sent it."""
    found: str = order["client_order_id"]
    return found.rpartition("-")[0]


class Exchange:
    """A simulated exchange that outlives the bots, seen through its public API with its own signatures."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.rest_url: str = facts["rest_url"]
        self.ws_url: str = facts["ws_url"]
        self.key_id: str = facts["key_id"]
        self.key_path: str = facts["private_key_path"]
        canary.plant(Path(self.key_path).read_text())
        key = serialization.load_pem_private_key(Path(self.key_path).read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key = key
        self._http = requests.Session()
        self._admin: dict[str, str] = facts.get("admin", {})

    def manage(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the admin port, where the exchange was started with one; what it answers."""
        token = Path(self._admin["token_path"]).read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        url = self._admin["url"] + path
        answer = requests.request(method, url, json=body, headers=headers, timeout=PATIENCE)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    @property
    def port(self) -> int:
        return int(self.rest_url.split(":")[2].split("/")[0])

    def read(self, path: str, **query: str) -> Any:
        """A signed GET."""
        return self._ask("GET", path, params=query)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """A signed POST: what the owner of the account does beside the bot."""
        return self._ask("POST", path, json=body)

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        """Asked again where it was refused because the bot asks on the same allowance: nothing was done."""

        def answered() -> list[requests.Response]:
            options = {**more, "headers": self._signed(method, path), "timeout": PATIENCE}
            answer = self._http.request(method, self.rest_url + path, **options)
            return [answer] if answer.status_code != TOO_MANY_REQUESTS else []

        (answer,) = eventually(f"an answer to {path}", answered, READS_EVERY)
        answer.raise_for_status()
        return answer.json()

    def catch_up(self) -> None:
        """Reads trail what is done: wait until they show all that was done by now."""
        now = datetime.now(UTC)

        def is_shown() -> bool:
            shown = self.read("/exchange/user_data_timestamp")["as_of_time"]
            return datetime.fromisoformat(shown) >= now

        eventually("reads of now", is_shown)

    def _signed(self, method: str, path: str) -> dict[str, str]:
        """Headers (protocol section 2)."""
        now = str(time.time_ns() // 1_000_000)
        text = f"{now}{method}/trade-api/v2{path}".encode()
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
        signature = base64.b64encode(self._key.sign(text, pss, hashes.SHA256())).decode()
        return {
            "KALSHI-ACCESS-KEY": self.key_id,
            "KALSHI-ACCESS-TIMESTAMP": now,
            "KALSHI-ACCESS-SIGNATURE": signature,
        }

    def orders(self, **query: str) -> list[dict[str, Any]]:
        """Every order of the account, oldest page last."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.read("/portfolio/orders", limit="1000", cursor=cursor, **query)
            found += page["orders"]
            cursor = page["cursor"]
            if not cursor:
                return found

    def resting(self) -> list[dict[str, Any]]:
        return self.orders(status="resting")

    def resting_names(self) -> set[str]:
        """Client order ids of what rests."""
        return {order["client_order_id"] for order in self.resting()}

    def runs(self) -> set[str]:
        """Which starts of a bot have ever sent an order here: what begins their client order ids."""
        return {run_of(order) for order in self.orders()}

    def orders_since(self, former: set[str]) -> list[dict[str, Any]]:
        """Those of no start in ``former``."""
        return [order for order in self.orders() if run_of(order) not in former]

    def positions(self) -> dict[str, str]:
        """Contracts held, by ticker; what is flat is left out."""
        rows = self.read("/portfolio/positions", limit="1000")["market_positions"]
        return {row["ticker"]: row["position_fp"] for row in rows if float(row["position_fp"])}

    def both_sides_rest(self) -> bool:
        return {order["book_side"] for order in self.resting()} == {"bid", "ask"}

    def nothing_rests(self) -> bool:
        return not self.resting()

    def environment(self, rest: int | None = None, feed: int | None = None) -> dict[str, str]:
        """What points a bot at this exchange, perhaps through other ports."""
        port = f":{self.port}/"
        return {
            "KMM__exchange__rest_url": self.rest_url.replace(port, f":{rest or self.port}/"),
            "KMM__exchange__ws_url": self.ws_url.replace(port, f":{feed or self.port}/"),
            "KALSHI_API_KEY_ID": self.key_id,
            "KALSHI_PRIVATE_KEY_PATH": self.key_path,
        }


@contextmanager
def exchange_process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], Exchange]]:
    """``kmm exchange`` for the time of the block; it ends with our end of its standard input. Its markets
    stay open for a quarter of an hour: no story depends on the time of day."""
    ours = ("--exit-with-stdin", "--whole-periods", "--key-id", canary.KEY_ID)
    with subprocess.Popen(
        [sys.executable, "-m", "mm", "exchange", *ours, *arguments],
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, Exchange(json.loads(process.stdout.readline()))
        finally:
            process.terminate()


class Bot:
    """One ``kmm run``: its process, its files, and everything it has said."""

    def __init__(self, process: subprocess.Popen[bytes], run_dir: Path, said: Path, erred: Path) -> None:
        self.process = process
        self.run_dir = run_dir
        self._said, self._erred = said, erred

    @property
    def stdout(self) -> str:
        return self._said.read_text()

    @property
    def stderr(self) -> str:
        return self._erred.read_text()

    @property
    def summary(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    def ends(self) -> int:
        """Its exit code, once it has one."""
        return self.process.wait(PATIENCE)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def has(self, name: str) -> bool:
        return (self.run_dir / name).exists()

    def lines(self, name: str) -> list[dict[str, Any]]:
        """A file of one JSON object a line, so far; a line that is being written is left out."""
        whole, _, _ = (self.run_dir / name).read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def log(self, event: str, desk: str = "DEFAULT") -> list[dict[str, Any]]:
        """The log's lines of this event."""
        return [line for line in self.lines(f"{desk}.log") if line["event"] == event]

    def alerts(self, category: str) -> list[dict[str, Any]]:
        return [line for line in self.lines("alerts.jsonl") if line["category"] == category]

    def everything(self) -> str:
        """All that it said and left on disk, as far as it is text. While it runs, files are replaced."""
        assert self.process.poll() is not None, "it still writes"
        files = [path for path in self.run_dir.rglob("*") if path.is_file()]
        return self.stdout + self.stderr + "".join(path.read_text(errors="replace") for path in files)

    def sees(self, what: str, look: Callable[[], T], every: float = READS_EVERY) -> T:
        """As `eventually`, but gives up when the bot has ended."""

        def found_or_running() -> T:
            is_running = self.process.poll() is None  # asked first: what it did last still counts
            found = look()
            assert found or is_running, f"ended before: {what}: {self.stderr}"
            return found

        return eventually(what, found_or_running, every)

    def waits_for(self, event: str, times: int = 1, desk: str = "DEFAULT") -> list[dict[str, Any]]:
        """These lines, once the log has them ``times`` times."""

        def look() -> list[dict[str, Any]]:
            found = self.log(event, desk) if self.has(f"{desk}.log") else []
            return found if len(found) >= times else []

        return self.sees(f"{times} x {event} in the log", look, LOOK_EVERY)


@contextmanager
def bot_process(
    run_dir: Path,
    *arguments: str | Path,
    environment: Mapping[str, str] = {},
    directory: Path = ROOT,
    output: int | None = None,
) -> Iterator[Bot]:
    """``kmm run`` for the time of the block, on the markets and exchange that ``environment`` says. What it
    says goes to ``output``, if that is a descriptor, and is not kept then."""
    run_dir.parent.mkdir(parents=True, exist_ok=True)
    said, erred = run_dir.with_suffix(".stdout"), run_dir.with_suffix(".stderr")
    with said.open("wb") as stdout, erred.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "mm", "run", "--run-dir", str(run_dir), *map(str, arguments)],
            cwd=directory,
            env=clean_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=stdout if output is None else output,
            stderr=stderr if output is None else output,
        )
    try:
        yield Bot(process, run_dir, said, erred)
    finally:
        process.kill()
        process.wait()


def settings(directory: Path, **changes: Any) -> Path:
    """A configuration that quotes at once on the simulated exchange (JSON is YAML), whatever it wins or
    loses, unless ``changes`` to the breaker say otherwise."""
    desk = {"strategy": "top_of_book", "params": {"size_contracts": 5, "cutoff_seconds": 5}}
    breaker = {**CALM, **changes.pop("circuit_breaker", {})}
    document = {"version": 1, "desks": {"DEFAULT": desk}, "circuit_breaker": breaker, **changes}
    text = json.dumps(document)
    path = directory / "config.yaml"
    path.write_text(text)
    return path
