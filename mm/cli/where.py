"""What all commands about a running bot share: which run directory is meant, and how they end."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import rich_click as click

if TYPE_CHECKING:
    from mm.app.control_words import Answer, Request

F = TypeVar("F", bound=Callable[..., Any])
DEFAULT_CONFIG: Final = Path("config.yaml")
VARIABLE: Final = "KMM__run_dir"
LOCK: Final = "kmm.lock"

_config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    default=DEFAULT_CONFIG,
    show_default=True,
    help="Says the run directory, if nothing else does; inside one, the last run's own.",
)
_run_dir_option = click.option(
    "--run-dir",
    type=click.Path(path_type=Path),
    help="Of the bot that is meant.  [config: run_dir, or here if a bot's files are here]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")


def about_a_run(command: F) -> F:
    """The options by which all these commands say which bot is meant."""
    return _config_option(_run_dir_option(command))


def run_dir_of(given: Path | None, config_file: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """What the command line says, else the environment, else the configuration; without one, the working
    directory if a bot's files are there. Whoever wants to stop a bot may have a configuration that is just
    being edited: it need not be right.

    :raises ConfigErrors: if nothing says it.
    """
    if given is not None:
        return given
    if VARIABLE in environment:
        return Path(environment[VARIABLE])
    if config_file == DEFAULT_CONFIG and not config_file.exists():
        return _here()
    from mm.config.document import compose
    from mm.config.model import Config
    from mm.config.text import read_text

    data = compose(read_text(config_file), str(config_file)).data
    said = data.get("run_dir") if isinstance(data, dict) else None
    return Path(said if isinstance(said, str) and said else Config.model_fields["run_dir"].default)


def _here() -> Path:
    """Whoever types `kmm kill` in the wrong place must learn at once what to say instead."""
    if Path(LOCK).exists():
        return Path()
    from mm.config.errors import ConfigError, ConfigErrors

    text = "not here, nor are a bot's files: go to its run directory, or say --run-dir or --config"
    raise ConfigErrors([ConfigError(str(DEFAULT_CONFIG), None, None, "", text)])


def config_of(said: Path, run_dir: Path) -> Path:
    """Where none is said and none is here, the configuration of the run that is or was last in ``run_dir``:
    so a command that needs it works inside a run directory, too."""
    if said != DEFAULT_CONFIG or said.exists():
        return said
    from mm.app.last_run import read_former

    run = read_former(run_dir).run
    return Path(run.config) if run is not None and run.config else said


def end(name: str, text: str, code: int, as_json: bool = False) -> NoReturn:
    """One line that says why, and the exit code. Texts of files and exchange move no cursor."""
    from mm.observe.log import escape

    if as_json:
        click.echo(json.dumps({"ok": False, "code": code, "error": text}))
    else:
        click.echo(escape(f"kmm {name}: {text}"), err=True)
    raise SystemExit(code)


@contextmanager
def ends_well_or(name: str, as_json: bool = False) -> Iterator[None]:
    """What cannot be done is one line and an exit code."""
    from mm.app.errors import CannotRun
    from mm.observe.append import StorageError

    try:
        yield
    except CannotRun as problem:
        end(name, str(problem), problem.exit_code, as_json)
    except (StorageError, OSError) as problem:
        end(name, str(problem), 1, as_json)


def ask_or_end(name: str, run_dir: Path, request: Request, as_json: bool = False) -> Answer:
    """The answer of the bot that runs there; otherwise this is the end, with 3 if none does."""
    from mm.app.control_client import NotRunning, ask
    from mm.app.errors import NOT_PROVEN

    try:
        answer = ask(run_dir, request)
    except NotRunning:
        end(name, f"nothing runs in {run_dir}", NOT_PROVEN, as_json)
    if not answer["ok"]:
        end(name, answer["error"], answer["code"], as_json)
    return answer


def show(answer: Answer, text: str, as_json: bool) -> None:
    """The whole answer for programs, a line for people."""
    from mm.observe.log import escape

    click.echo(json.dumps(answer) if as_json else escape(text))
