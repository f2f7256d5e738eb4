"""Commands about the configuration: is it right, what does it mean in effect, what may stand in it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import rich_click as click

from mm.config.errors import EXIT_WRONG_CONFIGURATION, ConfigError, ConfigErrors

if TYPE_CHECKING:
    from mm.config.load import Loaded
    from mm.config.model import Config

config_option = click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path),
    default=Path("config.yaml"),
    show_default=True,
    help="The configuration file.",
)
# Where an empty value means something that a reader must know.
NOTHING_SAID = {"markets": "every open one", "alerts_leave_by": "no way, they stay in alerts.jsonl"}
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")


@click.command("verify-config")
@config_option
@click.option(
    "--mode",
    type=click.Choice(["trade"]),
    help="Also check what trading needs: the credentials, and the secrets of alerts.",
)
@json_option
def verify_config(path: Path, mode: str | None, as_json: bool) -> None:
    """Check the configuration and say what would run.

    Exit code 78 with every error at once if it is wrong.
    """
    from mm.config.show import config_hash

    try:
        config = _load(path).config
        if mode == "trade":
            _check_trading(config)
    except ConfigErrors as problem:
        _refuse(problem, as_json)
    if as_json:
        click.echo(
            json.dumps({"valid": True, "config_hash": config_hash(config), **_facts(config)}, indent=2)
        )
        return
    click.echo(f"{path} is right (hash {config_hash(config)}). What would run:")
    for line in _lines(_facts(config)):
        click.echo(line)


@click.group()
def config() -> None:
    """Show, explain and describe the configuration."""


@config.command("schema")
def schema() -> None:
    """Print the JSON schema of config.yaml, for editors."""
    from mm.config.jsonschema import json_schema

    click.echo(json_schema(), nl=False)


@config.command("show")
@config_option
@json_option
def show(path: Path, as_json: bool) -> None:
    """Print every effective value, and whether the file, the environment or a default set it."""
    from mm.config.show import config_hash, for_json, values

    loaded = _load(path)
    rows = list(values(loaded))
    if as_json:
        data = {value.key: {"value": for_json(value.value), "origin": value.origin} for value in rows}
        click.echo(json.dumps({"config_hash": config_hash(loaded.config), "values": data}, indent=2))
        return
    shown = [(value.key, json.dumps(for_json(value.value)), value.origin) for value in rows]
    widths = [max(len(row[column]) for row in shown) for column in (0, 1)]
    for key, value, origin in shown:
        click.echo(f"{key:<{widths[0]}}  {value:<{widths[1]}}  {origin}")


@config.command("explain")
@click.argument("key", required=False, default="")
@click.option("--markdown", is_flag=True, help="As the tables of docs/configuration.md.")
def explain(key: str, markdown: bool) -> None:
    """Print what a key means, its kind and its default; without KEY, all of them."""
    from mm.config.reference import markdown_tables, rows

    if markdown:
        click.echo(markdown_tables(), nl=False)
        return
    found = [row for row in rows() if row.key == key or row.key.startswith(f"{key}.") or not key]
    if not found:
        click.echo(f'there is no key "{key}"', err=True)
        raise SystemExit(2)
    for row in found:
        when = "kmm reload takes it over" if row.is_reloadable else "a change needs a restart"
        default = f"default {row.default}" if row.default.startswith("`") else row.default
        kind = ", ".join(filter(None, (row.kind, default)))
        click.echo(f"{row.key}: {kind}; {when}\n    {row.meaning}")


def _load(path: Path) -> Loaded:
    from mm.config.load import load

    return load(path, os.environ)


def _refuse(problem: ConfigErrors, as_json: bool) -> NoReturn:
    if not as_json:
        raise problem
    errors = [asdict(error) for error in problem.errors]
    click.echo(json.dumps({"valid": False, "errors": errors}, indent=2))
    raise SystemExit(EXIT_WRONG_CONFIGURATION)


def _check_trading(config: Config) -> None:
    """What a run needs besides a right configuration.

    :raises ConfigErrors: everything that is missing or wrong, at once.
    """
    found: list[ConfigError] = []
    for check in (_check_credentials, _check_alerts):
        try:
            check(config)
        except ConfigErrors as problem:
            found += problem.errors
    if found:
        raise ConfigErrors(found)


def _check_credentials(config: Config) -> None:
    """The key file itself is judged when it is opened."""
    from mm.config.credentials import KEY_ID, KEY_PATH, read_credentials

    if config.exchange.environment == "simulated":
        return
    credentials = read_credentials(os.environ)
    where = f"needed to trade on {config.exchange.environment}"
    if credentials is None:
        raise ConfigErrors([ConfigError(name, None, None, "", where) for name in (KEY_ID, KEY_PATH)])
    if not credentials.private_key_path.is_file():
        raise ConfigErrors([ConfigError(KEY_PATH, None, None, "", "there is no such file")])


def _check_alerts(config: Config) -> None:
    """Each way is made, as a run makes it; nothing is sent."""
    from mm.app.alerting import routes
    from mm.app.errors import CannotRun
    from mm.config.alert_secrets import read_alert_secrets

    secrets = read_alert_secrets(config, os.environ)
    try:
        routes(config, secrets)
    except CannotRun as problem:
        raise ConfigErrors([ConfigError("alerts", None, None, "", str(problem))]) from None


def _facts(config: Config) -> dict[str, Any]:
    """What would run, as plain data."""
    from mm.config.show import for_json, redacted_dict

    shown: Any = for_json(redacted_dict(config))
    endpoints = config.exchange.endpoints
    return {
        "environment": config.exchange.environment,
        "rest_url": endpoints.rest_url if endpoints else None,
        "ws_url": endpoints.ws_url if endpoints else None,
        "run_dir": config.run_dir,
        "desks": shown["desks"],
        "limits": shown["limits"],
        "circuit_breaker": shown["circuit_breaker"],
        **{name: shown[name] for name in ("quoting", "close_on_shutdown", "on_disconnect")},
        "alerts_leave_by": _ways(config),
    }


def _ways(config: Config) -> list[str]:
    """How alerts leave the machine, by the file and the environment; a systemd credential may add some."""
    from mm.config.alert_secrets import APPRISE_URLS, DEAD_MAN_URL

    alerts = config.alerts
    ways = {
        "email": alerts.email.enabled,
        "apprise": alerts.apprise.urls_file is not None or APPRISE_URLS in os.environ,
        "dead_man": alerts.dead_man.url_file is not None or DEAD_MAN_URL in os.environ,
    }
    return [name for name, is_on in ways.items() if is_on]


def _lines(data: dict[str, Any], indent: str = "  ") -> list[str]:
    """Indented ``key: value`` lines; what is off or empty is left out."""
    lines: list[str] = []
    for key, value in data.items():
        below = _lines(value, indent + "  ") if isinstance(value, dict) else []
        if below:
            lines += [f"{indent}{key}", *below]
        elif key in NOTHING_SAID:
            lines.append(f"{indent}{key}: {NOTHING_SAID[key]}")
        elif value not in (None, [], {}) and not isinstance(value, dict):
            lines.append(f"{indent}{key}: {_said(value)}")
    return lines


def _said(value: object) -> str:
    """As the file has it."""
    if isinstance(value, list):
        return ", ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
