"""What must be right before a service file is put in place, tried as the account that will run it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from mm.app.installation import UNIT, Machine
from mm.config.credentials import KEY_ID, KEY_PATH
from mm.config.model import Config
from mm.kalshi.key_file import KeyFileError, load_private_key

CREDENTIAL_STORE: Final = Path("/etc/credstore/kalshi.pem")
PATIENCE_SECONDS: Final = 60
LONGEST_QUOTE: Final = 500


class Check(NamedTuple):
    """``text`` says what was found, or what to do."""

    name: str
    is_well: bool
    text: str


def checks(machine: Machine, config: Config, text: str) -> Iterator[Check]:
    """All of them, whatever the earlier ones say. ``text``: the service file as it would be installed."""
    try:
        account = pwd.getpwnam(machine.account)
    except KeyError:
        hint = f"no user {machine.account}: useradd --system --shell /usr/sbin/nologin {machine.account}"
        yield Check("account", False, hint)
        return
    yield Check("account", True, f"{machine.account} ({account.pw_uid})")
    yield _program(machine, account.pw_uid)
    yield _run_dir(machine, account.pw_uid)
    yield _money(machine, config)
    yield _key(machine, config, account.pw_uid)
    yield _unit(text, machine) if machine.kind != "supervisor" else _log_directory(text)


def _as_account(uid: int, *command: str, directory: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run it as the account; as ourselves, if we may not."""
    other = uid if os.geteuid() == 0 and uid != 0 else None
    try:
        return subprocess.run(
            command,
            cwd=directory,
            user=other,
            group=other and pwd.getpwuid(other).pw_gid,
            extra_groups=[] if other else None,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return subprocess.CompletedProcess(command, 127, "", str(problem))


def _program(machine: Machine, uid: int) -> Check:
    """It starts, it may read the code and the configuration, and that is right."""
    command = (str(machine.program), "verify-config", "--config", str(machine.config))
    done = _as_account(uid, *command, directory=machine.directory)
    if done.returncode:
        return Check("program", False, f"as {machine.account}: {_last_words(done) or done.returncode}")
    return Check("program", True, f"{machine.program} runs, {machine.config} is right")


def _run_dir(machine: Machine, uid: int) -> Check:
    hint = f"install -d -o {machine.account} -m 0750 {machine.run_dir}"
    if not machine.run_dir.is_dir():
        return Check("run directory", False, f"{machine.run_dir} does not exist: {hint}")
    if _as_account(uid, "test", "-w", str(machine.run_dir)).returncode:
        return Check("run directory", False, f"{machine.account} cannot write in {machine.run_dir}: {hint}")
    return Check("run directory", True, f"{machine.run_dir} can be written")


def _money(machine: Machine, config: Config) -> Check:
    environment = config.exchange.environment
    if environment == "production" and not machine.live:
        return Check("environment", False, "production is real money: say so with --live")
    return Check("environment", True, environment)


def _key(machine: Machine, config: Config, uid: int) -> Check:
    if config.exchange.environment == "simulated":
        return Check("key", True, "the simulated exchange makes its own")
    named = _names_in(machine.environment)
    if KEY_ID not in named:
        return Check("key", False, f"{machine.environment} has no line {KEY_ID}=...")
    if machine.kind == "supervisor":
        is_said = KEY_PATH in named
        return Check(
            "key", is_said, f"{machine.environment} {'says' if is_said else 'does not say'} {KEY_PATH}"
        )
    if machine.key is None and machine.kind == "user":
        return Check("key", False, "--key FILE says which it is")
    path = machine.key or CREDENTIAL_STORE
    try:
        load_private_key(path, uid)
    except KeyFileError as problem:
        return Check("key", False, f"{problem}; --key FILE says which it is")
    return Check("key", True, f"{path} can be used, and by nobody else")


def _names_in(environment: Path) -> set[str]:
    """Which variables the environment file sets; their values are nobody's business here."""
    try:
        lines = environment.read_text().splitlines()
    except OSError:
        return set()
    return {line.partition("=")[0].strip() for line in lines if "=" in line}


def _log_directory(text: str) -> Check:
    """supervisord does not start a program whose log it cannot open."""
    said = next(line for line in text.splitlines() if line.startswith("stdout_logfile="))
    directory = Path(said.partition("=")[2]).parent
    found = "is there" if directory.is_dir() else "does not exist: is supervisor installed?"
    return Check("log directory", directory.is_dir(), f"{directory} {found}")


def _unit(text: str, machine: Machine) -> Check:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return Check("unit", True, "not verified: there is no systemd-analyze here")
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / UNIT
        path.write_text(text)
        scope = ["--user"] if machine.kind == "user" else []
        surroundings = {"XDG_RUNTIME_DIR": directory, **os.environ}  # without one it does not even look
        command = [analyze, *scope, "verify", str(path)]
        done = subprocess.run(command, env=surroundings, capture_output=True, text=True)
    said = _last_words(done)
    is_well = done.returncode == 0 and not said
    return Check("unit", is_well, said or "systemd-analyze verify has no objection")


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr.strip() or (done.stdout.strip() if done.returncode else ""))[-LONGEST_QUOTE:]
