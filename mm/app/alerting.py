"""Alerts that leave the machine: makes the ways that the configuration names, and tells how they fare."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from structlog.typing import FilteringBoundLogger

from mm.alerts.courier import Report
from mm.alerts.delivery import Delivery, Route
from mm.alerts.letter import Sender
from mm.alerts.mail import Encryption, Mail, MailSettings
from mm.alerts.ping import Address, DeadMan, Style
from mm.alerts.services import Service, ServiceError
from mm.app.errors import WRONG_CONFIGURATION, CannotRun
from mm.config.alert_secrets import AlertSecrets, read_alert_secrets
from mm.config.alerts import Alerts, Email
from mm.config.model import Config
from mm.core.actions import Alert, AlertLevel
from mm.core.picture import EnginePicture, Observed
from mm.core.units import SECOND, Nanos
from mm.observe.alert_watch import AlertRules
from mm.observe.alerting import Sink
from mm.observe.append import StorageError
from mm.observe.conditions import Conditions
from mm.observe.heartbeat import status_word
from mm.observe.observer import Every, Watcher
from mm.observe.redact import Redactor

OUTBOX: Final = "alerts_outbox"
# One failed attempt is the network's everyday life.
FAILURES_WORTH_TELLING: Final = 3
CATEGORY: Final = "alert_delivery"
CLOSED: Final = "CLOSED"
NOT_TRADING: Final = frozenset({"tripped", "disabled"})


def alert_rules(alerts: Alerts) -> AlertRules:
    """The configuration in the observers' words and units."""
    lost, repeat = alerts.feed_lost_critical_seconds, alerts.repeat_minutes
    position, slippage = alerts.position_fraction, alerts.slippage_fraction
    return AlertRules(
        cooldown=alerts.cooldown_seconds.nanos,
        repeat_every=None if repeat is None else repeat.nanos,
        feed_critical_after=None if lost is None else lost.nanos,
        api_errors=alerts.api_errors,
        position_fraction=None if position is None else float(position),
        slippage_fraction=None if slippage is None else float(slippage),
        slippage_fills=alerts.slippage_fills,
    )


def routes(config: Config, secrets: AlertSecrets) -> list[Route]:
    """The ways that are configured, each with its least level.

    :raises CannotRun: (78) Apprise is missing or does not understand an address.
    """
    alerts, sender = config.alerts, Sender(config.name, socket.gethostname())
    found = []
    if alerts.email.enabled:
        mail = Mail(mail_settings(alerts.email, bool(secrets.smtp_password)), secrets.smtp_password, sender)
        found.append(Route(mail, AlertLevel(alerts.email.min_level)))
    least = AlertLevel(alerts.apprise.min_level)
    try:
        for number, url in enumerate(dict.fromkeys(secrets.apprise_urls), 1):
            found.append(Route(Service(url, number, sender), least))
    except ServiceError as problem:
        raise CannotRun(str(problem), WRONG_CONFIGURATION) from None
    return found


def mail_settings(email: Email, has_password: bool) -> MailSettings:
    """Of a section that is enabled. Who has a password logs in, as the sender if nobody else is named."""
    assert email.smtp_host is not None and email.from_email is not None and email.to_email is not None
    return MailSettings(
        host=email.smtp_host,
        port=email.smtp_port,
        encryption=Encryption(email.encryption),
        user=(email.username or email.from_email) if has_password else "",
        sender=email.from_email,
        recipients=tuple(each.strip() for each in email.to_email.split(",")),
    )


def dead_man_address(config: Config, secrets: AlertSecrets) -> Address | None:
    """``None`` if nobody waits for our pings."""
    if not secrets.dead_man_url:
        return None
    return Address(secrets.dead_man_url, Style(config.alerts.dead_man.style))


@dataclass(frozen=True, slots=True)
class Alarms:
    """Everything that leaves the machine. ``strays``: outboxes of ways that are configured no more, with
    how much waits in them."""

    delivery: Delivery
    dead_man: DeadMan | None
    pings: list[Report]
    strays: Mapping[str, int]

    @property
    def sinks(self) -> list[Sink]:
        return [self.delivery, *([self.dead_man] if self.dead_man is not None else [])]


