"""`kmm checklist`: is all well, in colours for people and with an exit code for programs."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from mm.cli.config import config_option, json_option
from mm.cli.paper import paper

if TYPE_CHECKING:
    from mm.app.gauges import Finding

SIGNS = {"green": "ok", "yellow": "look", "red": "ALARM"}


@click.command()
@click.argument("which", type=click.Choice(["live", "support"]))
@config_option
@click.option("--run-dir", type=click.Path(path_type=Path), help="Of the run.  [config: run_dir]")
@json_option
@click.option("--markdown", is_flag=True, help="A list to paste into a report.")
def checklist(which: str, path: Path, run_dir: Path | None, as_json: bool, markdown: bool) -> None:
    """Judge a run by its files, while it runs or when it is dead: green, yellow or red.

    live: the warning signs and healthy ranges; support: what to send to whoever helps. Exit code 1 if
    anything is red.
    """
    from mm.app.checklist import configuration, is_alarming, live, support
    from mm.app.machine import look_at_machine
    from mm.app.vitals import read_vitals
    from mm.cli.subject import subject_of

    subject = subject_of(run_dir, path)
    vitals = read_vitals(subject.home, subject.desks, time.time())
    if which == "live":
        findings = live(vitals, look_at_machine(subject.home), subject.healthy)
    else:
        findings = support(vitals)
    findings.insert(0, configuration(subject.problem, subject.config_file))
    if as_json:
        rows = [{**row._asdict(), "grade": row.grade.value} for row in findings]
        click.echo(json.dumps({"healthy": not is_alarming(findings), "items": rows}, indent=2))
    elif markdown:
        click.echo("\n".join(_markdown(row) for row in findings))
    else:
        _show(findings)
    if which == "support" and not as_json:
        click.echo("- [ ] kmm diagnostics" if markdown else "collect it all: kmm diagnostics")
    raise SystemExit(1 if is_alarming(findings) else 0)


def _markdown(row: Finding) -> str:
    from mm.observe.log import escape

    mark = "x" if row.grade.value == "green" else " "
    advice = f" ({row.advice})" if row.advice else ""
    return escape(f"- [{mark}] {row.scope}: {row.name}: {row.value}{advice}")


def _show(findings: list[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    from mm.observe.log import escape

    table = Table(box=None, pad_edge=False, header_style="dim")
    longest = max(len(word) for row in findings for word in row.name.split())
    for name in ("", "where", "what", "is", "healthy"):
        table.add_column(name, overflow="fold", min_width=longest if name == "what" else None)
    for row in findings:
        colour = row.grade.value
        sign = Text(SIGNS[colour], style=f"bold {colour}")
        table.add_row(sign, row.scope, row.name, Text(escape(row.value)), Text(row.healthy, style="dim"))
    console = paper()
    console.print(table)
    for row in findings:
        if row.advice:
            advice = Text(escape(f"{row.scope}, {row.name}: {row.advice}"), style=row.grade.value)
            console.print(advice, soft_wrap=True)  # one line: it may be a command
