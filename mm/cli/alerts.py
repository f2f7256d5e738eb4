"""`kmm alerts`: does a message really reach a person?"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import rich_click as click

from mm.cli.config import config_option, json_option

if TYPE_CHECKING:
    from mm.alerts.letter import Letter
    from mm.config.alert_secrets import AlertSecrets
    from mm.config.model import Config


class Outcome(NamedTuple):
    """``text`` says why not, or what else there is to know."""

    way: str
    ok: bool
    text: str


@click.group()
def alerts() -> None:
    """Alerts that leave the machine."""


@alerts.command("test")
@config_option
@json_option
def test(path: Path, as_json: bool) -> None:
    """Send a test alert by every way that is configured, and say what happened with each.

    Exit code 0 if all of them took it; 1 if one did not, or none is configured. A running bot is not
    disturbed, and nothing is queued: what fails here is not tried again.
    """
    from mm.app.errors import CannotRun
    from mm.config.alert_secrets import read_alert_secrets
    from mm.config.load import load_config

    config = load_config(path, os.environ)
    try:
        outcomes = list(_outcomes(config, read_alert_secrets(config, os.environ)))
    except CannotRun as problem:
        click.echo(f"kmm alerts test: {problem}", err=True)
        raise SystemExit(problem.exit_code) from None
    is_ok = bool(outcomes) and all(outcome.ok for outcome in outcomes)
    if as_json:
        ways = [outcome._asdict() for outcome in outcomes]
        click.echo(json.dumps({"ok": is_ok, "ways": ways}, indent=2))
    else:
        _show(outcomes)
    raise SystemExit(0 if is_ok else 1)


def _outcomes(config: Config, secrets: AlertSecrets) -> Iterator[Outcome]:
    from mm.alerts.ping import NAME, Ping, Signal
    from mm.alerts.way import NotDelivered
    from mm.app.alerting import dead_man_address, routes

    for route in routes(config, secrets):
        try:
            yield Outcome(route.way.name, True, route.way.deliver([_letter()]))
        except NotDelivered as problem:
            yield Outcome(route.way.name, False, str(problem))
    address = dead_man_address(config, secrets)
    if address is not None:
        signal = Signal.LOG if address.knows(Signal.LOG) else Signal.SUCCESS
        try:
            address.send(Ping(signal, "kmm alerts test"))
        except NotDelivered as problem:
            yield Outcome(NAME, False, str(problem))
        else:
            yield Outcome(NAME, True, "")


def _letter() -> Letter:
    from mm.alerts.letter import letter_of
    from mm.core.actions import Alert, AlertLevel

    text = "this is a test; alerts arrive where you read this"
    return letter_of(Alert(AlertLevel.INFO, "test", text), time.time_ns())


def _show(outcomes: list[Outcome]) -> None:
    if not outcomes:
        click.echo("no way is configured, so alerts go to alerts.jsonl only: see docs/alerts.md")
    for way, is_ok, text in outcomes:
        click.echo(f"{way}: {'sent' if is_ok else 'FAILED'}{f': {text}' if text else ''}")
