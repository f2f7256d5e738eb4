"""`kmm breaker show|reset`: why it does not trade, and the word that it may again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import rich_click as click

from mm.cli.paper import paper
from mm.cli.reason import Reason
from mm.cli.where import about_a_run, end, ends_well_or, json_option, run_dir_of, show

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from mm.app.control_words import Answer

NOT_TRIPPED: Final = 2
PATTERN: Final = "*_circuit_breaker_status.json"
RUNNING: Final = "the running bot"


@click.group()
def breaker() -> None:
    """Show the circuit breaker, or reset it."""


@breaker.command("show")
@about_a_run
@json_option
def show_breaker(config_file: Path, run_dir: Path | None, as_json: bool) -> None:
    """May it trade, and how near is each limit? Asked of the bot; of its files if it is not there."""
    from mm.app.control_client import NotRunning, ask
    from mm.app.control_words import Request

    with ends_well_or("breaker show", as_json):
        where = run_dir_of(run_dir, config_file)
        try:
            answer = ask(where, Request("breaker_show"))
        except NotRunning:
            rows, source = _of_files(where), "the files of the last run"
        else:
            rows, source = [("account", answer["breaker"]), *_of_desks(answer)], RUNNING
    if not rows:
        end("breaker show", f"nothing has ever run in {where}", NOT_TRIPPED, as_json)
    if as_json:
        click.echo(json.dumps({"source": source, "breakers": dict(rows)}))
        return
    if source == RUNNING:
        rows = _own_rows(rows)
    console = paper()
    console.print(f"as {source} say{'s' if source.startswith('the run') else ''}:")
    for name, form in rows:
        console.print(_picture(name, form))
    if source != RUNNING:
        console.print(_switch(where))


def _of_desks(answer: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(desk["name"], desk["breaker"]) for desk in answer["desks"]]


def _own_rows(rows: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """For the eye: what the account's table shows already is not repeated for each desk."""

    def own(form: dict[str, Any]) -> dict[str, Any]:
        limits = form["thresholds"].items()
        return {**form, "thresholds": {rule: limit for rule, limit in limits if rule not in shown}}

    shown = rows[0][1]["thresholds"]
    return [rows[0], *((name, own(form)) for name, form in rows[1:])]


def _of_files(where: Path) -> list[tuple[str, dict[str, Any]]]:
    """By desk, as they stand; one that cannot be read means tripped."""
    import msgspec

    from mm.observe.status import read_status

    paths = sorted(where.glob(PATTERN))
    return [
        (path.name.removesuffix(PATTERN.removeprefix("*")), msgspec.to_builtins(read_status(path)))
        for path in paths
    ]


def _picture(name: str, form: dict[str, Any]) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from mm.observe.log import escape

    verdict = Text(f"{name}: ")
    if form["trading_allowed"]:
        verdict.append("ok, trading is allowed", style="bold green")
    else:
        text = f"TRIPPED by {form['trip_rule']}: {form['trip_reason']}"
        verdict.append(escape(text), style="bold red")
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("rule")
    for title in ("measure", "limit", "used"):
        table.add_column(title, justify="right")
    for rule, limit in form["thresholds"].items():
        measure = form["measures"].get(rule)
        table.add_row(rule, _figure(rule, measure), _figure(rule, limit), _share(measure, limit))
    return Group(verdict, table) if form["thresholds"] else verdict


def _switch(where: Path) -> Text:
    """As it is now: it can be turned while nothing runs, and the files of the last run do not know."""
    from rich.text import Text

    from mm.app.kill_switch import KillSwitch
    from mm.observe.log import escape

    reason = KillSwitch(where, {}).reason()
    text = escape(f"ON, also for the next start: {reason}") if reason else "off"
    return Text(f"kill switch now: {text}", style="bold red" if reason else "")


def _figure(rule: str, value: float | None) -> str:
    """In the unit of the rule, which its name ends with; what has none is a number of things."""
    if value is None:
        return "not known"
    form = next((form for end, form in FORMS.items() if rule.endswith(end)), "{:.0f}".format)
    return form(value)


def _money(value: float) -> str:
    cents = round(value, 2) or 0.0
    return f"-${-cents:.2f}" if cents < 0 else f"${cents:.2f}"


def _percent(value: float) -> str:
    return f"{round(value, 3) or 0.0:.1%}"


FORMS: Final[dict[str, Callable[[float], str]]] = {
    "_dollars": _money,
    "pnl_threshold": _money,
    "_fraction": _percent,
    "_imbalance": _percent,
    "_seconds": "{:.0f} s".format,
}


def _share(measure: float | None, limit: float | None) -> str:
    return f"{max(measure / limit, 0):.0%}" if measure is not None and limit else ""


@breaker.command("reset")
@click.option("--reason", type=Reason(), required=True, help="Why it may trade again; it is written down.")
@click.option("--desk", default="", help="Only this desk's own trip.")
@about_a_run
@json_option
def reset(reason: str, desk: str, config_file: Path, run_dir: Path | None, as_json: bool) -> None:
    """Trade again. A bot that runs goes on at once; one that does not, with its next start.

    Exit code 2 if it is not tripped, 4 if nothing but the kill switch has tripped it: kmm resume.
    """
    from mm.app.control_client import NotRunning, ask
    from mm.app.control_words import Request

    if not reason.strip():
        raise click.UsageError("say why: it is written down")
    with ends_well_or("breaker reset", as_json):
        where = run_dir_of(run_dir, config_file)
        try:
            answer = ask(where, Request("breaker_reset", reason, desk))
        except NotRunning:
            _reset_files(where, reason, desk, as_json)
            return
    if not answer["ok"]:
        end("breaker reset", answer["error"], answer["code"], as_json)
    show(answer, f"reset; {_after_reset(answer)}", as_json)


def _after_reset(answer: Answer) -> str:
    """Whether that was all that stood in the way."""
    for name, form in [("account", answer["breaker"]), *_of_desks(answer)]:
        if not form["trading_allowed"]:
            return f"still tripped ({name}): {form['trip_reason']}"
    return f"it goes on: {answer['status']}"


def _reset_files(where: Path, reason: str, desk: str, as_json: bool) -> None:
    """Under the lock, so that no start reads them meanwhile."""
    from mm.app.lock import hold_lock
    from mm.app.memory import reset_files

    names = [name for name, _ in _of_files(where)]
    if not names or desk not in ("", *names):
        end("breaker reset", f"no such breaker in {where}", NOT_TRIPPED, as_json)
    with hold_lock(where):
        trips = reset_files(where, names, reason, time.time_ns(), desk)
    if not trips:
        end("breaker reset", "the breaker is not tripped", NOT_TRIPPED, as_json)
    rules = sorted({trip.rule for trip in trips})
    text = f"reset: {', '.join(rules)}; nothing runs, the next start trades"
    show({"ok": True, "running": False, "rules": rules}, text, as_json)
