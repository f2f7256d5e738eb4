"""Faults from files: YAML and JSON alike, every mistake named, nothing half used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm.sim.fault_rows import BadFaults, faults_of, load_faults, row_of
from mm.sim.faults import Fault, FrameKind

SCRIPT = """
- {point: after_accept, kind: reset, method: POST, contains: /portfolio/events/orders}
- point: frame
  kind: delay
  contains: orderbook_delta
  times: 3
  probability: 1
  delay_ns: 250_000_000
- {point: reply_body, kind: body, body: "<html>"}
"""


def test_a_file_of_yaml_or_json_becomes_the_same_faults(tmp_path: Path) -> None:
    as_yaml, as_json = tmp_path / "faults.yaml", tmp_path / "faults.json"
    as_yaml.write_text(SCRIPT)
    faults = load_faults(as_yaml)
    as_json.write_text(json.dumps([row_of(one) for one in faults]))
    assert load_faults(as_json) == faults
    assert faults == [
        Fault("after_accept", "reset", method="POST", contains="/portfolio/events/orders"),
        Fault("frame", "delay", contains="orderbook_delta", times=3, delay_ns=250_000_000),
        Fault("reply_body", "body", body=b"<html>"),
    ]


def test_the_example_of_the_manual_can_be_used(tmp_path: Path) -> None:
    manual = (Path(__file__).resolve().parents[2] / "docs" / "simulated-exchange.md").read_text()
    path = tmp_path / "faults.yaml"
    path.write_text(manual.split("```yaml")[1].split("```")[0])
    assert {one.point for one in load_faults(path)} == {"after_accept", "before_parse", "frame"}
    assert all(f"`{kind}`" in manual for kind in get_args(FrameKind))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"point": "frame"}, "a list of faults is needed"),
        (None, "a list of faults is needed"),
        ([1], "row 1: a mapping"),
        ([{"kind": "drop"}], "row 1: point missing"),
        ([{}], "row 1: point and kind missing"),
        ([{"point": "frame", "kind": "drop", "kinds": 1}], "row 1: unknown kinds; the fields are point"),
        ([{"point": "frame", "kind": "drop", "times": "3"}], "row 1: times is a whole number, not '3'"),
        ([{"point": "frame", "kind": "drop", "times": True}], "row 1: times is a whole number"),
        ([{"point": "frame", "kind": "drop", "probability": float("nan")}], "row 1: .*probability"),
        ([{"point": "frame", "kind": "body"}], "row 1: a fault at frame cannot be 'body'"),
        ([{"point": ["frame"], "kind": "drop"}], "row 1: point is text"),
        ([{"point": "frame", "kind": "drop"}, {}, 7], "row 2: .*; row 3: "),
    ],
)
def test_every_mistake_is_named_with_its_row(rows: Any, message: str) -> None:
    with pytest.raises(BadFaults, match=message):
        faults_of(rows)


@pytest.mark.parametrize("text", ["- {point: [", "\t", "@", "- !!python/object:os.system x", "[" * 5_000])
def test_what_is_not_yaml_is_said_in_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(text)
    with pytest.raises(BadFaults) as caught:
        load_faults(path)
    assert "\n" not in str(caught.value)


ANY_VALUE = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just([1])
FIELDS = st.sampled_from(["point", "kind", "method", "times", "probability", "delay_ns", "status", "body"])
WORDS = st.sampled_from(["frame", "before_parse", "drop", "reset", "status"])


@given(st.lists(st.dictionaries(FIELDS, WORDS | ANY_VALUE) | ANY_VALUE, max_size=3))
def test_any_rows_are_faults_or_said_to_be_bad(rows: Any) -> None:
    try:
        faults = faults_of(rows)
    except BadFaults:
        return
    assert faults_of([row_of(one) for one in faults]) == faults
