"""The service files as texts: what they promise, and how `kmm service` fills them in for a machine."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mm.app.install_checks import checks
from mm.app.installation import InstallError, Kind, Machine, filled_in, replaced, target, template
from mm.config.load import load_config
from tests.live.processes import ROOT, clean_environment

PATIENCE_SECONDS = 90
INSTALLED = Path("/opt/kalshi-market-maker")
needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def machine(kind: Kind, directory: Path = INSTALLED, **more: object) -> Machine:
    places = {
        "directory": directory,
        "program": directory / ".venv/bin/kmm",
        "interpreter": Path("/usr"),
        "config": directory / "config.yaml",
        "run_dir": directory / "logs",
        "environment": Path("/etc/kalshi-market-maker/environment"),
    }
    return Machine(**{"kind": kind, "account": "kalshi", "group": "kalshi", **places, **more})  # type: ignore[arg-type]


def values(text: str, key: str) -> list[str]:
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{key}=")]


def kmm(
    *words: str, home: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    own = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "settings")}
    return subprocess.run(
        [sys.executable, "-m", "mm", "service", *words],
        cwd=ROOT,
        env=clean_environment({**own, **(environment or {})}),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    desk = {"strategy": "top_of_book", "markets": {"series": ["KXSIMINX"]}}
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps({"version": 1, "run_dir": str(tmp_path / "run"), "desks": {"DEFAULT": desk}}))
    return path


# -- the unit -------------------------------------------------------------------------------------------
def test_the_unit_promises_what_the_manual_says() -> None:
    text = template("system")
    promises = {
        "Type": "notify",
        "NotifyAccess": "main",
        "Restart": "on-failure",
        "StartLimitIntervalSec": "300",
        "StartLimitBurst": "5",
        "KillMode": "mixed",
        "LoadCredential": "kalshi.pem",
        "ExecReload": "/bin/kill -HUP $MAINPID",
    }
    assert {key: values(text, key) for key in promises} == {key: [value] for key, value in promises.items()}
    assert set(values(text, "RestartPreventExitStatus")[0].split()) == {"4", "11", "78"}


@pytest.mark.parametrize("kind", ["system", "supervisor"])
def test_every_line_that_a_person_edits_stands_where_it_says_so(kind: Kind) -> None:
    """But for comments and the manual's address, no path of the machine stands anywhere else."""
    _, edit, rest = template(kind).partition("-- EDIT")
    inside, end, after = rest.partition("-- END OF EDIT")
    assert edit and end and str(INSTALLED) in inside
    assert "kalshi-market-maker/" not in after
    assert "kalshi\n" not in after


