"""What ``kmm exchange`` starts with: its world, its switches, its faults, and what the key may do. Each turns
words of the command line into parts, or ends the command with a sentence about what is wrong with them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import rich_click as click

if TYPE_CHECKING:
    from mm.sim.face_switches import FaceSwitches
    from mm.sim.faults import Fault
    from mm.sim.rights import Rights
    from mm.sim.server_world import Terms, World
    from mm.sim.switches import Switches


def rights_of(scopes: tuple[str, ...], subaccount: int | None) -> Rights:
    from mm.sim.rights import BadRights, Rights

    try:
        return Rights.of(scopes, subaccount)
    except BadRights as error:
        raise click.BadParameter(str(error), param_hint="--scope") from None


def switches_of(words: tuple[str, ...], liquidity: bool) -> tuple[Switches, FaceSwitches]:
    """``liquidity`` has an option of its own, since whole clients depend on it."""
    from mm.sim import switch_words

    try:
        return switch_words.switches_of([*words, "liquidity=true"] if liquidity else words)
    except switch_words.BadSwitch as error:
        raise click.BadParameter(str(error), param_hint="--switch") from None


def open_subaccounts(world: World, last: int | None) -> None:
    """The locked key's subaccount gets all the cash: it could not fetch any itself."""
    from mm.sim.server_world import USER

    venue = world.exchange.venue
    for _ in range(last or 0):
        venue.create_subaccount(USER)
    if last and venue.cash(USER):
        venue.transfer(USER, "opening", 0, last, venue.cash(USER))


def make_world(
    terms: Terms, tape: Path | None, speed: float, markets: int | None, load: int, regime: str
) -> World:
    from mm.sim.recording import RecordingError
    from mm.sim.server_world import busy, demo, recorded

    if markets is not None:
        return busy(terms, markets, load)
    if tape is None:
        return demo(terms, regime)
    if not 0 < speed < float("inf"):
        raise click.BadParameter(f"{speed} is not a speed above 0", param_hint="--speed")
    try:
        return recorded(terms, tape, speed)
    except RecordingError as error:
        fail(f"cannot play the tape: {error}")


def faults_of(path: Path | None) -> list[Fault]:
    from mm.sim.fault_rows import BadFaults, load_faults

    try:
        return [] if path is None else load_faults(path)
    except (BadFaults, OSError) as error:
        fail(f"cannot use {path}: {error.strerror if isinstance(error, OSError) else error}")


def fail(message: str) -> NoReturn:
    """One line, exit code 1."""
    click.echo(f"Error: {' '.join(message.split())}", err=True)
    raise SystemExit(1)
