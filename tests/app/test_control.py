"""The socket: who may reach it, what it takes, and that a bad caller hurts nobody but himself."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
from pathlib import Path

import pytest

from mm.app.control import MOST_CALLERS, serving
from mm.app.control_client import NotRunning, ask, until
from mm.app.control_words import LONGEST_REQUEST, NAME, Answer, Request, address
from mm.app.errors import LOCK_HELD, CannotRun
from mm.app.lock import hold_lock, holder_of


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No story here is about a caller that is slow, and the machine may be."""
    monkeypatch.setattr("mm.app.control.SECONDS_TO_ASK", 60.0)


async def echo(request: Request) -> Answer:
    return {"ok": True, "command": request.command, "reason": request.reason}


async def say(run_dir: Path, data: bytes) -> Answer:
    """What is answered to these bytes, whoever cut them short."""
    with address(run_dir) as where:
        reader, writer = await asyncio.open_unix_connection(where)
    writer.write(data)
    writer.write_eof()
    answer: Answer = json.loads(await reader.read())
    writer.close()
    await writer.wait_closed()
    return answer


def answers(run_dir: Path, *requests: bytes) -> list[Answer]:
    async def story() -> list[Answer]:
        async with serving(run_dir, echo):
            return [await say(run_dir, request) for request in requests]

    return asyncio.run(story())


def test_only_the_owner_reaches_it_and_it_is_gone_afterwards(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, echo):
            mode = (tmp_path / NAME).stat().st_mode
            assert stat.S_ISSOCK(mode)
            assert stat.S_IMODE(mode) == 0o600
            said = await asyncio.to_thread(ask, tmp_path, Request("kill", "why"))
            assert said == {"ok": True, "command": "kill", "reason": "why"}

    asyncio.run(story())
    assert not (tmp_path / NAME).exists()


def test_a_bot_that_is_busy_when_the_patience_ends_is_not_taken_for_one_that_hangs(tmp_path: Path) -> None:
    """What is wanted is not so in time, and that is the answer."""

    async def busy(request: Request) -> Answer:
        await asyncio.sleep(0.3)
        return await echo(request)

    async def story() -> bool:
        async with serving(tmp_path, busy):
            return await asyncio.to_thread(until, tmp_path, lambda answer: answer is None, 0.0)

    assert asyncio.run(story()) is False


def test_one_that_a_killed_run_left_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / NAME))
    with pytest.raises(NotRunning):
        ask(tmp_path, Request("status"))
    (answer,) = answers(tmp_path, b'{"command": "status"}\n')
    assert answer["ok"]


def test_a_path_too_long_for_the_operating_system_works(tmp_path: Path) -> None:
    run_dir = tmp_path / ("d" * 100) / ("e" * 100)
    run_dir.mkdir(parents=True)

    async def story() -> Answer:
        async with serving(run_dir, echo):
            return await asyncio.to_thread(ask, run_dir, Request("status"))

    assert asyncio.run(story())["ok"]
    with pytest.raises(NotRunning):
        ask(run_dir, Request("status"))


@pytest.mark.parametrize(
    ("request_line", "reason"),
    [
        (b"", "one line"),
        (b"no line", "one line"),
        (b"\n", "not understood"),
        (b"[]\n", "not understood"),
        (b'{"command": "buy"}\n', "not understood"),
        (b'{"command": "kill", "resaon": "x"}\n', "not understood"),
        (b'{"command": "kill", "reason": 7}\n', "not understood"),
        (b'{"command": "kill", "reason": "\xff"}\n', "not understood"),
        (b'{"command": "kill", "reason": "' + b"x" * LONGEST_REQUEST + b'"}\n', "at most"),
    ],
)
def test_what_is_no_request_gets_a_reason_and_the_next_one_an_answer(
    tmp_path: Path, request_line: bytes, reason: str
) -> None:
    bad, good = answers(tmp_path, request_line, b'{"command": "status"}\n')
    assert bad["ok"] is False and reason in bad["error"]
    assert good["ok"] is True


def test_callers_that_say_nothing_are_bounded(tmp_path: Path) -> None:
    async def story() -> Answer:
        async with serving(tmp_path, echo):
            silent = [await asyncio.open_unix_connection(tmp_path / NAME) for _ in range(MOST_CALLERS)]
            refused = await say(tmp_path, b'{"command": "status"}\n')
            for _, writer in silent:
                writer.close()
                await writer.wait_closed()
            return refused

    answer = asyncio.run(story())
    assert answer["ok"] is False and "at once" in answer["error"]


def test_a_run_directory_that_takes_no_socket_is_one_clear_error(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path / "none", echo):
            pass

    with pytest.raises(CannotRun, match="cannot listen"):
        asyncio.run(story())


def test_who_looks_whether_the_lock_is_held_neither_takes_it_nor_is_fooled(tmp_path: Path) -> None:
    assert holder_of(tmp_path) == ""
    with hold_lock(tmp_path):
        assert holder_of(tmp_path).startswith("process ")
        with pytest.raises(CannotRun) as refused, hold_lock(tmp_path):
            pass
        assert refused.value.exit_code == LOCK_HELD
    (tmp_path / "kmm.lock").write_text("process 1, since long ago")
    assert holder_of(tmp_path) == ""
    with hold_lock(tmp_path):
        pass
