"""The service files of the repository, filled in for one machine: the same text, at other places.

Nothing is generated: what is installed is the reviewed file with some of its values replaced, and whoever
edits the file by hand edits the same lines.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["system", "user", "supervisor"]
REPOSITORY: Final = Path(__file__).resolve().parents[2]
UNIT: Final = "kalshi-market-maker.service"
PROGRAM: Final = "supervisor-kalshi-mm.conf"
FIRST_WORDS: Final = ("# systemd unit of the market maker.", "; supervisord program of the market maker.")
# A path of these characters means itself to systemd, supervisord and a shell alike.
PLAIN: Final = re.compile(r"[A-Za-z0-9._/@+-]+")
HOMES: Final = (Path("/home"), Path("/root"), Path("/run/user"))
TEMPORARY: Final = (Path("/tmp"), Path("/var/tmp"))
# What only the system's own manager may do for a service (mounts, capabilities, other users).
SYSTEM_ONLY: Final = frozenset(
    {
        *("User", "Group", "ReadWritePaths", "CapabilityBoundingSet", "AmbientCapabilities", "RemoveIPC"),
        *("ProtectSystem", "ProtectHome", "ProtectClock", "ProtectControlGroups", "ProtectHostname"),
        *("ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables", "ProtectProc", "ProcSubset"),
        *("PrivateTmp", "PrivateDevices", "PrivateUsers", "PrivateIPC", "PrivateMounts", "DevicePolicy"),
    }
)


class InstallError(Exception):
    """It cannot be installed; one clear line."""


@dataclass(frozen=True)
class Machine:
    """Where everything is. ``interpreter``: the Python that the virtual environment was made of. ``key``: the
    private key's file, if it is not where systemd looks by itself. ``live``: add ``--live``."""

    kind: Kind
    account: str
    group: str
    directory: Path
    program: Path
    interpreter: Path
    config: Path
    run_dir: Path
    environment: Path
    key: Path | None = None
    live: bool = False


def template(kind: Kind) -> str:
    """The file of the repository.

    :raises InstallError: if it is not there (installed without its repository).
    """
    path = REPOSITORY / (PROGRAM if kind == "supervisor" else UNIT)
    try:
        return path.read_text()
    except OSError as error:
        raise InstallError(f"{path}: {error.strerror}; install from the repository") from None


def own_settings(environment: Mapping[str, str] = os.environ) -> Path:
    """Where a user's own settings are (XDG base directories)."""
    return Path(environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME", "/")) / ".config")


def target(kind: Kind, environment: Mapping[str, str] = os.environ) -> Path:
    """Where it belongs on this machine."""
    places: dict[Kind, Path] = {
        "system": Path("/etc/systemd/system") / UNIT,
        "user": own_settings(environment) / "systemd/user" / UNIT,
        "supervisor": Path("/etc/supervisor/conf.d") / PROGRAM,
    }
    return places[kind]


def filled_in(machine: Machine) -> str:
    """The text to install.

    :raises InstallError: if a path or a name cannot stand in it as it is.
    """
    for value in (machine.account, machine.group, *_paths(machine)):
        if not PLAIN.fullmatch(str(value)):
            allowed = "only letters, digits and . _ - + @ / may stand in a service file's paths"
            raise InstallError(f"{str(value)!r}: {allowed}")
    changes = _of_supervisor(machine) if machine.kind == "supervisor" else _of_systemd(machine)
    return replaced(template(machine.kind), changes)


def replaced(text: str, changes: Mapping[str, str | None]) -> str:
    """``text`` with the values of these keys replaced; ``None`` takes the line out.

    :raises InstallError: if a key is not in the text.
    """
    lines, unused = [], set(changes)
    for line in text.splitlines():
        key = line.partition("=")[0]
        unused.discard(key)
        value = changes.get(key, line)
        if value is not None:
            lines.append(line if key not in changes else f"{key}={value}")
    if unused:
        raise InstallError(f"the service file has no {', '.join(sorted(unused))} any more")
    return "\n".join(lines) + "\n"


def is_ours(text: str) -> bool:
    return text.startswith(FIRST_WORDS)


def _paths(machine: Machine) -> list[Path]:
    code = [machine.directory, machine.program, machine.interpreter]
    data = [machine.config, machine.run_dir, machine.environment, *([machine.key] if machine.key else [])]
    return [*code, *data]


def _command(machine: Machine) -> str:
    return f"{machine.program} run --config {machine.config}" + (" --live" if machine.live else "")


def _of_systemd(machine: Machine) -> dict[str, str | None]:
    changes: dict[str, str | None] = {
        "Documentation": f"file:{REPOSITORY}/docs/running.md",
        "WorkingDirectory": str(machine.directory),
        "ExecStart": _command(machine),
        "EnvironmentFile": f"-{machine.environment}",
        "LoadCredential": "kalshi.pem" if machine.key is None else f"kalshi.pem:{machine.key}",
    }
    if machine.kind == "user":
        handed_over = {} if machine.key else {"LoadCredential": None}
        return {**changes, **dict.fromkeys(SYSTEM_ONLY), **handed_over, "WantedBy": "default.target"}
    changes |= {"User": machine.account, "Group": machine.group, "ReadWritePaths": str(machine.run_dir)}
    if _is_below(machine, HOMES):
        changes["ProtectHome"] = "read-only"
    if _is_below(machine, TEMPORARY):
        changes["PrivateTmp"] = "no"
    return changes


def _of_supervisor(machine: Machine) -> dict[str, str | None]:
    settings = machine.environment
    sourced = f"if [ -e {settings} ]; then set -a; . {settings}; set +a; fi"
    return {
        "user": machine.account,
        "directory": str(machine.directory),
        "command": f'/bin/sh -c "{sourced}; exec {_command(machine)}"',
    }


def _is_below(machine: Machine, tops: tuple[Path, ...]) -> bool:
    return any(path.is_relative_to(top) for path in _paths(machine) for top in tops)
