"""`kmm status`: how is it? Asked of the bot itself; of its files if it is not there."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from mm.cli.paper import paper
from mm.cli.where import about_a_run, end, ends_well_or, json_option, run_dir_of

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mm.app.control_words import Answer
    from mm.app.last_run import Former


@click.command()
@about_a_run
@json_option
def status(config_file: Path, run_dir: Path | None, as_json: bool) -> None:
    """Mode, breaker, P&L, resting orders, age of the heartbeat. Exit code 3 if nothing runs."""
    from mm.app.control_client import NotRunning, ask
    from mm.app.control_words import Request
    from mm.app.errors import NOT_PROVEN
    from mm.app.last_run import age, read_former

    with ends_well_or("status", as_json):
        where = run_dir_of(run_dir, config_file)
        try:
            answer: Answer | None = ask(where, Request("status"))
        except NotRunning:
            answer = None
        former = read_former(where)
    if answer is None:
        _not_running(where, former, as_json, NOT_PROVEN)
        return
    answer["heartbeat_age_s"] = round(age(former.beat), 3) if former.beat else None
    if as_json:
        click.echo(json.dumps(answer))
        return
    paper().print(_picture(answer))


def _not_running(where: Path, former: Former, as_json: bool, code: int) -> None:
    """What the files say of the run that was last here."""
    from mm.app.kill_switch import KillSwitch

    run, killed = former.run, KillSwitch(where, {}).reason()
    if run is None:
        text = former.fault or "nothing has ever run here"
    elif run.state == "ended":
        text = f"the last run ended {run.ended_iso} (exit code {run.exit_code}): {run.reason}"
    else:
        last = f", last heartbeat {former.beat.timestamp_iso}" if former.beat else ""
        text = f"the last run (since {run.started_iso}) ended without stopping{last}"
    if killed:
        text += f"; the kill switch is on: {killed}"
    end("status", f"nothing runs in {where}: {text}", code, as_json)


def _picture(answer: Answer) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from mm.observe.log import escape
    from mm.observe.plain import cents

    facts = Table(box=None, show_header=False, pad_edge=False)
    for name, value in _facts(answer):
        style = "bold red" if value.startswith(("TRIPPED", "ON", "NOT")) else ""
        facts.add_row(name, Text(escape(value), style=style))
    desks = Table(box=None, header_style="dim", pad_edge=False)
    desks.add_column("desk")
    for name in ("markets", "resting", "held", "realized", "open", "fees", "P&L", "imbalance"):
        desks.add_column(name, justify="right", no_wrap=True)
    for desk in answer["desks"]:
        desks.add_row(
            f"{desk['name']} ({desk['strategy']})",
            *(str(desk[name]) for name in ("markets", "resting_orders", "positions")),
            *(cents(desk[name]) for name in ("realized", "unrealized", "fees", "total")),
            f"{desk['inventory_imbalance']:.0%}",
        )
    return Group(facts, desks)


def _facts(answer: Answer) -> list[tuple[str, str]]:
    from mm.core.units import SECOND
    from mm.observe.conditions import duration
    from mm.observe.plain import cents

    breaker, beat = answer["breaker"], answer["heartbeat_age_s"]
    money = {name: cents(dollars) for name, dollars in answer["pnl"].items()}
    age = duration(round(time.time() - answer["started"]) * SECOND)
    mode = answer["mode"].lower()
    return [
        ("status", answer["status"] + ("" if mode == answer["status"] else f" ({mode})")),
        *([("waiting", answer["waiting"])] if answer["waiting"] else []),
        *[(f"paused ({who})", why) for who, why in answer["pauses"].items()],
        ("exchange", answer["environment"] + (", dry run" if answer["dry_run"] else "")),
        ("process", f"{answer['pid']}, version {answer['version']}, for {age}"),
        ("breaker", "ok" if breaker["trading_allowed"] else f"TRIPPED: {breaker['trip_reason']}"),
        *_trips_of_desks(answer),
        ("kill switch", f"ON: {answer['kill_switch']} (kmm resume)" if answer["kill_switch"] else "off"),
        ("P&L", "{total} (realized {realized}, open {unrealized}, fees {fees})".format(**money)),
        ("cash", "not known" if answer["cash"] is None else cents(answer["cash"])),
        ("orders", f"{answer['resting_orders']} resting, {answer['open_orders']} open in all"),
        ("market data", "connected" if answer["link_up"] else "NOT CONNECTED"),
        ("heartbeat", "none" if beat is None else f"{beat:.1f} s ago"),
    ]


def _trips_of_desks(answer: Answer) -> list[tuple[str, str]]:
    """Of those that have stopped while the account trades on."""
    if not answer["breaker"]["trading_allowed"]:
        return []
    return [
        (f"desk {desk['name']}", f"TRIPPED: {desk['breaker']['trip_reason']}")
        for desk in answer["desks"]
        if not desk["breaker"]["trading_allowed"]
    ]
