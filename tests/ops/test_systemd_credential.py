"""The key as systemd hands it over: what is accepted there, and only there. Real mounts, in a namespace of
their own that ends with the test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mm.config.credentials import Credentials, read_credentials
from mm.config.errors import ConfigErrors
from mm.kalshi.key_file import KeyFileError, load_private_key

STORY = """
set -eu
mount -t tmpfs -o mode={directory:o} tmpfs {place}
cp {key} {place}/kalshi.pem
chmod {file:o} {place}/kalshi.pem
{remount}
exec {python} -c '
import sys; from pathlib import Path; from mm.kalshi.key_file import KeyFileError, load_private_key
try: load_private_key(Path("{place}/kalshi.pem"))
except KeyFileError as problem: sys.exit(str(problem))
'
"""
READ_ONLY = "mount -o remount,ro {place}"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    key = Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o400)
    return path


def can_mount() -> bool:
    tried = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return bool(shutil.which("unshare")) and not subprocess.run(tried, capture_output=True).returncode


@pytest.mark.skipif(not can_mount(), reason="mounting needs root and unshare(1)")
@pytest.mark.parametrize(
    ("directory", "file", "is_read_only", "is_named", "refusal"),
    [
        (0o500, 0o400, True, True, ""),
        (0o550, 0o440, True, True, ""),
        (0o550, 0o400, True, False, ""),
        (0o550, 0o440, True, False, "group or others have access"),
        (0o550, 0o440, False, True, "group or others have access"),
        (0o555, 0o440, True, True, "group or others have access"),
        (0o550, 0o444, True, True, "group or others have access"),
        (0o550, 0o460, True, True, "group or others have access"),
        (0o770, 0o440, True, True, "group or others can write in it"),
    ],
)
def test_the_group_may_read_only_where_nobody_can_write(
    key: Path, directory: int, file: int, is_read_only: bool, is_named: bool, refusal: str
) -> None:
    place = key.parent / "credentials"
    place.mkdir()
    remount = READ_ONLY.format(place=place) if is_read_only else ""
    story = STORY.format(
        directory=directory, place=place, key=key, file=file, remount=remount, python=sys.executable
    )
    named = {"CREDENTIALS_DIRECTORY": str(place if is_named else place.parent)}
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", story],
        env={**os.environ, **named},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
    )
    assert (refusal in done.stderr) if refusal else (done.returncode, done.stderr) == (0, ""), done.stderr
    assert bool(done.returncode) == bool(refusal)


def test_a_writable_place_is_not_systemds_whatever_the_environment_says(key: Path) -> None:
    key.chmod(0o440)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_private_key(key, environment={"CREDENTIALS_DIRECTORY": str(key.parent)})


def test_what_systemd_hands_over_is_taken_unless_a_path_is_said(key: Path) -> None:
    handed_over = key.rename(key.with_name("kalshi.pem"))
    environment = {"KALSHI_API_KEY_ID": "my-key", "CREDENTIALS_DIRECTORY": str(key.parent)}
    assert read_credentials(environment) == Credentials("my-key", handed_over)
    said = {**environment, "KALSHI_PRIVATE_KEY_PATH": "/other.pem"}
    assert read_credentials(said) == Credentials("my-key", Path("/other.pem"))
    handed_over.unlink()
    with pytest.raises(ConfigErrors, match="KALSHI_PRIVATE_KEY_PATH: missing"):
        read_credentials(environment)
    assert read_credentials({"CREDENTIALS_DIRECTORY": str(key.parent)}) is None


def test_a_key_without_its_id_is_told(key: Path) -> None:
    key.rename(key.with_name("kalshi.pem"))
    with pytest.raises(
        ConfigErrors, match=r"KALSHI_API_KEY_ID: missing, but the credential kalshi\.pem is given"
    ):
        read_credentials({"CREDENTIALS_DIRECTORY": str(key.parent)})
