"""How the ways fare, told by the trading loop: in the log, as alerts, and as a pulse for the ping."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from structlog.testing import capture_logs
from structlog.typing import FilteringBoundLogger

from mm.alerts.courier import Report
from mm.alerts.delivery import Delivery, Route
from mm.alerts.outbox import Outbox
from mm.alerts.ping import Address, DeadMan, Style
from mm.alerts.way import NotDelivered
from mm.app.alerting import Alarms, AlarmWatch, open_alarms
from mm.config.load import parse_config
from mm.core.actions import Alert, AlertLevel
from mm.core.units import Nanos
from mm.observe.files import as_is
from mm.observe.redact import HIDDEN, Redactor
from tests.alerts.servers import web_server
from tests.alerts.test_delivery import Postman
from tests.alerts.words import NOW, QUICK, alert, letter
from tests.observe.engine import TRIPPED, BookingEngine, at
from tests.observe.test_files import wait_until


class Story:
    """An `AlarmWatch` on a delivery by one postman; seconds pass one by one."""

    def __init__(self, home: Path, *, strays: dict[str, int] | None = None) -> None:
        self.postman = Postman()
        self.delivery = Delivery([Route(self.postman, AlertLevel.INFO)], home, as_is, QUICK)
        self.told: list[tuple[str, str]] = []
        self.pings: list[Report] = []
        self.alarms = Alarms(self.delivery, None, self.pings, strays or {})
        logger: FilteringBoundLogger = structlog.get_logger()
        self.watch = AlarmWatch(self.alarms, logger, self._announce)
        self.engine = BookingEngine()
        self.second = 0

    def _announce(self, alert: Alert, ts: Nanos) -> None:
        self.told.append((alert.level.value, alert.message))

    def beat(self) -> None:
        self.second += 1
        self.watch.on_time(at(self.second), self.engine)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    made = Story(tmp_path)
    yield made
    made.delivery.close()


def test_a_way_that_fails_three_times_is_an_alert_and_so_is_its_recovery(story: Story) -> None:
    story.postman.trouble = NotDelivered("no route")
    with capture_logs() as log:
        story.delivery.send(alert("patience"), NOW)

        def is_told(count: int) -> bool:
            story.beat()
            return len(story.told) == count

        wait_until(lambda: is_told(1))
        story.postman.trouble = None
        wait_until(lambda: is_told(2))
    assert story.told[0] == ("warning", "postman does not work: no route")
    assert story.told[1][0] == "info" and story.told[1][1].startswith("postman works again after")
    words = [line["event"] for line in log]
    assert words.count("notification_failed") >= 3 and words[-1] == "notification_sent"


def test_the_manual_finds_email_in_the_log(story: Story) -> None:
    story.pings += [Report("mail", 1, "login refused: 535", 1, 1, 0), Report("mail", 0, "", 2, 0, 0)]
    with capture_logs() as log:
        story.beat()
    assert [(line["event"], line["log_level"]) for line in log] == [
        ("email_failed", "error"),
        ("email_sent", "info"),
    ]
    assert log[0]["error"] == "login refused: 535" and not story.told


def test_a_full_outbox_is_told_with_its_count(story: Story) -> None:
    for dropped in (0, 3, 3, 7):
        story.pings.append(Report("mail", 1, "no route", 1, 500, dropped))
    story.beat()
    assert story.told == [
        ("warning", "the outbox of mail is full: 3 alerts were dropped so far"),
        ("warning", "the outbox of mail is full: 7 alerts were dropped so far"),
    ]


def test_a_thread_that_died_is_told_once(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("threading.excepthook", lambda fault: None)

    def broken(letters: Sequence[Any]) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(story.postman, "deliver", broken)
    story.delivery.send(alert("lost?"), NOW)
    wait_until(lambda: story.delivery.dead() != [])
    for _ in range(3):
        story.beat()
    assert [level for level, _ in story.told] == ["critical"]


def test_what_a_former_configuration_left_and_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    Outbox(tmp_path / "postman", as_is).put(letter("fine"))
    (tmp_path / "postman" / "000000000009.json").write_text("{torn")
    story = Story(tmp_path, strays={"tgram-1234": 2})
    for _ in range(3):
        story.beat()
    story.delivery.close()
    assert story.told == [
        (
            "warning",
            "2 alerts wait for tgram-1234, which is configured no more: see alerts_outbox/tgram-1234",
        ),
        ("warning", "1 alerts that waited for postman cannot be read: see alerts_outbox/postman"),
    ]


def test_the_pulse_says_whether_it_may_trade(tmp_path: Path) -> None:
    """Each is waited for: a thread may stand still longer than the end has patience."""
    with web_server() as visits:
        story = Story(tmp_path)
        dead_man = DeadMan(Address(visits.url, Style.HEALTHCHECKS), 3_600, story.pings.append)
        story.watch = AlarmWatch(
            Alarms(story.delivery, dead_man, story.pings, {}), structlog.get_logger(), story._announce
        )
        story.beat()
        story.engine.breaker = msgspec.structs.replace(TRIPPED, trip_reason="market data lost")
        story.beat()
        wait_until(lambda: len(visits.asked) == 2)
        dead_man.close()
        story.delivery.close()
    assert [(path, text) for _, path, text in visits.asked] == [
        ("/start", ""),
        ("/fail", "no trading: market data lost"),
    ]


def test_no_pulse_follows_the_last_word(tmp_path: Path) -> None:
    """The beat in which the engine stops comes round to its end: a pulse in it would open a new life, which
    ends, too, and is alive until then."""
    end = Alert(AlertLevel.INFO, "bot_shutdown", "stopped: SIGTERM")
    with web_server() as visits:
        story = Story(tmp_path)
        dead_man = DeadMan(Address(visits.url, Style.HEALTHCHECKS), 3_600, story.pings.append)
        story.watch = AlarmWatch(
            Alarms(story.delivery, dead_man, story.pings, {}), structlog.get_logger(), story._announce
        )
        dead_man.send(end, NOW)
        story.engine.mode = "CLOSED"
        story.beat()
        dead_man.send(end, NOW)
        wait_until(lambda: "/log" in visits.paths())
        dead_man.close()
        story.delivery.close()
    assert visits.paths() == ["/start", "/log"]


def test_secrets_are_known_to_the_redactor_before_anything_is_written(tmp_path: Path) -> None:
    text = (
        b"version: 1\ndesks: {A: {strategy: glft}}\nalerts: {email: {enabled: true, smtp_host: 127.0.0.1,"
        b" encryption: none, from_email: a@b.c, to_email: a@b.c}}\n"
    )
    config, redactor = parse_config(text, {}).config, Redactor()
    (tmp_path / "alerts_outbox" / "old").mkdir(parents=True)
    (tmp_path / "alerts_outbox" / "old" / "000000000001.json").write_text("{}")
    alarms = open_alarms(config, {"KMM_SMTP_PASSWORD": "s3cret-pass"}, tmp_path, redactor)
    alarms.delivery.close()
    assert redactor.text("it is s3cret-pass") == f"it is {HIDDEN}"
    assert alarms.sinks == [alarms.delivery] and alarms.strays == {"old": 1}
