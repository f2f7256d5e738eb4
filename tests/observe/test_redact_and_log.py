"""Secrets and hostile texts: nothing of the first, and no second line from the others."""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import re
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mm.observe.files import LineFile
from mm.observe.log import RunLog, escape, is_system_journal
from mm.observe.redact import HIDDEN, NAMES_KEPT, Redactor
from tests.observe.test_files import wait_until

SECRET = 'pa"ss\\wörd+/= 123'
PEM_BODY = "MIIEpAIBAAKCAQEA7yn3\nQmFzZTY0Ym9keQ+/abcd"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{PEM_BODY}\n-----END RSA PRIVATE KEY-----\n"
FORMS = {
    "plain": SECRET,
    "json": json.dumps(SECRET),
    "json, not ascii": json.dumps(SECRET, ensure_ascii=False),
    "repr": repr(SECRET),
    "url": quote(SECRET, safe=""),
    "url path": quote(SECRET),
    "form": quote_plus(SECRET),
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 for urls": base64.urlsafe_b64encode(SECRET.encode()).decode(),
    "base64 without padding": base64.b64encode(SECRET.encode()).decode().rstrip("="),
}


def log_to(path: Path, **settings: object) -> RunLog:
    redactor = Redactor([SECRET, PEM])
    return RunLog({"DEFAULT": LineFile(path)}, redactor=redactor, environment={}, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", FORMS)
def test_a_registered_secret_is_hidden_in_every_form(form: str) -> None:
    redactor, leak = Redactor([SECRET]), FORMS[form]
    text = f"before {leak} after"
    assert leak.strip("'\"") not in redactor.text(text)
    assert re.fullmatch(rf"before ['\"]?{re.escape(HIDDEN)}=*['\"]? after", redactor.text(text))
    assert leak.strip("'\"").encode() not in redactor.line(text.encode())


@pytest.mark.parametrize(
    "leak",
    [
        PEM,
        PEM[:60],
        "QmFzZTY0Ym9keQ+/abcd",
        PEM.replace("\n", "\\n"),
        "-----BEGIN EC PRIVATE KEY-----\nunknown to us\n-----END EC PRIVATE KEY-----",
    ],
)
def test_no_part_of_a_key_file_is_shown(leak: str) -> None:
    shown = Redactor([PEM]).text(f"x {leak} y")
    for part in ("MIIE", "QmFz", "unknown", "BEGIN", "abcd"):
        assert part not in shown


@pytest.mark.parametrize(
    "leak",
    [
        "KALSHI-ACCESS-SIGNATURE: c2lnbmF0dXJl",
        "{'KALSHI-ACCESS-KEY': 'c2lnbmF0dXJl', 'x': 1}",
        '{"kalshi-access-signature":"c2lnbmF0dXJl"}',
        "Authorization: Bearer c2lnbmF0dXJl",
    ],
)
def test_headers_that_carry_credentials_are_hidden_without_being_registered(leak: str) -> None:
    assert "c2ln" not in Redactor().text(leak)


@given(st.text(min_size=4), st.text(), st.text())
@example("pass-----word", "", "")  # was taken for the border of a key file, which nobody needs to hide
@example("-----", "", "")
def test_a_secret_never_survives_in_a_record(secret: str, before: str, after: str) -> None:
    redactor = Redactor([secret])
    record = redactor.value(
        {"a": [before + secret + after, {"b": (secret,)}], "c": secret.encode("utf-8", "replace")}
    )
    flat = [record["a"][0], record["a"][1]["b"][0]]  # type: ignore[index]
    assert all(secret not in value or secret in HIDDEN for value in flat)


def test_a_name_that_was_harmless_is_hidden_once_it_is_a_secret() -> None:
    redactor = Redactor()
    record = {"hunter-two": 1, "password": SECRET, "price": 0.5}
    for _ in range(2):
        assert redactor.value(record) == {"hunter-two": 1, "password": HIDDEN, "price": 0.5}
    redactor.register("hunter-two")
    assert redactor.value(record) == {HIDDEN: 1, "password": HIDDEN, "price": 0.5}


def test_names_that_never_end_are_not_all_remembered() -> None:
    redactor = Redactor()
    for number in range(NAMES_KEPT + 1):
        redactor.value({f"token-{number}": SECRET, f"name-{number}": 1})
    assert redactor.value({"token-0": SECRET, "name-0": 1}) == {"token-0": HIDDEN, "name-0": 1}
    assert len(redactor._names) <= NAMES_KEPT


def test_a_secret_too_short_to_hide_is_refused_and_none_is_shown_by_repr() -> None:
    with pytest.raises(ValueError, match="fewer than 4"):
        Redactor(["abc"])
    assert "wörd" not in repr(Redactor([SECRET]))


def test_tracebacks_are_redacted(tmp_path: Path) -> None:
    log = log_to(tmp_path / "x.log")
    try:
        raise RuntimeError(f"cannot log in with {SECRET}")
    except RuntimeError:
        log.logger.exception("boom", headers={"password": "x", "deep": [PEM]})
    log.close()
    text = (tmp_path / "x.log").read_text()
    line = json.loads(text)
    assert line["level"] == "error" and "RuntimeError: cannot log in with [redacted]" in line["exception"]
    assert line["headers"] == {"password": HIDDEN, "deep": [HIDDEN + "\n"]}
    assert "wörd" not in text and "MIIE" not in text


@given(st.lists(st.text(), max_size=20))
@pytest.mark.parametrize("form", ["json", "console"])
def test_lines_in_are_lines_out(
    tmp_path_factory: pytest.TempPathFactory, form: str, texts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("log") / "x.log"
    log = log_to(path, form=form)
    for text in texts:
        log.logger.info("event", message=text, nested={text: [text]})
    log.close()
    data = path.read_bytes()
    assert data.count(b"\n") == len(data.splitlines()) == len(texts)
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f-\xff]", data)


def test_escapes_show_what_they_hide() -> None:
    assert escape("a\x1b[31m\u202eb\r\n\x9b") == "a\\u001b[31m\\u202eb\\u000d\\u000a\\u009b"
    assert escape("Größe 😀") == "Größe 😀"


def test_levels_are_filtered_and_a_moment_can_be_given(tmp_path: Path) -> None:
    log = log_to(tmp_path / "x.log", level="warning")
    log.logger.info("quiet")
    log.logger.warning("loud", ts=1_790_000_000_000_000_000, price=float("nan"))
    log.close()
    lines = [json.loads(line) for line in (tmp_path / "x.log").read_text().splitlines()]
    assert lines == [
        {
            "timestamp": "2026-09-21T14:13:20.000000Z",
            "level": "warning",
            "logger": "mm",
            "event": "loud",
            "price": "nan",
        }
    ]


def test_libraries_speak_through_the_same_log(tmp_path: Path) -> None:
    log = log_to(tmp_path / "x.log")
    logging.getLogger("websockets.client").warning("closed %s", SECRET)
    log.close()
    logging.getLogger("websockets.client").warning("after the end")
    lines = [json.loads(line) for line in (tmp_path / "x.log").read_text().splitlines()]
    assert [(line["logger"], line["event"]) for line in lines] == [("websockets.client", f"closed {HIDDEN}")]


def test_prefixes_only_for_the_journal_of_the_system(tmp_path: Path) -> None:
    path = tmp_path / "stdout"
    with path.open("w+") as stream:
        found = os.fstat(stream.fileno())
        here = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        assert is_system_journal(stream, here)
        assert not is_system_journal(stream, {})
        assert not is_system_journal(stream, {"JOURNAL_STREAM": "1:2"})
        assert not is_system_journal(io.StringIO(), here)
        for lines, environment in enumerate((here, {}), 1):
            log = RunLog({}, redactor=Redactor(), stream=stream, environment=environment)
            log.logger.error("api_error")
            wait_until(lambda lines=lines: path.read_bytes().count(b"\n") == lines)  # type: ignore[misc]
            log.close()
        stream.seek(0)
        first, second = stream.read().splitlines()
    assert first.startswith('<3>{"timestamp"') and second.startswith('{"timestamp"')


def test_a_terminal_that_went_away_does_not_stop_the_file(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w")
    log = log_to(tmp_path / "x.log", stream=stream)
    log.logger.info("one")
    log.logger.info("two")
    outlet = log.sink.outlet
    assert outlet is not None
    wait_until(lambda: outlet._is_gone)
    log.close()
    stream.close()
    lines = [json.loads(line) for line in (tmp_path / "x.log").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["one", "two"], "nobody reads: nothing is missed"
