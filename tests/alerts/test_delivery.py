"""From `send` to the mail box: once, in order, through dead and hanging servers, and never waited for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Event

import pytest

from mm.alerts.courier import Pace, Report
from mm.alerts.delivery import Delivery, Route
from mm.alerts.letter import Letter
from mm.alerts.mail import Encryption, Mail
from mm.alerts.way import NotDelivered, Undeliverable
from mm.core.actions import Alert, AlertLevel
from mm.observe.files import as_is
from tests.alerts.servers import PASSWORD, PATIENT, certificate, free_port, hanging_server, mail_server
from tests.alerts.words import NEVER_AGAIN, NOW, QUICK, SENDER, TRIP, alert, settings
from tests.observe.test_files import wait_until


class Postman:
    """A way that does as it is told, and remembers what it carried."""

    def __init__(self, name: str = "postman") -> None:
        self.name = name
        self.carried: list[list[str]] = []
        self.trouble: NotDelivered | None = None
        self.poison = ""
        self.came, self.go = Event(), Event()
        self.go.set()

    def deliver(self, letters: Sequence[Letter]) -> str:
        self.came.set()
        assert self.go.wait(PATIENT)
        if self.trouble is not None:
            raise self.trouble
        if self.poison and letters[0].message == self.poison:
            raise Undeliverable("554 not that")
        self.carried.append([letter.message for letter in letters])
        return ""

    @property
    def messages(self) -> list[str]:
        return [message for batch in self.carried for message in batch]


def delivery(home: Path, *ways: Postman | Mail, pace: Pace = QUICK) -> Delivery:
    return Delivery([Route(way, AlertLevel.WARNING) for way in ways], home, as_is, pace)


def waiting(home: Path, way: str = "postman") -> int:
    return len(list((home / way).glob("*.json")))


def test_each_alert_arrives_once_and_in_order_and_nothing_is_left(tmp_path: Path) -> None:
    postman = Postman()
    out = delivery(tmp_path, postman)
    for number in range(30):
        out.send(alert(f"no. {number}"), NOW)
    out.close(PATIENT)
    assert postman.messages == [f"no. {number}" for number in range(30)]
    assert waiting(tmp_path) == 0


def test_send_comes_back_while_the_way_hangs_and_no_other_way_waits(tmp_path: Path) -> None:
    """The order of events proves it: the hanging way is let go only after all sends have come back."""
    hanging, working = Postman("hanging"), Postman("working")
    hanging.go.clear()
    out = delivery(tmp_path, hanging, working)
    out.send(alert("first"), NOW)
    assert hanging.came.wait(PATIENT)
    for number in range(50):
        out.send(alert(f"no. {number}"), NOW)
    wait_until(lambda: len(working.messages) == 51)
    assert hanging.messages == [] and waiting(tmp_path, "hanging") == 51
    hanging.go.set()
    out.close(PATIENT)
    assert hanging.messages == working.messages


def test_a_mail_server_that_never_answers_holds_up_nobody(tmp_path: Path) -> None:
    """Nor the end: whatever the socket's time-out, close has its own patience."""
    with hanging_server() as (port, came):
        mail = Mail(settings(port, Encryption.NONE, user="", timeout=PATIENT), "", SENDER)
        out = delivery(tmp_path, mail)
        out.send(alert("stays"), NOW)
        assert came.wait(PATIENT)
        out.send(alert("this, too"), NOW)
        out.close(patience_seconds=0.05)
        assert waiting(tmp_path, "mail") == 2 and out.reports() == []


def test_what_a_dead_server_did_not_take_the_next_run_delivers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, public = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    port = free_port()
    first = delivery(tmp_path / "out", Mail(settings(port), PASSWORD, SENDER), pace=NEVER_AGAIN)
    for message in ("one", "two", "three"):
        first.send(alert(message), NOW)
    first.close(PATIENT)
    last = first.reports()[-1]
    assert last.failures and last.text == "Connection refused" and waiting(tmp_path / "out", "mail") == 3
    with mail_server(context) as box:
        second = delivery(tmp_path / "out", Mail(settings(box.port), PASSWORD, SENDER))
        wait_until(lambda: len(box.mails) == 3)
        second.close(PATIENT)
    assert box.subjects() == [f"[WARNING] kmm: {message}" for message in ("one", "two", "three")]
    assert len({mail["Message-ID"] for mail in box.mails}) == 3
    assert waiting(tmp_path / "out", "mail") == 0


