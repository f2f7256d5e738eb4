"""`kmm simulate`: the bot in virtual time against the simulated exchange."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from mm.cli.seconds import Seconds

if TYPE_CHECKING:
    from mm.sim.faults import Fault


@click.command()
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    default=Path("config.yaml"),
    show_default=True,
)
@click.option("--seconds", type=Seconds(), default=60.0, show_default=True)
@click.option(
    "--seed", type=click.IntRange(min=0), help="Same seed, same run.  [config: exchange.simulated.seed]"
)
@click.option(
    "--weather",
    type=click.Choice(["calm", "storm"]),
    default="calm",
    show_default=True,
    help="storm: answers lost, late, repeated and out of order, and broken links.",
)
@click.option(
    "--tape",
    type=click.Path(path_type=Path),
    help="Play this recording instead of a regime.  [config: exchange.simulated.tape]",
)
@click.option("--speed", type=click.FloatRange(min=0, min_open=True, max=1000), help="Of the tape.")
@click.option(
    "--faults", type=click.Path(path_type=Path), help="YAML or JSON file: what goes wrong at the exchange."
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def simulate(
    config_file: Path,
    seconds: float,
    seed: int | None,
    weather: str,
    tape: Path | None,
    speed: float | None,
    faults: Path | None,
    as_json: bool,
) -> None:
    """Run the configured desks in virtual time, with a witness at the venue.

    The digest covers every event and action: the same seed gives the same digest on any machine. Exit code 1
    if anything was found wrong."""
    import os

    import msgspec

    from mm.app.simulated import NothingToQuote
    from mm.app.simulated import simulate as play
    from mm.config.load import load_config
    from mm.drivers.network import CALM, STORM
    from mm.sim.recording import RecordingError

    config = load_config(config_file, {**os.environ, **_as_variables(tape, speed)})
    simulated = config.exchange.simulated
    if speed is not None and simulated.tape is None:
        raise click.UsageError("--speed is of a tape, and there is none")
    chosen_seed = simulated.seed if seed is None else seed
    sky = STORM if weather == "storm" else CALM
    try:
        result = play(config, seconds, chosen_seed, sky, _script(faults))
    except RecordingError as error:
        raise click.ClickException(f"cannot play the tape: {error}") from None
    except NothingToQuote as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(msgspec.json.encode(result))
    else:
        for name, value in msgspec.structs.asdict(result).items():
            shown = ("none wrong" if not value else "; ".join(value)) if name == "checks" else value
            click.echo(f"{name:18} {shown}")
    raise SystemExit(1 if result.checks else 0)


def _as_variables(tape: Path | None, speed: float | None) -> dict[str, str]:
    """The command line wins over file and environment, by the same way in."""
    given = {"tape": None if tape is None else json.dumps(str(tape)), "speed": speed}
    return {
        f"KMM__exchange__simulated__{name}": str(value) for name, value in given.items() if value is not None
    }


def _script(path: Path | None) -> list[Fault]:
    from mm.sim.fault_rows import BadFaults, load_faults

    try:
        return [] if path is None else load_faults(path)
    except (BadFaults, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise click.ClickException(f"cannot use {path}: {why}") from None
