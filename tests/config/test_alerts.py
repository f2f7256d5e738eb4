"""Alerts in the configuration, and their secrets, which are never in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mm.app.alerting import alert_rules, mail_settings, routes
from mm.app.errors import WRONG_CONFIGURATION, CannotRun
from mm.config.alert_secrets import AlertSecrets, read_alert_secrets
from mm.config.errors import ConfigErrors
from mm.config.model import Config
from mm.observe.alert_watch import AlertRules
from tests.config.helpers import GOOD, errors_of, read

MAIL = "enabled: true, smtp_host: smtp.gmail.com, from_email: bot@gmail.com, to_email: 'me@a.org, you@b.org'"


def email(text: str) -> str:
    return GOOD + f"alerts: {{email: {{{text}}}}}\n"


def config(text: str = "") -> Config:
    return read(GOOD + text).config


def secret_file(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_watch_starts_from_the_same_defaults_as_the_file() -> None:
    assert alert_rules(config().alerts) == AlertRules()
    off = alert_rules(
        config(
            "alerts: {repeat_minutes: null, feed_lost_critical_seconds: null, api_errors: null,"
            " position_fraction: null, slippage_fraction: null}\n"
        ).alerts
    )
    assert off == AlertRules(60 * 10**9, None, None, None, None, None, 50)


def test_mail_as_the_manual_names_it() -> None:
    section = read(email(MAIL)).config.alerts.email
    settings = mail_settings(section, has_password=True)
    assert (settings.host, settings.port, settings.encryption.value) == ("smtp.gmail.com", 587, "starttls")
    assert (settings.sender, settings.user) == ("bot@gmail.com", "bot@gmail.com")
    assert settings.recipients == ("me@a.org", "you@b.org")
    other = mail_settings(read(email(MAIL + ", username: apikey")).config.alerts.email, has_password=True)
    assert other.user == "apikey"
    assert mail_settings(section, has_password=False).user == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("enabled: true", ["smtp_host", "from_email", "to_email"]),
        (MAIL + ", encryption: none", ["must not be none, except to this machine"]),
        (MAIL.replace("me@a.org", "me"), ["up to ten mail addresses"]),
        (MAIL.replace("me@a.org", "me@a.org>\\nBcc: x"), ["up to ten mail addresses"]),
        (MAIL + ", min_level: warn", ['did you mean "warning"']),
        (MAIL + ", smtp_port: 70000", ["at most 65535"]),
        (MAIL + ", password: hunter2", ["password is a secret", "KMM_SMTP_PASSWORD"]),
    ],
)
def test_mail_that_cannot_work_is_refused(text: str, said: list[str]) -> None:
    errors = "\n".join(errors_of(email(text)))
    for each in said:
        assert each in errors
    assert "hunter2" not in errors


@pytest.mark.parametrize(("section", "key"), [("apprise", "urls"), ("dead_man", "url")])
def test_addresses_with_secrets_are_refused_with_the_place_for_them(section: str, key: str) -> None:
    (error,) = errors_of(GOOD + f"alerts: {{{section}: {{{key}: 'tgram://s3cret'}}}}\n")
    assert f"{key}_file" in error and "s3cret" not in error


def test_secrets_from_the_environment() -> None:
    secrets = read_alert_secrets(
        config(),
        {
            "KMM_SMTP_PASSWORD": "app pass word",
            "KMM_APPRISE_URLS": "json://a\n# not this\n\n json://b json://c?from=My Bot",
            "KMM_DEAD_MAN_URL": "https://hc-ping.com/uuid\n",
        },
    )
    assert secrets == AlertSecrets(
        "app pass word", ("json://a", "json://b", "json://c?from=My Bot"), "https://hc-ping.com/uuid"
    )
    assert "word" not in repr(secrets) and "json" not in f"{secrets}"


def test_secrets_from_files_and_from_the_service_manager(tmp_path: Path) -> None:
    password = secret_file(tmp_path / "password", "from-a-file\n")
    urls = secret_file(tmp_path / "urls", "json://x\n")
    secret_file(tmp_path / "smtp_password", "from-systemd", 0o440)
    secret_file(tmp_path / "dead_man_url", "https://hc-ping.com/uuid", 0o440)
    chosen = config(f"alerts: {{apprise: {{urls_file: '{urls}'}}}}\n")
    manager = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert read_alert_secrets(chosen, manager) == AlertSecrets(
        "from-systemd", ("json://x",), "https://hc-ping.com/uuid"
    )
    both = {**manager, "KMM_SMTP_PASSWORD_FILE": str(password)}
    assert read_alert_secrets(chosen, both).smtp_password == "from-a-file"
    assert read_alert_secrets(chosen, {**both, "KMM_SMTP_PASSWORD": "mine"}).smtp_password == "mine"
    assert read_alert_secrets(config(), {}) == AlertSecrets("", (), "")


def test_secrets_that_are_badly_kept_or_no_secrets_are_refused_all_at_once(tmp_path: Path) -> None:
    shown = secret_file(tmp_path / "shown", "s3cret", 0o640)
    empty = secret_file(tmp_path / "empty", "\n")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    chosen = config(f"alerts: {{apprise: {{urls_file: '{pipe}'}}, dead_man: {{url_file: '{empty}'}}}}\n")
    with pytest.raises(ConfigErrors) as caught:
        read_alert_secrets(chosen, {"KMM_SMTP_PASSWORD_FILE": str(shown)})
    said = str(caught.value)
    assert "group or others have access" in said and "nothing in it" in said and "plain file" in said
    assert "s3cret" not in said


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"KMM_DEAD_MAN_URL": "hc-ping.com/uuid-1"}, "begins with https://"),
        ({"KMM_SMTP_PASSWORD": "pässword-1"}, "printable ASCII"),
        ({"KMM_SMTP_PASSWORD": "abc"}, "cannot be hidden"),
        ({"KMM_SMTP_PASSWORD_FILE": "/nonexistent/file"}, "No such file"),
        ({"KMM_SMTP_PASSWORD_FILE": "a\0b"}, "cannot be read"),
    ],
)
def test_a_secret_that_cannot_be_used_is_refused_unseen(environment: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigErrors) as caught:
        read_alert_secrets(config(), environment)
    assert said in str(caught.value)
    for secret in ("uuid-1", "word-1"):
        assert secret not in str(caught.value)


def test_a_login_without_a_password_is_refused() -> None:
    chosen = read(email(MAIL + ", username: apikey")).config
    with pytest.raises(ConfigErrors, match="KMM_SMTP_PASSWORD: missing"):
        read_alert_secrets(chosen, {})


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_an_address_that_nobody_understands_ends_the_start_as_wrong_configuration() -> None:
    with pytest.raises(CannotRun) as caught:
        routes(config(), AlertSecrets("", ("json://good", "nosuch://s3cret"), ""))
    assert caught.value.exit_code == WRONG_CONFIGURATION
    assert "address 2" in str(caught.value) and "s3cret" not in str(caught.value)
