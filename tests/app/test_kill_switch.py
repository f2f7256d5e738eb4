"""The kill switch: whatever stands at its place is on, and the gate heeds it before every single order."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mm.app.kill_switch import KillSwitch, KillSwitchWatch
from mm.core.actions import PlaceOrder
from mm.core.events import Command
from mm.core.units import CONTRACT, Side
from mm.kalshi.guard import Guard, HardCaps
from mm.observe.append import StorageError


def commands(switch: KillSwitch) -> tuple[KillSwitchWatch, list[Command]]:
    said: list[Command] = []
    return KillSwitchWatch(switch, said.append, lambda: 7), said


def test_the_reason_is_the_text_of_the_file_in_one_line(tmp_path: Path) -> None:
    switch = KillSwitch(tmp_path, {})
    assert switch.reason() == ""
    switch.turn_on("the market\n moved\x00\x1b[2J \udc9bnow")
    assert switch.reason() == "the market moved [2J now"
    assert switch.turn_off() and not switch.turn_off()
    assert switch.reason() == ""


def a_link(path: Path) -> None:
    path.symlink_to("/etc/hostname")


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, a_link, a_pipe])
def test_whatever_is_there_counts_as_on(tmp_path: Path, make: Callable[[Path], None]) -> None:
    switch = KillSwitch(tmp_path, {})
    make(tmp_path / "KILL_SWITCH")
    assert switch.reason()


@pytest.mark.parametrize(
    ("value", "is_on"), [("1", True), ("yes", True), ("0", False), ("false", False), ("", False)]
)
def test_the_variable_of_the_manual(tmp_path: Path, value: str, is_on: bool) -> None:
    switch = KillSwitch(tmp_path, {"BOT_DISABLE_TRADING": value})
    assert bool(switch.reason()) is is_on
    assert switch.is_in_environment is is_on


def test_a_disk_that_takes_no_file_does_not_keep_anybody_from_killing(tmp_path: Path) -> None:
    switch = KillSwitch(tmp_path / "gone", {})
    with pytest.raises(StorageError):
        switch.turn_on("now")
    switch.hold("now")
    assert switch.reason() == "now"
    switch.turn_off()
    assert switch.reason() == ""


def test_only_a_turn_is_told_and_each_once(tmp_path: Path) -> None:
    switch = KillSwitch(tmp_path, {})
    watch, said = commands(switch)
    watch.on_time(0)
    assert said == []
    switch.turn_on("one")
    assert watch.look() is not None
    switch.turn_on("another")
    watch.on_time(1)
    switch.turn_off()
    watch.on_time(2)
    watch.on_time(3)
    assert [command.reason for command in said] == ["one", "the kill switch is off"]
    assert said[0].kind is not said[1].kind


def test_no_order_passes_the_gate_while_the_file_is_there(tmp_path: Path) -> None:
    switch = KillSwitch(tmp_path, {})
    guard = Guard(HardCaps(10 * CONTRACT, 10_000_000), switch.reason)
    order = PlaceOrder(1, "kmm-1-1", "KXA", Side.BID, 5_000, CONTRACT)
    assert guard.objection(order) is None
    (tmp_path / "KILL_SWITCH").write_text("now")
    assert guard.objection(order) == ("kill_switch", "now")
    (tmp_path / "KILL_SWITCH").unlink()
    assert guard.objection(order) is None
