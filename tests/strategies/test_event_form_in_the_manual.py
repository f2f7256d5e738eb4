"""The manual's strategy for a whole event is copied out of the manual, loaded as any other, and quotes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mm.config.strategies import find_strategy
from mm.core.events import BookGap, LinkUp, Tick
from tests.core.bench import Bench, engine_settings
from tests.test_house import PURE_LIBRARIES

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "strategies.md"
OUTCOMES = ("KXLOW", "KXMID", "KXHIGH")


@pytest.fixture
def strategy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Its class, from a folder of strategies that is not ours."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", MANUAL.read_text(), re.MULTILINE | re.DOTALL)
    folder = tmp_path / "strategies_of_the_manual"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "whole_event.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    yield find_strategy("whole_event", folder.name)


@pytest.fixture
def bench(strategy: Any) -> Bench:
    """Three outcomes of one event whose mids, 30 cents each, add up to 90."""
    params = strategy.Params(cutoff_seconds=0.0)
    bench = Bench(engine_settings(OUTCOMES), lambda: strategy(params))
    bench.step(LinkUp(bench.now))
    for ticker in OUTCOMES:
        bench.is_active(ticker, event_ticker="KX")
        bench.book("28:100 | 32:100", ticker)
    bench.step(Tick(bench.now, 100, 100))
    bench.account()
    return bench


def test_it_quotes_around_prices_that_add_up_to_a_dollar(bench: Bench) -> None:
    """A third of a dollar each, two cents to either side, rounded outward and never crossing."""
    assert bench.tick() == [
        *("place #1 bid 10@31", "place #2 ask 10@36"),
        *("place #3 bid 10@31", "place #4 ask 10@36"),
        *("place #5 bid 10@31", "place #6 ask 10@36"),
    ]
    fairs = [decision.fair for decision in bench.engine.decisions]
    assert fairs == pytest.approx([10_000 / 3] * 3)


def test_it_does_not_quote_what_does_not_add_up(bench: Bench) -> None:
    """One of three books is lost: the other two alone say nothing about the whole."""
    bench.tick()
    for number in range(1, 7):
        bench.ack(number)
    bench.step(BookGap(bench.now, "KXHIGH", "lost"))
    assert sorted(bench.tick()) == [f"cancel #{number}" for number in range(1, 7)]
    notes = {decision.ticker: decision.note for decision in bench.engine.decisions}
    assert notes["KXLOW"] == notes["KXMID"] == "the outcomes do not add up to a dollar"


def test_it_is_as_pure_as_our_own(strategy: Any) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", MANUAL.read_text(), re.MULTILINE | re.DOTALL)
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Import | ast.ImportFrom)]
    froms = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    allowed = ("mm.core.strategy", "mm.core.units", "strategies.shaping")
    assert {name.split(".")[0] for name in froms | names} <= PURE_LIBRARIES | {"mm", "strategies"}
    assert {name for name in froms if name.startswith(("mm", "strategies"))} == set(allowed)
