"""Alerts by everything that Apprise knows: Telegram, Slack, Discord, SMS, a web hook and a hundred more.

Each address is a way of its own, because Apprise tells only of all addresses together whether it worked. An
address holds secrets: it is never printed, and Apprise's own words, which may quote it, go nowhere.
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from mm.alerts.letter import IMPORTANCE, Letter, Sender, body, subject
from mm.alerts.way import NotDelivered
from mm.core.actions import AlertLevel

PACKAGE_MISSING: Final = (
    "alerts.apprise is configured, but the package apprise is not installed: "
    "pip install 'kalshi-market-maker[notify]'"
)
KINDS: Final = {AlertLevel.INFO: "info", AlertLevel.WARNING: "warning", AlertLevel.CRITICAL: "failure"}
STATUS: Final = re.compile(r"\berror[=: ]+(\d{3})\b")


class ServiceError(Exception):
    """Apprise is missing, or does not understand an address; the text does not quote it."""


class Service:
    """``number`` is the address's place in the list, for messages.

    :raises ServiceError: from the constructor.
    """

    def __init__(self, url: str, number: int, sender: Sender) -> None:
        try:
            import apprise
        except ModuleNotFoundError:
            raise ServiceError(PACKAGE_MISSING) from None
        _mute()
        # On our own thread: a pool's threads would hold up the end of the process.
        self._apprise = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False, service_timeout=0))
        self._sender = sender
        if not self._apprise.add(url):
            raise ServiceError(f"alerts.apprise: address {number} is none that Apprise understands")
        kind = re.sub(r"[^a-z0-9]", "", url.partition("://")[0].lower()) or "service"
        self.name = f"{kind}-{hashlib.sha256(url.encode()).hexdigest()[:8]}"

    def __repr__(self) -> str:
        return f"Service({self.name})"

    def deliver(self, letters: Sequence[Letter]) -> str:
        """:raises NotDelivered: the service did not accept it, for which Apprise gives few reasons."""
        worst = max(letters, key=lambda letter: IMPORTANCE[letter.level])
        with _listening() as codes:
            is_sent = self._apprise.notify(
                title=subject(letters, self._sender),
                body=body(letters, self._sender),
                notify_type=KINDS[worst.level],
            )
        if not is_sent:
            code = f" (HTTP status {codes[-1]})" if codes else ""
            raise NotDelivered(f"not accepted, or not reachable{code}")
        return ""


class _Codes(logging.Handler):
    """Keeps the HTTP status of what Apprise says on this thread, and nothing else of it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.codes: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.codes += STATUS.findall(record.getMessage())


@contextmanager
def _listening() -> Iterator[list[str]]:
    handler, logger = _Codes(), logging.getLogger("apprise")
    logger.addHandler(handler)
    try:
        yield handler.codes
    finally:
        logger.removeHandler(handler)


def _mute() -> None:
    logger = logging.getLogger("apprise")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
