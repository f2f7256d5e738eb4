"""What `kmm kill` can say of a bot that does not answer: the file has been written, and the heartbeat of its
trading loop is the witness that it was heeded."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from mm.cli.where import end

if TYPE_CHECKING:
    from mm.app.last_run import Beat

LOOK_EVERY_SECONDS: Final = 0.25
DISABLED: Final = "disabled"
LOOK_YOURSELF: Final = "kmm cancel-all --direct --verify looks at the exchange itself"


def end_unanswered(run_dir: Path, since: float, within: float, problem: str, as_json: bool) -> NoReturn:
    """The end of a `kmm kill` at ``since`` that was not answered because of ``problem``: 3 if a heartbeat
    shows that the file was heeded (an order on its way is no resting one: not proven), else 5."""
    from mm.app.errors import NOT_PROVEN, TIMED_OUT

    beat = heartbeat_after_kill(run_dir, since, within)
    if beat is not None:
        text = f"{problem}; but it heeds the file KILL_SWITCH: its heartbeat says disabled, nothing resting"
        end("kill", f"{text}; {LOOK_YOURSELF}", NOT_PROVEN, as_json)
    text = f"{problem}; the file KILL_SWITCH is written, but no heartbeat shows that it is heeded"
    end("kill", f"{text}: kill -9 the process, then {LOOK_YOURSELF}", TIMED_OUT, as_json)


def heartbeat_after_kill(run_dir: Path, since: float, within: float) -> Beat | None:
    """The first heartbeat from after ``since`` (epoch seconds) that is disabled with nothing resting;
    ``None`` if none came within so many seconds."""
    from mm.app.last_run import read_former

    deadline = time.monotonic() + within
    while True:
        beat = read_former(run_dir).beat
        is_new = beat is not None and beat.timestamp > since
        if beat is not None and is_new and beat.status == DISABLED and beat.resting_orders == 0:
            return beat
        if time.monotonic() >= deadline:
            return None
        time.sleep(LOOK_EVERY_SECONDS)
