"""`kmm alerts test` as an operator runs it: what happened with each way, and nothing secret."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.alerts.servers import (
    PASSWORD,
    USER,
    Visits,
    certificate,
    for_apprise,
    free_port,
    mail_server,
    web_server,
)
from tests.live.processes import kmm, settings


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


def configured(directory: Path, port: int) -> Path:
    email = {"enabled": True, "smtp_host": "127.0.0.1", "smtp_port": port}
    addresses = {"from_email": USER, "to_email": "me@example.com"}
    return settings(directory, alerts={"email": {**email, **addresses}})


def secrets(visits: Visits, **more: str) -> Mapping[str, str]:
    return {
        "KMM_SMTP_PASSWORD": PASSWORD,
        "KMM_APPRISE_URLS": for_apprise(visits, "h00k-s3cret"),
        "KMM_DEAD_MAN_URL": f"{visits.url}/p1ng-s3cret",
        **more,
    }


def test_every_way_takes_it(tmp_path: Path, tls: tuple[ssl.SSLContext, Path]) -> None:
    with mail_server(tls[0]) as box, web_server() as visits:
        environment = secrets(visits, SSL_CERT_FILE=str(tls[1]))
        ran = kmm("alerts", "test", "--config", configured(tmp_path, box.port), environment=environment)
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert lines[0] == "mail: sent" and lines[2] == "dead_man: sent"
    assert lines[1].startswith("json-") and lines[1].endswith(": sent")
    assert box.subjects() == ["[INFO] kmm: this is a test; alerts arrive where you read this"]
    assert visits.paths() == ["/h00k-s3cret", "/p1ng-s3cret/log"]


def test_what_fails_is_told_without_a_secret_and_the_rest_is_tried(tmp_path: Path) -> None:
    with web_server() as visits:
        visits.status = 404
        path = configured(tmp_path, free_port())
        ran = kmm("alerts", "test", "--config", path, "--json", environment=secrets(visits))
    found = json.loads(ran.stdout)
    assert ran.returncode == 1 and found["ok"] is False
    assert [(way["ok"], way["text"]) for way in found["ways"]] == [
        (False, "Connection refused"),
        (False, "not accepted, or not reachable (HTTP status 404)"),
        (False, "HTTP status 404"),
    ]
    for secret in (PASSWORD, "h00k-s3cret", "p1ng-s3cret"):
        assert secret not in ran.stdout + ran.stderr


def test_no_way_at_all_is_no_success(tmp_path: Path) -> None:
    ran = kmm("alerts", "test", "--config", settings(tmp_path))
    assert ran.returncode == 1 and "docs/alerts.md" in ran.stdout


def test_a_secret_that_others_could_read_is_wrong_configuration(tmp_path: Path) -> None:
    shown = tmp_path / "password"
    shown.write_text("s3cret")
    shown.chmod(0o644)
    environment = {"KMM_SMTP_PASSWORD_FILE": str(shown)}
    ran = kmm("alerts", "test", "--config", configured(tmp_path, 25), environment=environment)
    assert ran.returncode == 78 and "chmod 600" in ran.stderr and "s3cret" not in ran.stderr
