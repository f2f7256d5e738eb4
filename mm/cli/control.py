"""`kmm kill resume stop pause flatten reload`: a person's word to a bot that runs."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from mm.cli.killed import end_unanswered
from mm.cli.reason import Reason
from mm.cli.seconds import Seconds
from mm.cli.where import about_a_run, ask_or_end, end, ends_well_or, json_option, run_dir_of, show

if TYPE_CHECKING:
    from mm.app.control_words import Answer

WITHIN = click.option(
    "--within",
    type=Seconds(),
    default=15.0,
    show_default=True,
    help="Seconds to wait for the proof that nothing rests.",
)


REASON = click.option("--reason", type=Reason(), default="", help="Why, for the log.")


def _gone(answer: Answer | None) -> bool:
    """Every order is cancelled and has been answered; also what a former run left, which is known only
    once the account was read."""
    return answer is not None and answer["open_orders"] == 0 and answer["last_reconcile"] is not None


def wait_until_gone(name: str, run_dir: Path, within: float, as_json: bool) -> None:
    """Ends with 3 if it is not proven in time."""
    from mm.app.control_client import until
    from mm.app.errors import NOT_PROVEN

    if not until(run_dir, _gone, within):
        end(name, f"not proven within {within:g} s that nothing rests: see kmm status", NOT_PROVEN, as_json)


def _killed(answer: Answer, reason: str) -> str:
    """``reason`` is the person's. What the environment of the bot disables, no command enables; one that was
    started before an upgrade does not say so."""
    if answer.get("disabled_by_environment"):
        return f"killed: {reason}; nothing rests. still disabled after kmm resume: {answer['kill_switch']}"
    return f"killed: {answer['kill_switch']}; nothing rests. kmm resume goes on"


@click.command()
@click.argument("reason", type=Reason())
@about_a_run
@WITHIN
@json_option
def kill(reason: str, config_file: Path, run_dir: Path | None, within: float, as_json: bool) -> None:
    """Turn the kill switch on: everything is cancelled, and nothing but cancels leaves until `kmm resume`.

    The file KILL_SWITCH is written first, so it holds for a bot that does not answer, and for the next start.
    """
    from mm.app.control_client import NotRunning, ask
    from mm.app.control_words import Request
    from mm.app.errors import CannotRun
    from mm.app.kill_switch import KillSwitch
    from mm.observe.append import StorageError

    since = time.time()
    with ends_well_or("kill", as_json):
        where = run_dir_of(run_dir, config_file)
        if not reason.strip():
            raise click.UsageError("say why: it is written down")
        if not where.is_dir():
            end("kill", f"there is no run directory {where}", 2, as_json)
        switch, fault = KillSwitch(where, {}), None
        if not switch.reason():
            try:
                switch.turn_on(reason)
            except StorageError as refused:  # the bot, if there is one, can do without
                fault = refused
        try:
            answer = ask(where, Request("kill", reason))
        except NotRunning:
            if fault is not None:
                raise fault from None
            text = f"nothing runs in {where}; the kill switch is on for the next start"
            show({"ok": True, "running": False, "kill_switch": reason}, text, as_json)
            return
        except CannotRun as problem:
            if fault is not None:
                raise fault from problem
            end_unanswered(where, since, within, str(problem), as_json)
        if not answer["ok"]:
            end("kill", f"the bot says: {answer['error']}", answer["code"], as_json)
        wait_until_gone("kill", where, within, as_json)
    if answer["warning"]:
        click.echo(f"kmm kill: {answer['warning']}", err=True)
    show(answer, _killed(answer, switch.reason() or reason), as_json)


@click.command()
@about_a_run
@json_option
def resume(config_file: Path, run_dir: Path | None, as_json: bool) -> None:
    """Turn the kill switch off, end a pause, and go on. Other trips of the breaker stay (exit code 4)."""
    from mm.app.control_client import NotRunning, ask
    from mm.app.control_words import Request
    from mm.app.errors import REFUSED
    from mm.app.kill_switch import KillSwitch

    with ends_well_or("resume", as_json):
        where = run_dir_of(run_dir, config_file)
        was_on = KillSwitch(where, {}).turn_off()
        try:
            answer = ask(where, Request("resume", "kmm resume"))
        except NotRunning:
            text = f"nothing runs in {where}; the kill switch {'is off now' if was_on else 'was not on'}"
            show({"ok": True, "running": False, "was_on": was_on}, text, as_json)
            return
    if not answer["ok"]:
        end("resume", answer["error"], answer["code"], as_json)
    if not answer["breaker"]["trading_allowed"]:
        reason = answer["breaker"]["trip_reason"]
        end("resume", f"the breaker stays tripped: {reason}; see kmm breaker show", REFUSED, as_json)
    show(answer, f"goes on: {answer['status']}", as_json)


@click.command()
@about_a_run
@REASON
@json_option
def pause(config_file: Path, run_dir: Path | None, reason: str, as_json: bool) -> None:
    """Pull all quotes and keep them out until `kmm resume`; positions and everything else go on."""
    from mm.app.control_words import Request

    with ends_well_or("pause", as_json):
        where = run_dir_of(run_dir, config_file)
        answer = ask_or_end("pause", where, Request("pause", reason), as_json)
    show(answer, f"{answer['status']}: the quotes are pulled; kmm resume brings them back", as_json)


@click.command()
@about_a_run
@REASON
@json_option
def flatten(config_file: Path, run_dir: Path | None, reason: str, as_json: bool) -> None:
    """Pull all quotes and close all positions as a taker, by orders that can only reduce. Then it stays
    paused: `kmm resume` goes on."""
    from mm.app.control_words import Request

    with ends_well_or("flatten", as_json):
        where = run_dir_of(run_dir, config_file)
        answer = ask_or_end("flatten", where, Request("flatten", reason), as_json)
    held = sum(desk["positions"] for desk in answer["desks"])
    positions = "1 position" if held == 1 else f"{held} positions"
    show(answer, f"{answer['status']}: closing {positions}; follow it with kmm status", as_json)


@click.command()
@about_a_run
@json_option
def reload(config_file: Path, run_dir: Path | None, as_json: bool) -> None:
    """Have the bot read its configuration again, and say what it took over and what needs a restart.

    A file with a mistake changes nothing: exit code 78.
    """
    from mm.app.control_client import NotRunning, ask
    from mm.app.control_words import Request
    from mm.app.errors import NOT_PROVEN

    with ends_well_or("reload", as_json):
        where = run_dir_of(run_dir, config_file)
        try:
            answer = ask(where, Request("reload", "kmm reload"))
        except NotRunning:
            end("reload", f"nothing runs in {where}", NOT_PROVEN, as_json)
    if as_json:
        click.echo(json.dumps(answer))
        raise SystemExit(0 if answer["ok"] else answer["code"])
    if not answer["ok"]:
        click.echo("\n".join(answer.get("errors", [answer["error"]])), err=True)
        end("reload", "nothing has changed", answer["code"])
    for title, name in (("applied", "applied"), ("needs a restart", "needs_restart")):
        for row in answer[name]:
            click.echo(f"{title}: {row['key']}: {json.dumps(row['before'])} -> {json.dumps(row['after'])}")
    if not answer["applied"] and not answer["needs_restart"]:
        click.echo("nothing has changed")
