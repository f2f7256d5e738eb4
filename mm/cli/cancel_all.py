"""`kmm cancel-all`: out of the market. By the bot if it runs, else straight at the exchange."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import rich_click as click

from mm.cli.control import REASON, WITHIN, wait_until_gone
from mm.cli.where import about_a_run, config_of, end, ends_well_or, json_option, run_dir_of, show

if TYPE_CHECKING:
    from mm.app.cancel_all import Swept
    from mm.app.control_words import Answer

NOT_PROVEN: Final = 3
LONGEST_PROOF_SECONDS: Final = 60.0


@click.command("cancel-all")
@about_a_run
@REASON
@click.option("--verify", is_flag=True, help="Also wait for the exchange's word that nothing rests.")
@click.option("--direct", is_flag=True, help="Past the bot, even if it runs: it may place new quotes.")
@click.option("--everything", is_flag=True, help="Directly, and the orders of others on this account, too.")
@WITHIN
@json_option
def cancel_all(
    config_file: Path,
    run_dir: Path | None,
    reason: str,
    verify: bool,
    direct: bool,
    everything: bool,
    within: float,
    as_json: bool,
) -> None:
    """Cancel all orders of this installation. A bot that runs does it, and stays paused until `kmm resume`;
    if none runs, its credentials do it here, and the exchange is read until it is proven.

    Exit code 3 if that is not proven.
    """
    from mm.app.control_client import NotRunning, ask
    from mm.app.control_words import Request

    with ends_well_or("cancel-all", as_json):
        where = run_dir_of(run_dir, config_file)
        if not direct and not everything:
            try:
                answer = ask(where, Request("cancel_all", reason))
            except NotRunning:
                pass
            else:
                _by_the_bot(where, answer, verify, within, as_json)
                return
        _directly(config_of(config_file, where), everything, within, as_json)


def _by_the_bot(where: Path, answer: Answer, verify: bool, within: float, as_json: bool) -> None:
    from mm.app.control_client import ask
    from mm.app.control_words import Request

    if not answer["ok"]:
        end("cancel-all", answer["error"], answer["code"], as_json)
    wait_until_gone("cancel-all", where, within, as_json)
    if verify:
        proven = ask(where, Request("prove"), max(within, LONGEST_PROOF_SECONDS))
        if not proven["ok"]:
            text = proven.get("error") or f"still there: {proven['left']}; {proven['faults']}"
            end("cancel-all", text, proven.get("code", NOT_PROVEN), as_json)
        answer = proven
    proof = "the exchange's own list says so" if verify else "by the answer to each"
    show(answer, f"nothing rests, {proof}; {answer['status']}, kmm resume goes on", as_json)


def _directly(config_file: Path, everything: bool, within: float, as_json: bool) -> None:
    from mm.app.cancel_all import plain
    from mm.app.direct import cancel_directly
    from mm.config.essential import essentials

    swept = cancel_directly(
        essentials(config_file, os.environ), os.environ, everything, max(within, LONGEST_PROOF_SECONDS)
    )
    if as_json:
        click.echo(json.dumps(plain(swept)))
    else:
        click.echo("\n".join(_lines(swept)))
    raise SystemExit(0 if swept.is_proven else NOT_PROVEN)


def _lines(swept: Swept) -> list[str]:
    lines = [f"canceled {name}" for name in sorted(swept.found - swept.left)]
    lines += [f"STILL THERE {name}" for name in sorted(swept.left)]
    lines += [f"met on the way: {fault}" for fault in swept.faults]
    if swept.others:
        lines.append(f"left alone: {swept.others} orders that are not of this installation")
    proven = "proven: nothing of ours rests" if swept.is_proven else "NOT PROVEN that nothing of ours rests"
    return [*lines, proven]