@needs_analyze
@pytest.mark.parametrize("kind", ["system", "user"])
def test_systemd_has_no_objection_to_the_unit(kind: Kind, tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "kmm"
    unit = tmp_path / "kalshi-market-maker.service"
    unit.write_text(filled_in(machine(kind, ROOT, program=program)))
    scope = ["--user"] if kind == "user" else []
    done = subprocess.run(
        ["systemd-analyze", *scope, "verify", str(unit)],
        env={"XDG_RUNTIME_DIR": str(tmp_path), **os.environ},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_analyze
def test_the_unit_is_exposed_by_no_more_than_one_and_a_half() -> None:
    """Control X11: 1.5 of 10; systemd-analyze counts in tenths."""
    unit = str(ROOT / "kalshi-market-maker.service")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=15", unit]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


# -- filled in for a machine ----------------------------------------------------------------------------
def test_only_paths_and_names_differ_from_the_file_of_the_repository() -> None:
    text = template("system").replace("--config config.yaml", f"--config {INSTALLED}/config.yaml")
    assert filled_in(machine("system")) == text.replace(f"{INSTALLED}/docs", f"{ROOT}/docs")
    elsewhere = filled_in(machine("system", Path("/srv/mm"), account="maker", live=True))
    assert str(INSTALLED) not in elsewhere.replace(str(ROOT), "")
    assert values(elsewhere, "User") == ["maker"]
    assert values(elsewhere, "ExecStart") == ["/srv/mm/.venv/bin/kmm run --config /srv/mm/config.yaml --live"]
    assert values(elsewhere, "ReadWritePaths") == ["/srv/mm/logs"]
    assert values(elsewhere, "ProtectHome") == ["yes"]


def test_a_home_and_a_temporary_directory_stay_reachable_if_it_lives_there() -> None:
    at_home = filled_in(machine("system", Path("/home/me/mm")))
    assert (values(at_home, "ProtectHome"), values(at_home, "PrivateTmp")) == (["read-only"], ["yes"])
    at_home = filled_in(machine("system", interpreter=Path("/root/.pyenv/versions/3.11.7")))
    assert values(at_home, "ProtectHome") == ["read-only"]
    temporary = filled_in(machine("system", run_dir=Path("/tmp/run")))
    assert values(temporary, "PrivateTmp") == ["no"]


def test_a_unit_of_ones_own_has_nothing_that_only_the_machines_manager_may_do() -> None:
    text = filled_in(machine("user"))
    for key in ("User", "Group", "ProtectSystem", "PrivateUsers", "CapabilityBoundingSet", "LoadCredential"):
        assert not values(text, key)
    assert values(text, "WantedBy") == ["default.target"]
    assert values(text, "WatchdogSec") == values(template("user"), "WatchdogSec")
    with_key = filled_in(machine("user", key=Path("/home/me/kalshi.pem")))
    assert values(with_key, "LoadCredential") == ["kalshi.pem:/home/me/kalshi.pem"]


def test_the_supervisor_program_is_filled_in_too() -> None:
    text = filled_in(machine("supervisor", Path("/srv/mm"), account="maker"))
    assert str(INSTALLED) not in text
    assert (values(text, "user"), values(text, "directory")) == (["maker"], ["/srv/mm"])
    assert values(text, "command")[0].endswith('exec /srv/mm/.venv/bin/kmm run --config /srv/mm/config.yaml"')


@pytest.mark.parametrize(
    "place", ["/srv/my bot", "/srv/%h", "/srv/$HOME", '/srv/"', "/srv/a;b", "/srv/a\nUser=root"]
)
@pytest.mark.parametrize("kind", ["system", "user", "supervisor"])
def test_a_path_that_would_mean_something_else_is_refused(kind: Kind, place: str) -> None:
    with pytest.raises(InstallError, match="only letters, digits"):
        filled_in(machine(kind, Path(place)))


def test_a_line_that_has_gone_from_the_file_is_told() -> None:
    with pytest.raises(InstallError, match="no Nonsense any more"):
        replaced("[Service]\nType=notify\n", {"Nonsense": "1"})


# -- the checks, and the command ------------------------------------------------------------------------
def found(
    place: Machine, config: Path, environment: dict[str, str] | None = None
) -> dict[str, tuple[bool, str]]:
    loaded = load_config(config, environment or {})
    return {check.name: (check.is_well, check.text) for check in checks(place, loaded, filled_in(place))}


def here(config: Path, **more: object) -> Machine:
    me = {"account": getpass.getuser(), "program": Path(sys.executable).parent / "kmm"}
    return machine("user", ROOT, **{**me, "config": config, "run_dir": config.parent / "run", **more})


def test_what_is_right_is_said_to_be_right(config: Path) -> None:
    assert all(is_well for is_well, _ in found(here(config), config).values())


def test_every_check_can_fail(config: Path, tmp_path: Path) -> None:
    assert not found(here(config, account="nobody-of-this-name"), config)["account"][0]
    assert not found(here(config, run_dir=tmp_path / "missing"), config)["run directory"][0]
    assert not found(here(config, program=tmp_path / "missing"), config)["program"][0]
    real = {"KMM__exchange__environment": "production"}
    assert found(here(config), config, real)["environment"] == (
        False,
        "production is real money: say so with --live",
    )
    is_well, text = found(here(config, environment=tmp_path / "none"), config, real)["key"]
    assert (is_well, "KALSHI_API_KEY_ID" in text) == (False, True)
    told = tmp_path / "environment"
    told.write_text("KALSHI_API_KEY_ID=secret-id\n")
    loose = tmp_path / "loose.pem"
    loose.write_text("")
    loose.chmod(0o644)
    is_well, text = found(here(config, environment=told, key=loose), config, real)["key"]
    assert (is_well, "chmod 600" in text, "secret-id" in text) == (False, True, False)


@needs_analyze
def test_installed_looked_at_and_removed(config: Path, tmp_path: Path) -> None:
    words = ("--user", "--config", str(config))
    tried = kmm("install", *words, "--dry-run", home=tmp_path)
    assert tried.returncode == 0, tried.stderr
    path = target("user", {"XDG_CONFIG_HOME": str(tmp_path / "settings")})
    assert not path.exists()
    done = kmm("install", *words, home=tmp_path)
    assert (done.returncode, path.read_text()) == (0, tried.stdout), done.stderr
    assert "systemctl --user enable --now kalshi-market-maker" in done.stdout
    assert path.stat().st_mode & 0o777 == 0o644
    assert f"installed: {path}" in kmm("status", "--user", home=tmp_path).stdout
    assert kmm("uninstall", "--user", home=tmp_path).returncode == 0
    assert not path.exists()
    assert kmm("uninstall", "--user", home=tmp_path).returncode == 2
    assert kmm("status", "--user", home=tmp_path).returncode == 2


def test_a_unit_that_somebody_else_wrote_is_not_removed(tmp_path: Path) -> None:
    path = target("user", {"XDG_CONFIG_HOME": str(tmp_path / "settings")})
    path.parent.mkdir(parents=True)
    path.write_text("[Service]\nExecStart=/bin/true\n")
    assert kmm("uninstall", "--user", home=tmp_path).returncode == 4
    assert path.exists()


def test_nothing_is_written_if_something_is_wrong(config: Path, tmp_path: Path) -> None:
    (tmp_path / "run").rmdir()
    done = kmm("install", "--user", "--config", str(config), home=tmp_path)
    assert (done.returncode, "FAIL  run directory" in done.stderr) == (1, True)
    config.write_text("version: 1\nnonsense: 2\n")
    assert kmm("install", "--user", "--config", str(config), home=tmp_path).returncode == 78
    assert not (tmp_path / "settings").exists()


def test_a_careful_key_passes(config: Path, tmp_path: Path) -> None:
    told, key = tmp_path / "environment", tmp_path / "key.pem"
    told.write_text("KALSHI_API_KEY_ID=an-id\n")
    made = Ed25519PrivateKey.generate()
    key.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key.chmod(0o400)
    place = here(config, environment=told, key=key)
    assert found(place, config, {"KMM__exchange__environment": "demo"})["key"][0]
