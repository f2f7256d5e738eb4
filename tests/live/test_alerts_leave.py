"""The real process and the outside world: alerts arrive, survive kill -9, and betray no secret."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from typing import Any

from tests.alerts.servers import (
    PASSWORD,
    USER,
    certificate,
    free_port,
    hanging_server,
    mail_server,
    web_server,
)
from tests.live.processes import Exchange, bot_process, eventually, settings

PING = "p1ng-s3cret"


def configured(directory: Path, port: int, **email: Any) -> Path:
    fixed = {"enabled": True, "smtp_host": "127.0.0.1", "from_email": USER, "to_email": "me@example.com"}
    alerts = {
        "email": {**fixed, "smtp_port": port, "min_level": "info", **email},
        "dead_man": {"period_seconds": 1},
    }
    return settings(directory, alerts=alerts)


def ids(mails: list[Message]) -> list[str]:
    return [str(mail["Message-ID"]) for mail in mails]


def is_of_a_slow_machine(text: str) -> bool:
    """Market data that is late here is told, too."""
    return "market data is" in text


def waiting(outbox: Path) -> list[str]:
    """What an end has left for the next start, as the subject that it would have: an end waits five seconds
    for the mail server, which may be less than this machine needs."""
    letters = [json.loads(path.read_bytes()) for path in sorted(outbox.glob("*.json"))]
    texts = [f"[{letter['level'].upper()}] kmm: {letter['message']}" for letter in letters]
    return [text for text in texts if not is_of_a_slow_machine(text)]


def environment(exchange: Exchange, **more: str) -> Mapping[str, str]:
    return {**exchange.environment(), "KMM_SMTP_PASSWORD": PASSWORD, **more}


def test_mail_and_pings_of_an_ordinary_run(tmp_path: Path, exchange: Exchange) -> None:
    tls, public = certificate(tmp_path)
    with mail_server(tls) as box, web_server() as visits:
        secrets = {"SSL_CERT_FILE": str(public), "KMM_DEAD_MAN_URL": f"{visits.url}/{PING}"}
        path = configured(tmp_path, box.port)
        where = environment(exchange, **secrets)
        with bot_process(tmp_path / "run", "--config", path, environment=where) as bot:
            bot.sees("a ping", lambda: f"/{PING}" in visits.paths())
            bot.sees("both sides", exchange.both_sides_rest)
            bot.waits_for("email_sent")
            bot.signal(signal.SIGTERM)
            assert bot.ends() == 0
            everything = bot.everything()
    told = [subject for subject in box.subjects() if not is_of_a_slow_machine(subject)]
    told += waiting(tmp_path / "run" / "alerts_outbox" / "mail")
    assert [text.split(": ")[0] for text in told] == ["[INFO] kmm", "[INFO] kmm"]
    assert "started" in told[0] and "stopped" in told[1]
    paths = visits.paths()
    assert paths[0] == f"/{PING}/start" and paths[-1] == f"/{PING}/log" and set(paths[1:-1]) == {f"/{PING}"}
    assert PASSWORD not in everything and PING not in everything


def test_what_kill_9_left_in_the_outbox_the_next_run_delivers_in_order_and_once(
    tmp_path: Path, exchange: Exchange
) -> None:
    tls, public = certificate(tmp_path)
    outbox = tmp_path / "run" / "alerts_outbox" / "mail"
    where = environment(exchange, SSL_CERT_FILE=str(public))
    dead = configured(tmp_path, free_port())
    with bot_process(tmp_path / "run", "--config", dead, environment=where) as bot:
        bot.waits_for("email_failed")
        bot.signal(signal.SIGKILL)
        bot.ends()
    left = [json.loads(path.read_bytes()) for path in sorted(outbox.glob("*.json"))]
    assert left[0]["category"] == "bot_startup"
    with mail_server(tls) as box:
        alive = configured(tmp_path, box.port)
        with bot_process(tmp_path / "run", "--config", alive, environment=where) as bot:
            bot.sees("both sides", exchange.both_sides_rest)
            bot.sees("an empty outbox", lambda: not list(outbox.glob("*.json")))
            bot.signal(signal.SIGTERM)
            assert bot.ends() == 0
            everything = bot.everything()
    assert left[0]["id"] in ids(box.mails)[0] and "stopped" in [*box.subjects(), *waiting(outbox)][-1]
    assert len(set(ids(box.mails))) == len(box.mails)
    assert PASSWORD not in everything


def test_a_mail_server_that_never_answers_stops_neither_quoting_nor_the_end(
    tmp_path: Path, exchange: Exchange
) -> None:
    """The bot quotes and ends while the server still hangs: nothing could have waited for its answer."""
    with hanging_server() as (port, came):
        path = configured(tmp_path, port, encryption="none")
        where = exchange.environment()
        with bot_process(tmp_path / "run", "--config", path, environment=where) as bot:
            bot.sees("the mail server being called", came.is_set)
            bot.sees("both sides", exchange.both_sides_rest)
            bot.signal(signal.SIGTERM)
            assert bot.ends() == 0
        left = list((tmp_path / "run" / "alerts_outbox" / "mail").glob("*.json"))
    eventually("nothing rests", exchange.nothing_rests)
    assert len(left) >= 2
