"""Mail against a real mail server: encrypted, logged in, readable; and every way in which it can say no."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

import msgspec
import pytest

from mm.alerts.letter import letter_of
from mm.alerts.mail import Encryption, Mail, MailSettings
from mm.alerts.way import NotDelivered, Undeliverable
from mm.core.actions import Alert, AlertLevel
from tests.alerts.servers import PASSWORD, USER, certificate, free_port, hanging_server, mail_server
from tests.alerts.words import NOW, SENDER, TRIP, letter, settings


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The mail server's certificate, which this process trusts as it trusts those of the system."""
    context, public = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    return context


def test_a_mail_says_what_when_which_desk_and_what_to_do(tls: ssl.SSLContext) -> None:
    with mail_server(tls) as box:
        assert Mail(settings(box.port), PASSWORD, SENDER).deliver([letter_of(TRIP, NOW, 3)]) == ""
    (mail,) = box.mails
    assert box.logins == [(USER, PASSWORD)] and box.is_encrypted == [True]
    assert mail["Subject"] == (
        "[CRITICAL] kmm DEFAULT: circuit breaker: 10 API errors in a row; trading has stopped"
    )
    assert (mail["From"], mail["To"]) == (USER, "me@example.com")
    assert mail["Importance"] == "high" and mail["Auto-Submitted"] == "auto-generated"
    assert "21 Sep 2026" in mail["Date"]
    text = mail.get_payload()
    assert isinstance(text, str)
    said = dict(re.findall(r"^(\w[\w ]*): +(.+)$", text.replace("\r", ""), re.MULTILINE))
    assert said["What"] == TRIP.message
    assert said["When"] == "2026-09-21 14:13:20 UTC"
    assert said["Desk"] == "DEFAULT" and said["Level"] == "CRITICAL, circuit_breaker"
    assert said["rule"] == "max_consecutive_errors" and said["errors"] == "10"
    assert said["Repeats"].startswith("3 of the same")
    assert said["To do"].startswith("Everything it concerns was cancelled") and "trader-1" in text


def test_tls_from_the_first_byte(tls: ssl.SSLContext) -> None:
    with mail_server(tls, implicit=True) as box:
        Mail(settings(box.port, Encryption.TLS), PASSWORD, SENDER).deliver([letter("hello")])
    assert box.subjects() == ["[WARNING] kmm: hello"] and box.is_encrypted == [True]


def test_a_relay_of_this_machine_needs_neither_encryption_nor_login() -> None:
    with mail_server(None) as box:
        Mail(settings(box.port, Encryption.NONE, user=""), "", SENDER).deliver([letter("hello")])
    assert box.subjects() == ["[WARNING] kmm: hello"] and box.logins == []


def test_several_alerts_in_one_mail_are_led_by_the_worst(tls: ssl.SSLContext) -> None:
    letters = [letter("first"), letter_of(TRIP, NOW), letter("last")]
    with mail_server(tls) as box:
        Mail(settings(box.port), PASSWORD, SENDER).deliver(letters)
    (mail,) = box.mails
    assert str(mail["Subject"]).startswith("[CRITICAL] kmm DEFAULT: 3 alerts, circuit breaker")
    text = str(mail.get_payload())
    assert text.index("first") < text.index(TRIP.message) < text.index("last")


def test_what_an_exchange_says_cannot_write_headers_or_move_the_cursor(tls: ssl.SSLContext) -> None:
    evil = Alert(AlertLevel.WARNING, "order_anomaly", "a\r\nBcc: spy@example.com\x1b[2J" + "x" * 5_000, "D\n")
    with mail_server(tls) as box:
        Mail(settings(box.port), PASSWORD, SENDER).deliver([letter_of(evil, NOW)])
    (mail,) = box.mails
    assert mail["Bcc"] is None and len(str(mail["Subject"])) <= 120
    assert "\x1b" not in str(mail.get_payload())


def refusal(settings: MailSettings, password: str = PASSWORD) -> NotDelivered:
    with pytest.raises(NotDelivered) as caught:
        Mail(settings, password, SENDER).deliver([letter("hello")])
    assert password not in str(caught.value)
    return caught.value


def test_a_wrong_password_is_a_clear_no_that_does_not_show_it(tls: ssl.SSLContext) -> None:
    with mail_server(tls) as box:
        problem = refusal(settings(box.port), "wrong-password-1")
    assert problem.is_refusal and str(problem) == "login refused: 535 5.7.8 not [redacted]"
    assert not box.mails


def test_an_unknown_recipient_is_a_clear_no(tls: ssl.SSLContext) -> None:
    with mail_server(tls) as box:
        box.refuse_recipient = "me@example.com"
        problem = refusal(settings(box.port))
        two = msgspec.structs.replace(settings(box.port), recipients=("me@example.com", "b@c.de"))
        assert Mail(two, PASSWORD, SENDER).deliver([letter("hello")]) == "refused for me@example.com"
    assert problem.is_refusal and "550 5.1.1 no such user" in str(problem)


def test_a_refused_content_is_told_from_other_refusals(tls: ssl.SSLContext) -> None:
    with mail_server(tls) as box:
        box.refuse_content = True
        assert isinstance(refusal(settings(box.port)), Undeliverable)


def test_a_server_without_encryption_gets_neither_password_nor_text() -> None:
    with mail_server(None) as box:
        problem = refusal(settings(box.port))
    assert problem.is_refusal and "STARTTLS" in str(problem)
    assert not box.logins and not box.mails


def test_a_certificate_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, public = certificate(tmp_path, "127.0.0.2")
    for trusted, words in ((str(public), "IP address mismatch"), ("/nonexistent", "self-signed")):
        monkeypatch.setenv("SSL_CERT_FILE", trusted)
        with mail_server(context) as box:
            problem = refusal(settings(box.port))
        assert problem.is_refusal and words in str(problem)
        assert not box.logins and not box.mails


def test_nobody_there_and_nobody_who_answers() -> None:
    problem = refusal(settings(free_port()))
    assert not problem.is_refusal and str(problem) == "Connection refused"
    with hanging_server() as (port, _):
        problem = refusal(settings(port, timeout=0.05))
    assert not problem.is_refusal and "in time" in str(problem)


def test_the_password_is_in_no_printed_form() -> None:
    mail = Mail(settings(25), PASSWORD, SENDER)
    assert PASSWORD not in repr(mail) + str(mail) + f"{mail!r}"
