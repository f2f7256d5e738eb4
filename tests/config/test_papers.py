"""What is written down about the configuration is what the models say."""

from __future__ import annotations

import json
from pathlib import Path

from mm.config.jsonschema import json_schema
from mm.config.reference import markdown_tables, rows

ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_schema_is_current() -> None:
    committed = (ROOT / "config.schema.json").read_text()
    assert committed == json_schema(), "write it anew: kmm config schema > config.schema.json"


def test_the_default_file_points_editors_to_the_schema() -> None:
    first = (ROOT / "config.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=./config.schema.json"


def test_the_manual_describes_every_key() -> None:
    manual = (ROOT / "docs" / "configuration.md").read_text()
    assert manual.endswith(markdown_tables()), "put the output of kmm config explain --markdown at its end"


def test_every_key_has_a_meaning() -> None:
    assert [row.key for row in rows() if not row.meaning] == []
    assert len(list(rows())) > 60


def test_numbers_of_the_schema_are_numbers() -> None:
    rules = json.loads(json_schema())["$defs"]["CircuitBreaker"]["properties"]
    assert rules["pnl_threshold"]["default"] == -100
    assert rules["pnl_threshold"]["exclusiveMaximum"] == 0
    assert rules["max_inventory_imbalance"]["default"] == 0.8