def open_alarms(config: Config, environment: Mapping[str, str], run_dir: Path, redactor: Redactor) -> Alarms:
    """Start the threads of all ways. What a former run could not deliver is on its way then.

    :raises ConfigErrors: a secret is missing or badly kept.
    :raises CannotRun: (78) as `routes`; (1) the outbox cannot be made.
    """
    secrets = read_alert_secrets(config, environment)
    for secret in secrets.each():
        redactor.register(secret)
    home, pings = run_dir / OUTBOX, list[Report]()
    try:
        delivery = Delivery(routes(config, secrets), home, redactor.line)
    except StorageError as error:
        raise CannotRun(f"no outbox for alerts: {error}") from error
    address = dead_man_address(config, secrets)
    period = float(config.alerts.dead_man.period_seconds)
    dead_man = None if address is None else DeadMan(address, period, pings.append)
    return Alarms(delivery, dead_man, pings, dict(_strays(home, delivery)))


def _strays(home: Path, delivery: Delivery) -> Iterator[tuple[str, int]]:
    for box in sorted(home.glob("*/")):
        count = sum(1 for _ in box.glob("*.json"))
        if box.name not in delivery.boxes and count:
            yield box.name, count


class AlarmWatch(Watcher):
    """Logs every attempt in the manual's words, raises an alert when a way fails for good, and gives the
    dead man's ping its pulse: by the trading loop, which is what it vouches for."""

    def __init__(
        self, alarms: Alarms, logger: FilteringBoundLogger, announce: Callable[[Alert, Nanos], None]
    ) -> None:
        super().__init__({}, {})
        self._alarms = alarms
        self._logger = logger
        self._announce = announce
        self._conditions = Conditions(announce, None)
        self._look = Every(SECOND)
        self._dropped: dict[str, int] = {}
        self._has_begun = False

    def on_time(self, now: Nanos, engine: Observed) -> None:
        if not self._look.is_due(now):
            return
        self._give_pulse(engine.picture())
        if not self._has_begun:
            self._has_begun = True
            self._tell_what_was_found(now)
        for report in self._reports():
            self._log(report)
            self._judge(report, now)
        for way in self._alarms.delivery.dead():
            text = f"alerts by {way} are not sent any more: a fault of ours ended its thread"
            alert = Alert(AlertLevel.CRITICAL, CATEGORY, text, details=(("way", way),))
            self._conditions.begin(("dead", way), alert, now)

    def _give_pulse(self, picture: EnginePicture) -> None:
        """The beat in which the engine has stopped is none: its end was the last word."""
        if self._alarms.dead_man is not None and picture.mode.upper() != CLOSED:
            self._alarms.dead_man.pulse(_trouble(picture))

    def close(self) -> None:
        """After the sinks are closed: what they did last."""
        for report in self._reports():
            self._log(report)

    def _reports(self) -> Iterator[Report]:
        yield from self._alarms.delivery.reports()
        while self._alarms.pings:
            yield self._alarms.pings.pop(0)

    def _log(self, report: Report) -> None:
        what = {"mail": "email", "dead_man": "ping"}.get(report.way, "notification")
        fields = {"way": report.way, "letters": report.letters, "waiting": report.waiting}
        if report.failures:
            self._logger.error(f"{what}_failed", logger="alerts", error=report.text, **fields)
        else:
            self._logger.info(f"{what}_sent", logger="alerts", remark=report.text, **fields)

    def _judge(self, report: Report, now: Nanos) -> None:
        key, details = ("delivery", report.way), (("way", report.way),)
        if report.failures >= FAILURES_WORTH_TELLING:
            text = f"{report.way} does not work: {report.text}"
            self._conditions.begin(key, Alert(AlertLevel.WARNING, CATEGORY, text, details=details), now)
        elif not report.failures:
            self._conditions.end(key, f"{report.way} works again", now)
        if report.dropped > self._dropped.get(report.way, 0):
            self._dropped[report.way] = report.dropped
            text = f"the outbox of {report.way} is full: {report.dropped} alerts were dropped so far"
            self._announce(Alert(AlertLevel.WARNING, CATEGORY, text, details=details), now)

    def _tell_what_was_found(self, now: Nanos) -> None:
        for way, count in self._alarms.strays.items():
            text = f"{count} alerts wait for {way}, which is configured no more: see {OUTBOX}/{way}"
            self._announce(Alert(AlertLevel.WARNING, CATEGORY, text, details=(("way", way),)), now)
        for way, box in self._alarms.delivery.boxes.items():
            if box.unreadable:
                text = f"{box.unreadable} alerts that waited for {way} cannot be read: see {OUTBOX}/{way}"
                self._announce(Alert(AlertLevel.WARNING, CATEGORY, text, details=(("way", way),)), now)


def _trouble(picture: EnginePicture) -> str:
    if status_word(picture) not in NOT_TRADING:
        return ""
    return f"no trading: {picture.breaker.trip_reason}"
