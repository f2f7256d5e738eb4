"""The search for secrets finds what it looks for, in every form, and cries wolf for nothing."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
from pathlib import Path
from urllib.parse import quote

import pytest

from tests import canary

# Found wherever the hook at the end of the session looks, it would fail the session: so it is not planted.
SECRET = "only+here/=9d&2"
WRITTEN = {
    "plain": SECRET,
    "json": json.dumps({"text": f'say "{SECRET}" é'}),
    "url": f"https://u:{quote(SECRET, safe='')}@host/?a=1",
    "base64": base64.b64encode(f"user:{SECRET}".encode()).decode(),
    "base64, one later": base64.b64encode(f"users:{SECRET}".encode()).decode(),
    "base64, two later": base64.urlsafe_b64encode(f"a user:{SECRET} and more".encode()).decode(),
    "traceback": f"Traceback\n  raise OSError('{SECRET}')\nOSError: {SECRET}\n",
}


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "_planted", {SECRET})


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("form", WRITTEN)
def test_each_form_is_found(tmp_path: Path, form: str) -> None:
    (tmp_path / "a.log").write_text("nothing\n" * 10 + WRITTEN[form])
    assert canary.hits(tmp_path) == ["a.log holds only+h..."]


@pytest.mark.usefixtures("planted")
def test_packed_files_and_names_are_looked_into(tmp_path: Path) -> None:
    (tmp_path / "a.1.gz").write_bytes(gzip.compress(SECRET.encode()))
    (tmp_path / quote(SECRET, safe="")).mkdir()
    assert len(canary.hits(tmp_path)) == 2


def test_a_directory_that_goes_while_one_looks_holds_nothing(tmp_path: Path) -> None:
    """A process may still end that has its files there."""
    (tmp_path / "gone" / "deeper").mkdir(parents=True)
    (tmp_path / "gone" / "a.log").touch()
    search = canary.everything(tmp_path)
    assert next(search) == tmp_path / "gone"
    shutil.rmtree(tmp_path / "gone")
    assert list(search) == []


@pytest.mark.usefixtures("planted")
def test_a_key_file_may_hold_its_key_and_other_text_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "private.pem").write_text(SECRET)
    (tmp_path / "a.log").write_text("only here, [redacted]\n")
    assert canary.hits(tmp_path) == []


def test_of_a_private_key_every_line_is_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(canary, "_planted", set())
    lines = [letter * 64 for letter in "abc"]
    canary.plant("-----BEGIN PRIVATE KEY-----\n" + "\n".join(lines) + "\n-----END PRIVATE KEY-----\n")
    (tmp_path / "a.log").write_text(f"key: {lines[1]}")
    assert canary.planted() == set(lines)
    assert len(canary.hits(tmp_path)) == 1


def test_the_planted_secrets_look_different_in_each_form() -> None:
    """Else the search for one form would prove nothing about the others."""
    for secret in (canary.KEY_ID, canary.PASSWORD, canary.TOKEN):
        assert len(canary.forms(secret)) >= 6
