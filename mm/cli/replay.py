"""`kmm replay`: a journal in, the same actions out."""

from __future__ import annotations

from pathlib import Path

import rich_click as click


@click.command()
@click.argument("journal", type=click.Path(path_type=Path, exists=True))
@click.option("--run", "run_number", type=click.IntRange(min=1), help="Of a directory.  [the latest]")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def replay(journal: Path, run_number: int | None, as_json: bool) -> None:
    """Turn the crank once more on everything that JOURNAL (a part, or a directory of them) recorded.

    The engine must decide exactly what it decided then; otherwise the first difference is shown, and the exit
    code is 1."""
    import msgspec

    from mm.app.replayed import CannotReplay, replay_journal

    try:
        result = replay_journal(journal, run_number)
    except CannotReplay as problem:
        click.echo(f"kmm replay: {problem}", err=True)
        raise SystemExit(1) from None
    if as_json:
        click.echo(msgspec.json.encode(result))
    else:
        click.echo(f"{result.events} events, {result.actions} actions, digest {result.digest}")
        if result.difference is None:
            click.echo("the same actions came out")
        else:
            shown = result.difference
            click.echo(f"DIFFERENCE at event {shown.number}: {shown.event}")
            click.echo(f"  recorded: {list(shown.recorded)}")
            click.echo(f"  now:      {list(shown.replayed)}")
    raise SystemExit(1 if result.difference else 0)
