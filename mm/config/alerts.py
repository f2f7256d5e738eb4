"""Who is told when something is wrong, how, and how often. The secrets of it never stand here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias

from pydantic import model_validator

from mm.config.amounts import Fraction, Minutes, Seconds
from mm.config.exchange import is_loopback
from mm.config.section import Conflict, FilePath, Range, Section, Shape, refused

Level: TypeAlias = Literal["info", "warning", "critical"]
MAILBOX: Final = r"[^\s,;<>@]{1,64}@[A-Za-z0-9._-]{1,255}"
Address: TypeAlias = Annotated[str, Shape(MAILBOX, "a mail address, such as me@example.com")]
Addresses: TypeAlias = Annotated[
    str, Shape(rf"{MAILBOX}(, ?{MAILBOX}){{0,9}}", "up to ten mail addresses with commas in between")
]
Host: TypeAlias = Annotated[str, Shape(r"[A-Za-z0-9._:-]{1,255}", "a host name or an IP address")]
User: TypeAlias = Annotated[str, Shape(r"[!-~]{1,255}", "one word of printable ASCII")]


class _Guarded(Section):
    """A section that people are tempted to write a secret into."""

    tempting: ClassVar[str]
    instead: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _without_secret(cls, data: Any) -> Any:
        if isinstance(data, dict) and cls.tempting in data:
            raise refused(f"{cls.tempting} is a secret and does not belong here: {cls.instead}")
        return data


class Email(_Guarded):
    """By mail. The password: KMM_SMTP_PASSWORD, KMM_SMTP_PASSWORD_FILE or the credential smtp_password."""

    tempting = "password"
    instead = "set KMM_SMTP_PASSWORD or KMM_SMTP_PASSWORD_FILE in the environment"

    enabled: bool = False
    """Whether mail is sent."""
    smtp_host: Host | None = None
    """The mail server, such as smtp.gmail.com."""
    smtp_port: Annotated[int, Range(least=1, most=65_535)] = 587
    """587 is usual with STARTTLS, 465 with TLS."""
    encryption: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is encrypted; `none` to this machine only."""
    username: User | None = None
    """Who logs in, if not `from_email`."""
    from_email: Address | None = None
    """The sender."""
    to_email: Addresses | None = None
    """Who gets it; several with commas in between."""
    min_level: Level = "warning"
    """The least important alert that is sent. A recovery is told to whoever got the alarm."""

    def conflicts(self) -> Iterator[Conflict]:
        if self.encryption == "none" and self.smtp_host is not None and not is_loopback(self.smtp_host):
            yield ("encryption",), "must not be none, except to this machine (127.0.0.1, ::1, localhost)"
        if not self.enabled:
            return
        for key in ("smtp_host", "from_email", "to_email"):
            if getattr(self, key) is None:
                yield (key,), "missing, but alerts.email is enabled"


class Apprise(_Guarded):
    """By Telegram, Slack, SMS and a hundred others. The addresses hold secrets: they stand in a file of
    their own, or in KMM_APPRISE_URLS, or in the credential apprise_urls."""

    tempting = "urls"
    instead = "write a file and name it in urls_file, or set KMM_APPRISE_URLS in the environment"

    urls_file: FilePath | None = None
    """A file of Apprise addresses, one a line, readable by the bot's user only."""
    min_level: Level = "warning"
    """The least important alert that is sent. A recovery is told to whoever got the alarm."""


class DeadMan(_Guarded):
    """An outside service that raises the alarm when our pings end. Its address is a secret: a file of its
    own, or KMM_DEAD_MAN_URL, or the credential dead_man_url."""

    tempting = "url"
    instead = "write a file and name it in url_file, or set KMM_DEAD_MAN_URL in the environment"

    url_file: FilePath | None = None
    """A file with the address to ping, readable by the bot's user only."""
    style: Literal["healthchecks", "plain"] = "healthchecks"
    """`healthchecks` also tells start, fail and stop (healthchecks.io and its like); `plain` only pings."""
    period_seconds: Annotated[Seconds, Range(least=1, most=3600)] = Seconds(60)
    """How often, as long as the trading loop lives and may trade."""


class Alerts(Section):
    """Who is told when something is wrong. `alerts.jsonl` has every alert in any case."""

    cooldown_seconds: Annotated[Seconds, Range(least=1, most=3600)] = Seconds(60)
    """The same alert goes out once in this time at most; the others are counted."""
    repeat_minutes: Annotated[Minutes, Range(least=1, most=1440)] | None = Minutes(30)
    """How often a critical state that lasts (a tripped breaker) is told again; `null`: once."""
    feed_lost_critical_seconds: Annotated[Seconds, Range(least=1, most=3600)] | None = Seconds(30)
    """A lost connection to market data that lasts so long is critical; `null`: stays a warning."""
    api_errors: Annotated[int, Range(least=1, most=1000)] | None = 3
    """So many API errors in a row are a warning; `null`: none."""
    position_fraction: Annotated[Fraction, Range(above=0, most=1)] | None = Fraction("0.8")
    """A position this near to its limit is a warning (4 of 5); `null`: none."""
    slippage_fraction: Annotated[Fraction, Range(above=0, most=1)] | None = Fraction("0.005")
    """Fills that lose more than this part of their price within 10 s, on average, are a warning."""
    slippage_fills: Annotated[int, Range(least=2, most=1000)] = 50
    """How many fills, the latest, that average needs."""
    email: Email = Email()
    """By mail."""
    apprise: Apprise = Apprise()
    """By anything that Apprise knows."""
    dead_man: DeadMan = DeadMan()
    """By silence."""
