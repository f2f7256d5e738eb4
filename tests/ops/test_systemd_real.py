"""The unit under a real systemd, booted for it: started, reloaded, hung, killed, stopped, refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
PATIENCE_SECONDS = 600
TREES = ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified")
PRIORITIES = {"debug": "7", "info": "6", "warning": "4", "error": "3", "critical": "2"}


def obstacle() -> str:
    """Why no systemd can be booted here; empty if one can."""
    reasons = (
        (os.geteuid() != 0, "only root can boot a systemd"),
        (not all(map(shutil.which, ("systemd-nspawn", "unshare"))), "systemd-nspawn is not installed"),
        (Path("/run/systemd/system").exists(), "this machine runs systemd itself: its groups are not ours"),
        (not all(os.access(tree, os.W_OK) for tree in TREES), "no control groups of the hybrid kind"),
        ("overlay" not in Path("/proc/filesystems").read_text(), "the kernel has no overlay file system"),
        (ROOT.is_relative_to("/root") or ROOT.is_relative_to("/home"), "other users cannot read this place"),
    )
    return next((text for is_so, text in reasons if is_so), "")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if reason := obstacle():
        pytest.skip(reason)
    story = tmp_path_factory.mktemp("boot") / "story"
    story.write_text(f"#!/bin/sh\ncd {ROOT} && exec {sys.executable} {HERE / 'unit_story.py'}\n")
    story.chmod(0o755)
    command = ["unshare", "--mount", "sh", str(HERE / "boot.sh"), str(story), str(ROOT)]
    done = subprocess.run([*command, str(PATIENCE_SECONDS)], capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert lines and lines[-1].startswith("{"), done.stdout[-4_000:] + done.stderr[-2_000:]
    facts: dict[str, Any] = json.loads(lines[-1])
    return facts


def test_it_is_installed_by_one_command_and_started_when_it_quotes(found: dict[str, Any]) -> None:
    assert "FAIL" not in found["installed"]
    assert "next:" in found["installed"]
    assert found["start"] == 0
    assert found["started"]["ActiveState"] == "active"
    assert found["started"]["Type"] == "notify"
    assert found["started"]["StatusText"].startswith("active: "), "when start returns, it quotes"


def test_a_reload_keeps_the_process(found: dict[str, Any]) -> None:
    assert found["reload_kept_the_process"]


def test_a_hang_and_a_kill_are_followed_by_a_restart(found: dict[str, Any]) -> None:
    said = [str(line["MESSAGE"]) for line in found["journal"]]
    assert any("Watchdog timeout" in text for text in said)
    assert any("most recent call first" in text for text in said), "it says where it hung"
    assert any("Failed with result 'signal'" in text for text in said)


def test_a_stop_is_proven(found: dict[str, Any]) -> None:
    assert found["stopped"] == {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}
    said = " ".join(" ".join(str(line["MESSAGE"]) for line in found["journal"]).split())
    assert "books agree exactly" in said


def test_a_wrong_configuration_is_not_tried_again(found: dict[str, Any]) -> None:
    assert found["refused"] == {"ExecMainStatus": "78", "SubState": "failed"}
    restarts = [line for line in found["journal"] if "Scheduled restart job" in str(line["MESSAGE"])]
    assert len(restarts) == 2, "one for the hang, one for the kill"


def test_the_commands_about_the_service_tell_the_truth(found: dict[str, Any]) -> None:
    assert (found["status"], found["status_of_stopped"], found["uninstalled"]) == (0, 3, 0)


def test_the_journal_knows_how_grave_each_line_is_and_shows_no_prefix(found: dict[str, Any]) -> None:
    """`journalctl -p err` is the operator's; a reader of JSON must find JSON all the same.

    Only a run that hangs may break this: what the interpreter says of it comes in pieces, and a line of ours
    may fall between two of them.
    """
    lines = [line for line in found["journal"] if str(line["MESSAGE"]).startswith('{"')]
    assert lines
    for line in lines:
        assert line["PRIORITY"] == PRIORITIES[json.loads(str(line["MESSAGE"]))["level"]]
    assert {line["PRIORITY"] for line in lines} >= {"6", "4"}
