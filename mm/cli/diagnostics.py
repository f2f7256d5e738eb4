"""`kmm diagnostics`: everything that whoever helps will ask for, in one file without secrets."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from mm.cli.config import config_option, json_option

if TYPE_CHECKING:
    from mm.app.bundle import Piece
    from mm.observe.redact import Redactor

SECRET_VARIABLE = re.compile(r"KEY|PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|URL", re.IGNORECASE)


@click.command()
@config_option
@click.option("--run-dir", type=click.Path(path_type=Path), help="Of the run.  [config: run_dir]")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("diagnostics.tar.gz"),
    show_default=True,
    help="Readable by its owner only.",
)
@json_option
def diagnostics(path: Path, run_dir: Path | None, output: Path, as_json: bool) -> None:
    """Pack the ends of a run's files, the configuration, versions, limits and checks into one archive.

    It may run meanwhile or be dead. No secret goes in; a configuration that is wrong goes in as its errors.
    """
    from mm.app.bundle import pack

    desks, home, pieces = _what_to_pack(path, run_dir)
    redactor = _redactor(os.environ)
    with _progress(len(pieces), quiet=as_json) as done:
        try:
            packed = pack(output, pieces, redactor, done)
        except OSError as error:
            click.echo(f"kmm diagnostics: {output} cannot be written: {error.strerror}", err=True)
            raise SystemExit(1) from None
    if as_json:
        facts = {"path": str(packed.path), "files": packed.names, "missing": dict(packed.missing)}
        click.echo(json.dumps(facts, indent=2))
        return
    for name, problem in packed.missing:
        click.echo(f"not in it: {name} ({problem})", err=True)
    size = packed.path.stat().st_size
    click.echo(f"{packed.path}: {len(packed.names)} files of {home} ({', '.join(desks)}), {size:,} bytes")


def _what_to_pack(path: Path, run_dir: Path | None) -> tuple[list[str], Path, list[Piece]]:
    from mm.app.bundle import document, pieces_of_run
    from mm.app.checklist import live
    from mm.app.machine import limits, look_at_machine, versions
    from mm.app.vitals import read_vitals
    from mm.cli.subject import subject_of

    subject = subject_of(run_dir, path)
    desks, home = subject.desks, subject.home
    checks = live(read_vitals(home, desks, time.time()), look_at_machine(home), subject.healthy)
    ours = [
        document("config.json", subject.shown),
        document("versions.json", versions()),
        document("limits.json", limits()),
        document("checks.json", [{**row._asdict(), "grade": row.grade.value} for row in checks]),
    ]
    return desks, home, [*pieces_of_run(home, desks), *ours]


def _redactor(environment: Mapping[str, str]) -> Redactor:
    """Whatever the environment holds that may be a secret, and the texts of the files that it points to."""
    from mm.observe.redact import SHORTEST, Redactor

    redactor = Redactor()
    for name, value in environment.items():
        if SECRET_VARIABLE.search(name) and len(value) >= SHORTEST:
            redactor.register(value)
    return redactor


@contextmanager
def _progress(steps: int, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A bar on the terminal; nothing where nobody watches."""
    if quiet or not sys.stderr.isatty():
        yield lambda name: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=steps)
        yield lambda name: bar.update(task, advance=1, description=name)
