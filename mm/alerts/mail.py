"""Alerts by mail: SMTP with STARTTLS or TLS, by the standard library.

The settings are those of the operator's manual (document 002, "Email Alerts Only"), and a user name beside
the sender. A server that offers no encryption gets neither the password nor the text.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from enum import Enum
from typing import Final

import msgspec

from mm.alerts.letter import Letter, Sender, body, subject
from mm.alerts.way import NotDelivered, Undeliverable
from mm.core.actions import AlertLevel
from mm.core.units import SECOND

LONGEST_ANSWER: Final = 200
PERMANENT: Final = 500


class Encryption(Enum):
    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class MailSettings(msgspec.Struct, frozen=True):
    """``user`` is empty if the server wants no login. ``timeout_seconds``: of each answer."""

    host: str
    port: int
    encryption: Encryption
    user: str
    sender: str
    recipients: tuple[str, ...]
    timeout_seconds: float = 10.0


class Mail:
    """Each message is one connection: alerts are rare, and servers close what is idle."""

    name: Final = "mail"

    def __init__(self, settings: MailSettings, password: str, sender: Sender) -> None:
        self._settings = settings
        self._password = password
        self._sender = sender

    def __repr__(self) -> str:
        return f"Mail({self._settings.host}:{self._settings.port})"

    def deliver(self, letters: Sequence[Letter]) -> str:
        """Returns which recipients were refused, if others were accepted.

        :raises NotDelivered: not reachable, no encryption, login or every recipient refused, no answer.
        """
        message = self._message(letters)
        try:
            server = self._connect()
        except (OSError, UnicodeError) as problem:  # smtplib's errors are OSErrors
            raise self._not_delivered(problem) from None
        try:
            self._log_in(server)
            refused = server.send_message(message)
        except (OSError, UnicodeError) as problem:
            raise self._not_delivered(problem) from None
        finally:
            _hang_up(server)
        return f"refused for {', '.join(refused)}" if refused else ""

    def _connect(self) -> smtplib.SMTP:
        chosen = self._settings
        where = (chosen.host, chosen.port)
        if chosen.encryption is Encryption.TLS:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(*where, timeout=chosen.timeout_seconds, context=context)
        server = smtplib.SMTP(*where, timeout=chosen.timeout_seconds)
        if chosen.encryption is Encryption.STARTTLS:
            try:
                server.starttls(context=ssl.create_default_context())
            except BaseException:
                server.close()
                raise
        return server

    def _log_in(self, server: smtplib.SMTP) -> None:
        if self._settings.user:
            server.login(self._settings.user, self._password)

    def _message(self, letters: Sequence[Letter]) -> EmailMessage:
        message = EmailMessage(policy=SMTP_POLICY)
        message["Subject"] = subject(letters, self._sender)
        message["From"] = self._settings.sender
        message["To"] = ", ".join(self._settings.recipients)
        message["Date"] = format_datetime(datetime.fromtimestamp(letters[-1].ts // SECOND, UTC))
        # The same letters after a crash have the same id: mail programs show them once.
        ids = ".".join(dict.fromkeys((letters[0].id, letters[-1].id)))
        message["Message-ID"] = f"<{ids}@{self._settings.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        if any(letter.level is AlertLevel.CRITICAL for letter in letters):
            message["Importance"] = "high"
        message.set_content(body(letters, self._sender))
        return message

    def _not_delivered(self, problem: OSError | UnicodeError) -> NotDelivered:
        text = self._without_password(_words(problem))
        code = _code(problem)
        if isinstance(problem, smtplib.SMTPDataError) and code >= PERMANENT:
            return Undeliverable(text)
        is_refusal = code >= PERMANENT or isinstance(problem, ssl.SSLError | smtplib.SMTPNotSupportedError)
        return NotDelivered(text, is_refusal=is_refusal)

    def _without_password(self, text: str) -> str:
        return text.replace(self._password, "[redacted]") if self._password else text


def _hang_up(server: smtplib.SMTP) -> None:
    """The message is accepted or it is not: what the server says to QUIT changes nothing."""
    with suppress(OSError):
        server.quit()
    server.close()


def _code(problem: Exception) -> int:
    """SMTP's reply code, 0 if there is none; of several recipients the largest."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return max(code for code, _ in problem.recipients.values())
    return problem.smtp_code if isinstance(problem, smtplib.SMTPResponseException) else 0


def _words(problem: Exception) -> str:
    for kind, words in WORDS:
        if isinstance(problem, kind):
            return words(problem)
    return type(problem).__name__


def _answer(code: int, text: bytes | str) -> str:
    said = text.decode("ascii", "backslashreplace") if isinstance(text, bytes) else text
    line = "".join(character if character.isprintable() else " " for character in said)
    return f"{code} {line[:LONGEST_ANSWER]}"


def _refused_recipients(problem: smtplib.SMTPRecipientsRefused) -> str:
    each = (f"{who}: {_answer(code, text)}" for who, (code, text) in problem.recipients.items())
    return f"every recipient was refused: {'; '.join(each)}"


WORDS: Final[tuple[tuple[type[Exception], Callable[..., str]], ...]] = (
    (smtplib.SMTPRecipientsRefused, _refused_recipients),
    (smtplib.SMTPAuthenticationError, lambda e: f"login refused: {_answer(e.smtp_code, e.smtp_error)}"),
    (smtplib.SMTPResponseException, lambda e: f"refused: {_answer(e.smtp_code, e.smtp_error)}"),
    (smtplib.SMTPNotSupportedError, lambda e: f"the server lacks what is needed: {e}"),
    (smtplib.SMTPServerDisconnected, lambda _: "the server hung up or did not answer in time"),
    (ssl.SSLCertVerificationError, lambda e: f"its certificate is not good: {e.verify_message}"),
    (ssl.SSLError, lambda e: f"no encrypted connection: {e.reason}"),
    (TimeoutError, lambda _: "no answer in time"),
    (OSError, lambda e: e.strerror or "cannot be reached"),
    (UnicodeError, lambda _: "user name, password or an address has characters that the server cannot take"),
)
