"""Files that cannot be read, and words that YAML would take for something else: refused at their place."""

from __future__ import annotations

import pytest

from tests.config.helpers import GOOD, errors_of
from tests.config.short_files import limit, quoting

NUMBER = "write a plain number of at most 15 digits, such as 1000 or 0.5 (quote it if you mean text)"
BOOLEAN = "write true or false (quote it if you mean text)"
FRACTION = "a fraction, such as 0.8 for 80 %"

TEXT = [
    (b"", "c:1:1: there is nothing in it"),
    (b"# a comment\n", "c:1:1: there is nothing in it"),
    (b"just text\n", "c:1:1: the top level must be a mapping: lines of key: value"),
    (b"[1, 2]\n", "c:1:1: the top level must be a mapping: lines of key: value"),
    (b"version: 1\nname: \xff\n", "c:2:7: not UTF-8 text"),
    ("version: 1\n# \xe9\n".encode("latin-1"), "c:2:3: not UTF-8 text"),
    (b"version: 1\n\tname: x\n", "c:2:1: a tab: use spaces"),
    (b"name:\tx\n", "c:1:6: a tab: use spaces"),
    (b"name: a\x07b\n", "c:1:8: a control character (U+0007)"),
    ("# \u202e turned around\n".encode(), "c:1:3: a control character (U+202E)"),
    (b"#" * (1 << 20) + b"\n", "c: larger than 1 MiB"),
    (b"a: b: c\n", "c:1:5: not valid YAML: mapping values are not allowed here"),
    (
        b"a: [1, 2\n",
        "c:2:1: not valid YAML: expected ',' or ']', but got '<stream end>' "
        "(while parsing a flow sequence begun in line 1)",
    ),
    (b'name: "\\UFFFFFFFF"\n', "c:1:1: not valid YAML: a character that does not exist"),
    (b"a: 1\n---\nb: 2\n", "c:2:1: a second document begins here: only one is read"),
    (b"[" * 40, "c:1:18: not valid YAML: nested deeper than 16 levels"),
]

WORDS = [
    (GOOD + "name: &a kmm\n", "c:3:7: name: anchors (&name) are not used: write the value out"),
    (GOOD + "name: *a\n", "c:3:7: name: aliases (*name) are not expanded: write the value out"),
    (GOOD + "name: !!str kmm\n", "c:3:7: name: tags (!name) are not used"),
    (GOOD + "run_dir: !!python/object/apply:os.system [ls]\n", "c:3:10: run_dir: tags (!name) are not used"),
    (GOOD + "<<: {name: x}\n", "c:3:1: this key: merge keys are not used: write the values out"),
    (GOOD + "? [a, b]\n: 1\n", "c:3:3: a key must be a single word"),
    (GOOD + "1: x\n", "c:3:1: a key must be text: quote it"),
    (GOOD + "on: x\n", f"c:3:1: this key: {BOOLEAN}"),
    (GOOD + "name: a\nname: b\n", "c:4:1: name: duplicate key, first in line 3"),
    (GOOD + "name: 'a\n\n b'\n", "c:3:7: name: has unprintable characters or line breaks"),
    (
        GOOD + "name:\n",
        "c:3:6: name: no value: leave the key out for its default (null switches a rule off)",
    ),
    (GOOD + "close_on_shutdown: yes\n", f"c:3:20: close_on_shutdown: {BOOLEAN}"),
    (GOOD + "close_on_shutdown: On\n", f"c:3:20: close_on_shutdown: {BOOLEAN}"),
    (GOOD + "close_on_shutdown: True\n", f"c:3:20: close_on_shutdown: {BOOLEAN}"),
    (GOOD + "close_on_shutdown: 'true'\n", "c:3:20: close_on_shutdown: must be true or false, not text"),
    (GOOD + "close_on_shutdown: 1\n", "c:3:20: close_on_shutdown: must be true or false, not a number"),
    (GOOD + "name: 16:00\n", "c:3:7: name: YAML would read this as a number of base 60: quote it"),
    (GOOD + "name: 2026-11-21\n", "c:3:7: name: YAML would read this as a date: quote it"),
    (GOOD + "name: 007\n", f"c:3:7: name: {NUMBER}"),
    (GOOD + "name: 1\n", "c:3:7: name: must be text, not a number: quote it"),
    (GOOD + "name: NULL\n", "c:3:7: name: write null (quote it if you mean text)"),
    (quoting("1e-3"), "c:3:28: quoting.refill_fraction: write 0.001 (quote it if you mean text)"),
    (quoting(".5"), f"c:3:28: quoting.refill_fraction: {NUMBER}"),
    (quoting("+0.5"), f"c:3:28: quoting.refill_fraction: {NUMBER}"),
    (quoting(".nan"), "c:3:28: quoting.refill_fraction: not a number: NaN and infinity have no place here"),
    (quoting("-.inf"), "c:3:28: quoting.refill_fraction: not a number: NaN and infinity have no place here"),
    (quoting("'0.5'"), f"c:3:28: quoting.refill_fraction: must be {FRACTION}, not text"),
    (quoting("true"), f"c:3:28: quoting.refill_fraction: must be {FRACTION}, not true or false"),
    (limit("max_order_dollars: 1_000"), f"c:3:29: limits.max_order_dollars: {NUMBER}"),
    (limit("max_order_dollars: 0x10"), f"c:3:29: limits.max_order_dollars: {NUMBER}"),
    (limit("max_order_dollars: 9999999999999999"), f"c:3:29: limits.max_order_dollars: {NUMBER}"),
]


@pytest.mark.parametrize(("content", "error"), TEXT, ids=range(len(TEXT)))
def test_what_is_not_fit_to_be_read_at_all(content: bytes, error: str) -> None:
    assert errors_of(content) == [error]


@pytest.mark.parametrize(("text", "error"), WORDS, ids=lambda case: repr(case)[-50:])
def test_one_mistake_is_one_error_at_its_place(text: str, error: str) -> None:
    assert errors_of(text) == [error]


def test_keys_within_keys_are_given_up_early() -> None:
    assert errors_of("? " * 200_000) == [
        "c:1:3: a key must be a single word",
        "c:1:35: not valid YAML: nested deeper than 16 levels",
    ]