def test_it_goes_on_when_the_server_comes_back_and_the_reports_tell_the_story(tmp_path: Path) -> None:
    postman = Postman()
    postman.trouble = NotDelivered("no route")
    out = delivery(tmp_path, postman)
    out.send(alert("patience"), NOW)
    reports: list[Report] = []

    def has_failed_thrice() -> bool:
        reports.extend(out.reports())
        return len(reports) >= 3

    wait_until(has_failed_thrice)
    postman.trouble = None
    wait_until(lambda: postman.messages == ["patience"])
    out.close(PATIENT)
    reports += out.reports()
    assert [report.failures for report in reports] == [*range(1, len(reports)), 0]
    assert {report.text for report in reports[:-1]} == {"no route"} and reports[-1].waiting == 0


def test_who_said_no_is_not_asked_again_soon(tmp_path: Path) -> None:
    """A wrong password, tried every second, locks the account. The end tries once more."""
    postman = Postman()
    postman.trouble = NotDelivered("535 wrong password", is_refusal=True)
    pace = Pace(first=0.001, longest=0.001, first_refused=3_600, longest_refused=3_600)
    out = delivery(tmp_path, postman, pace=pace)
    out.send(alert("first"), NOW)
    found: list[Report] = []

    def has_failed() -> bool:
        found.extend(out.reports())
        return bool(found)

    wait_until(has_failed)
    out.close(PATIENT)
    assert len(found + out.reports()) == 2 and waiting(tmp_path) == 1


def test_after_an_outage_many_alerts_share_a_message(tmp_path: Path) -> None:
    postman = Postman()
    postman.go.clear()
    out = delivery(tmp_path, postman)
    for number in range(48):
        out.send(alert(f"no. {number}"), NOW)
    postman.go.set()
    out.close(PATIENT)
    assert postman.messages == [f"no. {number}" for number in range(48)]
    assert max(len(batch) for batch in postman.carried) == 20 and len(postman.carried) < 10


def test_a_content_that_is_refused_for_good_does_not_block_those_behind_it(tmp_path: Path) -> None:
    postman = Postman()
    postman.poison = "poison"
    out = delivery(tmp_path, postman)
    out.send(alert("poison"), NOW)
    out.send(TRIP, NOW)
    wait_until(lambda: postman.messages == [TRIP.message])
    out.close(PATIENT)
    no = "554 not that"
    assert [report.text for report in out.reports()] == [no, no, f"given up after 3 refusals: {no}", ""]


def test_an_alert_goes_only_to_those_who_want_its_level_and_a_recovery_to_those_who_had_the_alarm(
    tmp_path: Path,
) -> None:
    names = ("info", "warning", "critical")
    ways = {name: Postman(name) for name in names}
    out = Delivery([Route(ways[name], AlertLevel(name)) for name in names], tmp_path, as_is, QUICK)
    for level in AlertLevel:
        out.send(alert(level.value, level), NOW)
    for ended in ("warning", "critical"):
        details = (("ended", ended),)
        out.send(Alert(AlertLevel.INFO, "x", f"{ended} is over", details=details), NOW)
    out.close(PATIENT)
    assert {name: way.messages for name, way in ways.items()} == {
        "info": ["info", "warning", "critical", "warning is over", "critical is over"],
        "warning": ["warning", "critical", "warning is over", "critical is over"],
        "critical": ["critical", "critical is over"],
    }


def test_a_fault_of_ours_in_a_way_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr("threading.excepthook", lambda fault: told.append(fault.exc_type.__name__))

    class Broken(Postman):
        def deliver(self, letters: Sequence[Letter]) -> str:
            raise ZeroDivisionError

    out = delivery(tmp_path, Broken())
    assert out.dead() == []
    out.send(alert("lost?"), NOW)
    wait_until(lambda: out.dead() == ["postman"])
    out.send(alert("kept"), NOW)
    out.close(PATIENT)
    assert told == ["ZeroDivisionError"] and waiting(tmp_path) == 2
