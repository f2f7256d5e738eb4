"""A configuration read again: all of it or nothing, and only what may change while running."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import structlog

from mm.app.control_words import Answer
from mm.app.reload import Place, Reload
from mm.config.load import load_config
from mm.config.reloadable import RELOADABLE, changes, is_reloadable, merged
from mm.config.settings import engine_settings
from mm.core.actions import Alert, AlertLevel
from mm.core.settings import EngineSettings
from mm.core.units import CONTRACT

DESK = {"strategy": "top_of_book", "limits": {"max_position_contracts": 10}}
OTHER = {"strategy": "top_of_book", "markets": {"tickers": ["KXB"]}}


def write(path: Path, **changes: Any) -> Path:
    path.write_text(json.dumps({"version": 1, "desks": {"A": DESK}, **changes}))
    return path


class House:
    """Where a reload works: the settings in effect, and what was told."""

    def __init__(self, tmp_path: Path) -> None:
        self.path = write(tmp_path / "config.yaml")
        config = load_config(self.path, {})
        self.settings = engine_settings(config, "run1", {"A": ("KXA",)})
        self.applied = 0
        self.alerts: list[Alert] = []
        self.log: list[dict[str, Any]] = []
        self.reload = Reload(
            config,
            Place(
                reread=lambda: load_config(self.path, {}),
                settings=lambda: self.settings,
                apply=self._apply,
                announce=self.alerts.append,
                log=structlog.wrap_logger(None, processors=[self._note]),
            ),
        )

    def _note(self, logger: object, level: str, line: Any) -> Any:
        self.log.append({"level": level, **line})
        raise structlog.DropEvent

    async def _apply(self, settings: EngineSettings) -> None:
        self.settings = settings
        self.applied += 1

    def again(self) -> Answer:
        return asyncio.run(self._again())

    async def _again(self) -> Answer:
        return await self.reload("a test")


def test_what_can_be_taken_over_is_and_the_rest_of_the_engine_stays(tmp_path: Path) -> None:
    house = House(tmp_path)
    before = house.settings
    desk = {**DESK, "limits": {"max_position_contracts": 20}, "params": {"size_contracts": 7}}
    write(house.path, desks={"A": desk}, circuit_breaker={"daily_loss_dollars": 10}, name="other")
    said = house.again()
    assert {row["key"] for row in said["applied"]} == {
        "desks.A.limits.max_position_contracts",
        "circuit_breaker.daily_loss_dollars",
    }
    assert {row["key"] for row in said["needs_restart"]} == {"name", "desks.A.params.size_contracts"}
    assert house.settings.desks[0].limits.max_position == 20 * CONTRACT
    assert house.settings.breaker.daily_loss == 10_000_000
    assert (house.settings.run, house.settings.instance) == (before.run, before.instance)
    (alert,) = house.alerts
    assert (alert.level, alert.category) == (AlertLevel.INFO, "config_reload")
    assert "needs a restart" in alert.message and "daily_loss_dollars 50 -> 10" in alert.message


def test_a_mistake_anywhere_changes_nothing_and_says_where(tmp_path: Path) -> None:
    house = House(tmp_path)
    before = house.settings
    write(house.path, circuit_breaker={"daily_loss_dollars": 10}, log={"level": "loud"})
    said = house.again()
    assert (said["ok"], said["code"]) == (False, 78)
    assert said["errors"][0].startswith(f"{house.path}:1:")
    assert house.settings is before and house.applied == 0
    (alert,) = house.alerts
    assert (alert.level, alert.category) == (AlertLevel.WARNING, "config_reload")
    assert f"{house.path}:1:" in alert.message
    house.path.unlink()
    assert house.again()["code"] == 78
    assert house.applied == 0


def test_what_waits_for_a_restart_is_told_every_time_and_the_same_file_applies_nothing(
    tmp_path: Path,
) -> None:
    house = House(tmp_path)
    write(house.path, name="other", close_on_shutdown=True)
    assert len(house.again()["applied"]) == 1
    again = house.again()
    assert again["applied"] == [] and again["needs_restart"][0]["key"] == "name"
    assert house.applied == 1
    assert [line["event"] for line in house.log] == ["config_reloaded"] * 2


def test_desks_that_come_or_go_wait_for_a_restart(tmp_path: Path) -> None:
    path = write(tmp_path / "config.yaml", desks={"A": {**DESK, "markets": {"tickers": ["KXA"]}}})
    old = load_config(path, {})
    write(path, desks={"B": OTHER}, limits={"price_collar_cents": 9})
    new = load_config(path, {})
    both = merged(old, new)
    assert both.desks == old.desks
    assert both.limits == new.limits
    found = {change.key: change.is_reloadable for change in changes(old, new)}
    assert found["limits.price_collar_cents"]
    assert not found["desks.B.strategy"] and not found["desks.A.strategy"]


def test_the_table_names_keys_that_there_are() -> None:
    from mm.config.reference import rows

    keys = {row.key for row in rows()}
    assert set(RELOADABLE) <= keys
    assert not is_reloadable(("desks", "limits", "strategy"))
    assert is_reloadable(("desks", "limits", "limits", "max_order_dollars"))
