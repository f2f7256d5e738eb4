"""`kmm simulate`: the bot in virtual time against the simulated exchange."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from mm.cli.seconds import Seconds


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
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def simulate(config_file: Path, seconds: float, seed: int | None, weather: str, as_json: bool) -> None:
    """Run the configured desks in virtual time, with a witness at the venue.

    The digest covers every event and action: the same seed gives the same digest on any machine. Exit code 1
    if anything was found wrong."""
    import os

    import msgspec

    from mm.app.simulated import simulate as play
    from mm.config.load import load_config
    from mm.drivers.network import CALM, STORM

    config = load_config(config_file, os.environ)
    chosen_seed = config.exchange.simulated.seed if seed is None else seed
    result = play(config, seconds, chosen_seed, STORM if weather == "storm" else CALM)
    if as_json:
        click.echo(msgspec.json.encode(result))
    else:
        for name, value in msgspec.structs.asdict(result).items():
            shown = ("none wrong" if not value else "; ".join(value)) if name == "checks" else value
            click.echo(f"{name:18} {shown}")
    raise SystemExit(1 if result.checks else 0)
