"""Every word of the log and every category of an alert that stands in the program stands in the manual."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEVELS = {"debug", "info", "warning", "error", "critical"}
# What trades or looks on: the simulated exchange and the commands have no log of a run.
FLOORS = ("alerts", "app", "core", "drivers", "kalshi", "observe", "sources")
TEST_ALERT = "test"  # `kmm alerts test`


def calls() -> Iterator[ast.Call]:
    for floor in FLOORS:
        for path in (ROOT / "mm" / floor).rglob("*.py"):
            yield from (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))


def text_of(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def in_code(document: str) -> set[str]:
    return set(re.findall(r"`([a-z_]+)`", (ROOT / "docs" / document).read_text()))


def test_the_words_of_the_log() -> None:
    said = {
        text_of(call.args[0])
        for call in calls()
        if isinstance(call.func, ast.Attribute) and call.func.attr in LEVELS and call.args
    } - {""}
    assert {"operator_command", "books_compared", "websocket_reconnecting"} <= said
    assert said - in_code("files.md") == set()


def test_the_categories_of_alerts() -> None:
    written = {
        text_of(call.args[1])
        for call in calls()
        if isinstance(call.func, ast.Name) and call.func.id == "Alert" and len(call.args) > 1
    }
    named = {
        text_of(node.value)
        for floor in FLOORS
        for path in (ROOT / "mm" / floor).rglob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and target.id == "CATEGORY"
    }
    assert {"bot_crash", "pause"} <= written and {"config_reload", "exposure"} <= named
    assert (written | named) - {"", TEST_ALERT} - in_code("alerts.md") == set()
