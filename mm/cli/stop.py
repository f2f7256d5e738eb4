"""`kmm stop`: an orderly end, waited for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from mm.cli.control import REASON
from mm.cli.seconds import Seconds
from mm.cli.where import about_a_run, ask_or_end, end, ends_well_or, json_option, run_dir_of

if TYPE_CHECKING:
    from mm.app.control_words import Answer


@click.command()
@about_a_run
@REASON
@click.option(
    "--within",
    type=Seconds(),
    default=120.0,
    show_default=True,
    help="Seconds to wait for the end.",
)
@json_option
def stop(config_file: Path, run_dir: Path | None, reason: str, within: float, as_json: bool) -> None:
    """Cancel everything, prove it, end; and wait for that.

    The exit code is that of the run (0: proven, books equal); 3 if nothing runs, 5 if it takes too long.
    """
    from mm.app.control_client import until
    from mm.app.control_words import Request
    from mm.app.errors import TIMED_OUT
    from mm.app.last_run import read_former

    with ends_well_or("stop", as_json):
        where = run_dir_of(run_dir, config_file)
        said = f"kmm stop: {reason}" if reason else "kmm stop"
        begun = ask_or_end("stop", where, Request("stop", said), as_json)
        if not until(where, lambda answer: answer is None, within, _Progress(as_json)):
            end("stop", f"has not ended within {within:g} s: see kmm status", TIMED_OUT, as_json)
        run = read_former(where).run
    if run is None or run.pid != begun["pid"] or run.exit_code is None:
        end("stop", "it has ended, but not said how: see alerts.jsonl", 1, as_json)
    if as_json:
        click.echo(json.dumps({"ok": run.exit_code == 0, "exit_code": run.exit_code, "reason": run.reason}))
    else:
        click.echo(f"stopped: {run.reason} (exit code {run.exit_code})")
    raise SystemExit(run.exit_code)


class _Progress:
    """A line for each new word of the bot, on standard error, for people."""

    def __init__(self, is_silent: bool) -> None:
        self._is_silent = is_silent
        self._last = ""

    def __call__(self, answer: Answer | None) -> None:
        if answer is None or self._is_silent:
            return
        text = f"{answer['status']}: {answer['open_orders']} orders open"
        if text != self._last:
            click.echo(text, err=True)
            self._last = text
