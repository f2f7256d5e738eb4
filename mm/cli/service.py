"""`kmm service`: put the service file of this machine in its place, take it out, say how it stands."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import rich_click as click

if TYPE_CHECKING:
    from mm.app.installation import Kind, Machine

F = TypeVar("F", bound=Callable[..., Any])
ENVIRONMENT: Final = Path("/etc/kalshi-market-maker/environment")
NAME: Final = "kalshi-market-maker"
NOT_FOUND: Final = 2
NEXT: Final[dict[str, tuple[str, ...]]] = {
    "system": (
        "systemctl daemon-reload",
        f"systemctl enable --now {NAME}",
        f"systemctl status {NAME}",
        f"journalctl -u {NAME} -f",
    ),
    "user": (
        "systemctl --user daemon-reload",
        f"systemctl --user enable --now {NAME}",
        "loginctl enable-linger   # or it ends when you log out",
        f"journalctl --user -u {NAME} -f",
    ),
    "supervisor": (
        "supervisorctl reread",
        "supervisorctl update",
        f"supervisorctl status {NAME}",
        f"supervisorctl tail -f {NAME}",
    ),
}
GONE: Final[dict[str, str]] = {
    "system": "systemctl daemon-reload",
    "user": "systemctl --user daemon-reload",
    "supervisor": "supervisorctl reread && supervisorctl update",
}


def which_manager(command: F) -> F:
    """The options that say which manager is meant."""
    own = click.option("--user", "is_own", is_flag=True, help="Your own systemd instead of the machine's.")
    other = click.option(
        "--supervisor", "is_supervisor", is_flag=True, help="supervisord instead of systemd."
    )
    return own(other(command))


@click.group()
def service() -> None:
    """Install, remove and look at the service that keeps the bot running."""


@service.command()
@which_manager
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    default=Path("config.yaml"),
    show_default=True,
    help="What the service will run with.",
)
@click.option("--account", default="", help="Who runs it.  [kalshi; with --user you]")
@click.option("--key", type=click.Path(path_type=Path), help="The private key, for systemd to hand over.")
@click.option(
    "--environment",
    type=click.Path(path_type=Path),
    help=f"NAME=value lines: KALSHI_API_KEY_ID.  [{ENVIRONMENT}; with --user in your ~/.config]",
)
@click.option("--live", is_flag=True, help="Real money: needed with the production environment.")
@click.option("--dry-run", is_flag=True, help="Check, and print the file instead of writing it.")
def install(
    is_own: bool,
    is_supervisor: bool,
    config_file: Path,
    account: str,
    key: Path | None,
    environment: Path | None,
    live: bool,
    dry_run: bool,
) -> None:
    """Check everything, write the service file with this machine's paths, and say what to type next.

    Exit code 1 if a check fails, 78 if the configuration is wrong; nothing is written then.
    """
    from mm.app.install_checks import checks
    from mm.app.installation import InstallError, filled_in, target
    from mm.config.load import load_config

    kind = _kind(is_own, is_supervisor)
    config = load_config(config_file, os.environ)
    try:
        machine = _machine(kind, account, config_file, Path(config.run_dir), environment, key, live)
        text, path = filled_in(machine), target(kind)
    except InstallError as problem:
        _end(str(problem))
    found = list(checks(machine, config, text))
    for check in found:
        click.echo(f"{'ok  ' if check.is_well else 'FAIL'}  {check.name}: {check.text}", err=True)
    if dry_run:
        click.echo(text, nl=False)
    if not all(check.is_well for check in found):
        _end("nothing was written: see FAIL above")
    if not dry_run:
        _write(path, text)
        click.echo("\n".join((f"written: {path}", "next:", *(f"  {line}" for line in NEXT[kind]))))


@service.command()
@which_manager
def uninstall(is_own: bool, is_supervisor: bool) -> None:
    """Remove the service file. Refused (4) while the service runs; run directory and settings stay."""
    from mm.app.errors import REFUSED
    from mm.app.installation import is_ours, target

    kind = _kind(is_own, is_supervisor)
    path = target(kind)
    if not path.exists():
        _end(f"{path} is not there", NOT_FOUND)
    if not is_ours(path.read_text(errors="replace")):
        _end(f"{path} is not of this program's making: remove it by hand", REFUSED)
    if kind != "supervisor" and _facts(kind).get("ActiveState") in ("active", "activating", "reloading"):
        scope = " --user" if kind == "user" else ""
        _end(f"it runs: systemctl{scope} disable --now {NAME}", REFUSED)
    try:
        path.unlink()
    except OSError as error:
        _end(f"{path}: {error.strerror}")
    click.echo(f"removed: {path}\nnext:\n  {GONE[kind]}")


@service.command()
@which_manager
def status(is_own: bool, is_supervisor: bool) -> None:
    """Is it installed, and what does its manager say of it? Exit code 0: it runs; 2: not installed; 3: it
    does not run."""
    from mm.app.errors import NOT_PROVEN
    from mm.app.installation import target

    kind = _kind(is_own, is_supervisor)
    path = target(kind)
    if not path.exists():
        _end(f"not installed: {path} is not there", NOT_FOUND)
    click.echo(f"installed: {path}")
    facts = _facts(kind)
    for name, value in facts.items():
        if value:
            click.echo(f"{name}: {value}")
    if facts.get("ActiveState") not in ("active", "reloading"):
        raise SystemExit(NOT_PROVEN)


def _kind(is_own: bool, is_supervisor: bool) -> Kind:
    if is_own and is_supervisor:
        raise click.UsageError("--user is systemd's; supervisord has no such thing")
    return "supervisor" if is_supervisor else "user" if is_own else "system"


def _machine(
    kind: Kind,
    account: str,
    config: Path,
    run_dir: Path,
    environment: Path | None,
    key: Path | None,
    live: bool,
) -> Machine:
    """This machine, with every path absolute: the service starts in the directory where we stand."""
    from mm.app.installation import InstallError, Machine, own_settings

    account = account or (pwd.getpwuid(os.geteuid()).pw_name if kind == "user" else "kalshi")
    program = Path(sys.executable).parent / "kmm"
    if not os.access(program, os.X_OK):
        raise InstallError(f"{program} is not there: make setup")
    return Machine(
        kind=kind,
        account=account,
        group=_group(account),
        directory=Path.cwd(),
        program=program,
        interpreter=Path(sys.base_prefix),
        config=config.absolute(),
        run_dir=run_dir.absolute(),
        environment=(
            environment or (own_settings() / NAME / "environment" if kind == "user" else ENVIRONMENT)
        ).absolute(),
        key=key and key.absolute(),
        live=live,
    )


def _group(account: str) -> str:
    """Its own, by number if nobody named it; an account that does not exist yet is told by the checks."""
    import grp

    try:
        number = pwd.getpwnam(account).pw_gid
    except KeyError:
        return account
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _write(path: Path, text: str) -> None:
    from mm.observe.append import StorageError
    from mm.observe.replace import replace_file

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text.encode())
        path.chmod(0o644)
    except (StorageError, OSError) as problem:
        _end(f"{problem} (root writes there: sudo)")


def _facts(kind: Kind) -> dict[str, str]:
    """What the manager says; empty if it does not answer."""
    if kind == "supervisor":
        said = _said("supervisorctl", "status", NAME).split(None, 2)
        states = {"RUNNING": "active", "STARTING": "active"}
        return {"ActiveState": states.get(said[1], said[1].lower())} if len(said) > 1 else {}
    scope = ["--user"] if kind == "user" else []
    names = "ActiveState,SubState,StatusText,NRestarts,Result,UnitFileState"
    lines = _said("systemctl", *scope, "show", "-p", names, NAME).splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _said(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True).stdout


def _end(text: str, code: int = 1) -> NoReturn:
    click.echo(f"kmm service: {text}", err=True)
    raise SystemExit(code)
