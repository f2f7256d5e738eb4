"""A person's commands on the real engine: each is answered after its step, with the state that it made."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import structlog

from mm.app.control_words import Answer, CommandName, Request
from mm.app.kill_switch import KillSwitch, KillSwitchWatch
from mm.app.operator import Echo, Operator, Reach
from mm.core.events import Command, CommandKind
from tests.core.bench import Bench
from tests.core.words import said


class Helped(Bench):
    """A bench that quotes, and a person beside it. What is said to the engine waits for `turn`, as it waits
    for the loop's next turn in a run."""

    def __init__(self, run_dir: Path) -> None:
        super().__init__()
        self.quoting(wishes="51:10 | 53:10")
        self.tick()
        self.wait(1)
        self.ack(1)
        self.ack(2)
        self.waiting: list[Command] = []
        self.logged: list[dict[str, Any]] = []
        self.switch = KillSwitch(run_dir, {})
        self.watch = KillSwitchWatch(self.switch, self.waiting.append, lambda: self.now)
        self.echo = Echo()
        self.operator = Operator(
            Reach(
                engine=self.engine,
                say=self.waiting.append,
                clock=lambda: self.now,
                echo=self.echo,
                switch=self.switch,
                watch=self.watch,
                reload=self._reload,
                prove=self._prove,
                log=structlog.wrap_logger(None, processors=[self._note]),
                facts={"dry_run": False},
            )
        )

    def _note(self, logger: object, level: str, line: Any) -> Any:
        self.logged.append(dict(line))
        raise structlog.DropEvent

    async def _reload(self, reason: str) -> Answer:
        return {"ok": True, "reason": reason}

    async def _prove(self) -> Answer:
        return {"ok": True}

    def turn(self) -> list[str]:
        """Everything that was said goes through the engine; its actions."""
        lines: list[str] = []
        while self.waiting:
            command = self.waiting.pop(0)
            actions = self.engine.on_event(command)
            self.actions += actions
            lines += said(list(actions))
            self.echo.on_step(command, actions, self.engine)
        return lines

    def ask(self, command: CommandName, reason: str = "", desk: str = "") -> Answer:
        return asyncio.run(self._turning(self.operator.carry_out(Request(command, reason, desk))))

    async def _turning(self, asked: Coroutine[Any, Any, Answer]) -> Answer:
        task = asyncio.ensure_future(asked)
        while not task.done():
            await asyncio.sleep(0)
            self.turn()
        return task.result()


def test_a_kill_cancels_in_its_own_step_and_resume_ends_it(tmp_path: Path) -> None:
    bench = Helped(tmp_path)
    before = len(bench.actions)
    answer = bench.ask("kill", "the drill")
    assert (answer["ok"], answer["kill_switch"], answer["mode"]) == (True, "the drill", "halted")
    lines = said(bench.actions[before:])
    assert sum(line.startswith("cancel") for line in lines) == 2
    assert answer["breaker"]["trip_rule"] == "kill_switch"
    assert answer["desks"][0]["breaker"]["trading_allowed"] is False
    assert bench.ask("breaker_reset", "no")["code"] == 4
    assert bench.ask("flatten")["code"] == 4
    again = bench.ask("kill", "once more")
    assert again["kill_switch"] == "the drill"
    answer = bench.ask("resume")
    assert (answer["mode"], answer["kill_switch"]) == ("quoting", None)
    assert not bench.switch.path.exists()


def test_a_kill_works_on_a_disk_that_takes_nothing(tmp_path: Path) -> None:
    bench = Helped(tmp_path / "gone")
    answer = bench.ask("kill", "the disk is full")
    assert (answer["ok"], answer["mode"]) == (True, "halted")
    assert "a restart will not know" in answer["warning"]
    assert bench.ask("resume")["mode"] == "quoting"


def test_a_pause_that_came_before_a_kill_is_over_with_resume(tmp_path: Path) -> None:
    bench = Helped(tmp_path)
    assert bench.ask("pause", "lunch")["mode"] == "paused"
    bench.ask("kill", "worse")
    assert bench.ask("resume")["mode"] == "quoting"


def test_only_a_tripped_breaker_is_reset_and_only_with_a_reason(tmp_path: Path) -> None:
    bench = Helped(tmp_path)
    assert bench.ask("breaker_reset", "for nothing")["code"] == 2
    bench.command(CommandKind.HALT)
    assert bench.ask("breaker_reset")["error"] == "a reason is needed"
    assert bench.ask("breaker_reset", "why", desk="NONE")["code"] == 2
    assert bench.ask("resume")["breaker"]["trading_allowed"] is False
    assert bench.ask("breaker_reset", "mended")["mode"] == "quoting"


def test_every_command_is_logged_with_its_reason_and_looking_is_not(tmp_path: Path) -> None:
    bench = Helped(tmp_path)
    for command in ("status", "breaker_show", "pause"):
        bench.ask(command, "because")
    (line,) = bench.logged
    assert (line["event"], line["command"], line["reason"]) == ("operator_command", "pause", "because")


def test_nobody_waits_for_an_engine_that_has_stopped(tmp_path: Path) -> None:
    bench = Helped(tmp_path)

    async def story() -> tuple[Answer, Answer, Answer]:
        waiting = asyncio.ensure_future(bench.operator.carry_out(Request("stop")))
        await asyncio.sleep(0)
        bench.echo.end()
        return (
            await waiting,
            await bench.operator.carry_out(Request("pause")),
            await bench.operator.carry_out(Request("status")),
        )

    stopped, refused, status = asyncio.run(story())
    assert stopped["ok"] and status["ok"]
    assert (refused["ok"], refused["code"]) == (False, 3)


def test_proof_is_not_for_a_bot_that_quotes(tmp_path: Path) -> None:
    bench = Helped(tmp_path)
    assert bench.ask("prove")["code"] == 4
    bench.ask("pause")
    assert bench.ask("prove")["ok"]


def test_two_at_once_are_two_steps(tmp_path: Path) -> None:
    bench = Helped(tmp_path)

    async def story() -> list[Answer]:
        asked = [bench.operator.carry_out(Request("pause", "same")) for _ in range(2)]
        return await asyncio.gather(*(bench._turning(each) for each in asked))

    assert [answer["mode"] for answer in asyncio.run(story())] == ["paused", "paused"]
