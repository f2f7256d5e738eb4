"""Letters, settings and moments for the stories of alerts."""

from __future__ import annotations

from mm.alerts.courier import Pace
from mm.alerts.letter import Letter, Sender, letter_of
from mm.alerts.mail import Encryption, MailSettings
from mm.core.actions import Alert, AlertLevel
from mm.core.units import SECOND, Nanos
from tests.alerts.servers import PATIENT, USER

NOW: Nanos = 1_790_000_000 * SECOND
SENDER = Sender("kmm", "trader-1")
TRIP = Alert(
    AlertLevel.CRITICAL,
    "circuit_breaker",
    "circuit breaker: 10 API errors in a row; trading has stopped",
    "DEFAULT",
    (("rule", "max_consecutive_errors"), ("errors", 10)),
)
# Impatient, for tests: in life it is seconds and minutes.
QUICK = Pace(first=0.01, longest=0.02, first_refused=0.01, longest_refused=0.02)
NEVER_AGAIN = Pace(first=3_600, longest=3_600, first_refused=3_600, longest_refused=3_600)


def alert(message: str, level: AlertLevel = AlertLevel.WARNING) -> Alert:
    return Alert(level, "order_anomaly", message)


def letter(message: str, level: AlertLevel = AlertLevel.WARNING) -> Letter:
    return letter_of(alert(message, level), NOW)


def settings(
    port: int, encryption: Encryption = Encryption.STARTTLS, user: str = USER, timeout: float = PATIENT
) -> MailSettings:
    return MailSettings("127.0.0.1", port, encryption, user, USER, ("me@example.com",), timeout)
