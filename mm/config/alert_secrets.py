"""The secrets of alerts: from an environment variable, from a file that nobody else can read, or from the
service manager's credentials. Never from the configuration's text."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from mm.config.errors import ConfigError, ConfigErrors
from mm.config.model import Config

CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
SMTP_PASSWORD: Final = "KMM_SMTP_PASSWORD"
SMTP_PASSWORD_FILE: Final = "KMM_SMTP_PASSWORD_FILE"
APPRISE_URLS: Final = "KMM_APPRISE_URLS"
DEAD_MAN_URL: Final = "KMM_DEAD_MAN_URL"
LARGEST: Final = 1 << 16
SHORTEST: Final = 4
NEXT_ADDRESS: Final = re.compile(r"\s+(?=[A-Za-z][A-Za-z0-9+.-]*://)")


class AlertSecrets(NamedTuple):
    """``smtp_password`` and ``dead_man_url`` are empty if there is none. Shows nothing when printed."""

    smtp_password: str
    apprise_urls: tuple[str, ...]
    dead_man_url: str

    def __repr__(self) -> str:
        return "AlertSecrets(<hidden>)"

    def each(self) -> Iterator[str]:
        """Everything that must be redacted."""
        yield from filter(None, (self.smtp_password, *self.apprise_urls, self.dead_man_url))


class _Refused(Exception):
    """Where, and what is wrong there."""


def read_alert_secrets(config: Config, environment: Mapping[str, str]) -> AlertSecrets:
    """What the ways that are configured need.

    Raises:
        ConfigErrors: a file cannot be read or others could read it, a text cannot be what it should be, or
            a login has no password. No value is shown.
    """
    found: list[str] = []
    problems: list[ConfigError] = []
    alerts = config.alerts
    sources = (
        ("smtp_password", SMTP_PASSWORD, environment.get(SMTP_PASSWORD_FILE)),
        ("apprise_urls", APPRISE_URLS, alerts.apprise.urls_file),
        ("dead_man_url", DEAD_MAN_URL, alerts.dead_man.url_file),
    )
    for name, variable, file in sources:
        try:
            found.append(_read(name, variable, file, environment))
        except _Refused as problem:
            where, message = problem.args
            problems.append(ConfigError(where, None, None, "", message))
            found.append("")
    password, urls, ping = found
    secrets = AlertSecrets(password, tuple(_lines(urls)), ping)
    if alerts.email.username is not None and alerts.email.enabled and not password and not problems:
        message = f"missing, but alerts.email.username is set (or {SMTP_PASSWORD_FILE})"
        problems.append(ConfigError(SMTP_PASSWORD, None, None, "", message))
    if ping and not ping.startswith(("https://", "http://")):
        message = "must be an address that begins with https://"
        problems.append(ConfigError(DEAD_MAN_URL, None, None, "", message))
    if any(len(secret) < SHORTEST for secret in secrets.each()):
        message = f"a secret of fewer than {SHORTEST} characters cannot be hidden"
        problems.append(ConfigError("secrets of alerts", None, None, "", message))
    if problems:
        raise ConfigErrors(problems)
    return secrets


def _read(name: str, variable: str, file: str | None, environment: Mapping[str, str]) -> str:
    """The variable wins over the file, the file over the service manager's credential."""
    if text := environment.get(variable, ""):
        return _checked(text, variable)
    if file:
        return _checked(_content(Path(file), is_ours=True), file)
    if directory := environment.get(CREDENTIALS, ""):
        path = Path(directory) / name
        return _checked(_content(path, is_ours=False), str(path)) if path.exists() else ""
    return ""


def _checked(text: str, where: str) -> str:
    text = text.strip()
    if not text:
        raise _Refused(where, "there is nothing in it")
    if not text.isascii() or not all(line.isprintable() for line in text.splitlines()):
        raise _Refused(where, "must be printable ASCII text")
    return text


def _content(path: Path, *, is_ours: bool) -> str:
    """``is_ours``: its permissions are our business; those of a credential are the service manager's."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise _Refused(str(path), "is not a plain file")
            if is_ours and mode & 0o077:
                raise _Refused(str(path), "group or others have access (chmod 600)")
            return os.read(descriptor, LARGEST).decode("utf-8", "replace")
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or "not a path"
        raise _Refused(str(path), f"cannot be read: {reason}") from None


def _lines(text: str) -> Iterator[str]:
    """Without blank lines and comments; in a variable several addresses may share a line."""
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield from NEXT_ADDRESS.split(line.strip())
