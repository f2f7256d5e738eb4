"""`kmm run`: make markets."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import rich_click as click

from mm.cli.last_words import say
from mm.cli.paper import paper
from mm.cli.reason import Reason
from mm.cli.seconds import Seconds

if TYPE_CHECKING:
    from rich.console import RenderableType


@click.command()
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path), default=Path("config.yaml"), show_default=True
)
@click.option(
    "--run-dir", type=click.Path(path_type=Path), help="Everything a run writes goes here.  [config: run_dir]"
)
@click.option("--once", is_flag=True, help="One cycle: start, quote, cancel, compare, end.")
@click.option("--seconds", type=Seconds(), help="Stop in order after so long.")
@click.option(
    "--tape",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A recorded market plays everybody else (simulated exchange).",
)
@click.option("--speed", type=click.FloatRange(min=0, min_open=True, max=1000), help="Of the tape.")
@click.option("--seed", type=click.IntRange(min=0), help="Of the simulated exchange.")
@click.option("--dry-run", is_flag=True, help="Read and decide, but send no order.")
@click.option("--live", is_flag=True, help="Real money: needed with the production environment.")
@click.option(
    "--reset-breaker",
    type=Reason(),
    metavar="REASON",
    default="",
    help="Trade again although the breaker had tripped.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="The summary as JSON on standard output; the log goes to standard error.",
)
def run(
    config_file: Path,
    run_dir: Path | None,
    once: bool,
    seconds: float | None,
    tape: Path | None,
    speed: float | None,
    seed: int | None,
    dry_run: bool,
    live: bool,
    reset_breaker: str,
    as_json: bool,
) -> None:
    """Quote both sides of every chosen market until Ctrl-C or SIGTERM; then cancel everything, prove it, and
    compare our books with the exchange's."""
    from mm.app import summary
    from mm.app.errors import CannotRun
    from mm.app.run import Options
    from mm.app.run import run as trade
    from mm.app.trade import Wish
    from mm.config.load import load_config

    overrides = {"tape": tape, "speed": speed, "seed": seed}
    environment = {**os.environ, **_as_variables(overrides)}
    config = load_config(config_file, environment)
    if any(value is not None for value in overrides.values()) and config.exchange.endpoints is not None:
        raise click.UsageError(
            "--tape, --speed and --seed are for the simulated exchange that kmm run starts itself"
        )
    wish = Wish(seconds=seconds, once=once, dry_run=dry_run)
    options = Options(
        wish,
        Path(run_dir or config.run_dir),
        live=live,
        reset_breaker=reset_breaker,
        log_stream=sys.stderr if as_json else None,
        reread=lambda: load_config(config_file, environment),
        config_file=config_file,
    )
    sys.excepthook = _tell_fault
    try:
        ending = trade(config, options, os.environ)
    except CannotRun as problem:
        say(f"kmm run: {problem}", sys.stderr)
        raise SystemExit(problem.exit_code) from None
    _show(json.dumps(summary.as_json(ending)) if as_json else _table(summary.render(ending)))
    raise SystemExit(summary.exit_code(ending))


def _tell_fault(_: type[BaseException], fault: BaseException, __: TracebackType | None) -> None:
    """A fault of ours, told in the files already: no reader may keep us from being started anew."""
    say("".join(traceback.format_exception(fault)).rstrip(), sys.stderr)


def _table(summary: RenderableType) -> str:
    """With the colours of the terminal, if it is one; it is not touched, for that may wait for its reader."""
    console, sheet = paper(), StringIO()
    console.file = sheet
    console.print(summary)
    return sheet.getvalue().rstrip("\n")


def _show(text: str) -> None:
    """Nobody there to read it any more, or no room: that must not change how the run ended."""
    if problem := say(text, sys.stdout):
        say(f"kmm run: the summary cannot be shown: {problem}", sys.stderr)


def _as_variables(overrides: Mapping[str, object]) -> dict[str, str]:
    """The command line wins over file and environment, by the same way in."""
    prefix = "KMM__exchange__simulated__"
    return {
        prefix + name: json.dumps(str(value)) if name == "tape" else str(value)
        for name, value in overrides.items()
        if value is not None
    }
