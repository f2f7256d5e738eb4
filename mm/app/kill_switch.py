"""The kill switch: a file that anybody can make with any tool, or a variable of the environment. While it is
on nothing but cancels leaves, whoever decided otherwise (controls C11; operations/files-and-commands row 15).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from mm.app.reason import one_line
from mm.core.events import Command, CommandKind
from mm.core.units import Nanos
from mm.observe.replace import replace_file

NAME: Final = "KILL_SWITCH"
VARIABLE: Final = "BOT_DISABLE_TRADING"
OFF: Final = frozenset({"", "0", "false", "no", "off"})
LONGEST: Final = 500
# Neither a link nor a pipe that somebody put there may lead us elsewhere or hold us up.
FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class KillSwitch:
    """Of one run directory. What cannot be read counts as on."""

    def __init__(self, run_dir: Path, environment: Mapping[str, str]) -> None:
        self.path = run_dir.absolute() / NAME
        value = one_line(environment.get(VARIABLE, ""))
        self.is_in_environment = value.lower() not in OFF
        self._variable = f"{VARIABLE}={value}" if self.is_in_environment else ""
        self._held = ""

    def reason(self) -> str:
        """Why nothing may be traded; empty while the switch is off. Cheap enough to ask before every send,
        and safe to ask from any thread."""
        return self._variable or self._held or self._text()

    def _text(self) -> str:
        try:
            file = os.open(self.path, FLAGS)
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"{NAME} cannot be read: {error.strerror}"
        try:
            text = os.read(file, LONGEST).decode("utf-8", "replace")
        except OSError as error:
            return f"{NAME} cannot be read: {error.strerror}"
        finally:
            os.close(file)
        return one_line(text) or f"the file {NAME}"

    def turn_on(self, reason: str) -> None:
        """:raises StorageError: if the disk refuses."""
        replace_file(self.path, one_line(reason).encode("utf-8")[:LONGEST] + b"\n")

    def hold(self, reason: str) -> None:
        """On, as long as this process lives: for a disk that takes no file."""
        self._held = reason

    def turn_off(self) -> bool:
        """Whether there was a file to remove. What the environment says stays.

        :raises OSError: if it cannot be removed.
        """
        self._held = ""
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        return True


class KillSwitchWatch:
    """Tells the engine when the switch was turned: at every beat, and at once by `look` if somebody knows.

    ``say`` hands a command to the engine. Nothing here turns the switch.
    """

    def __init__(
        self, switch: KillSwitch, say: Callable[[Command], None], clock: Callable[[], Nanos]
    ) -> None:
        self.reason = ""
        self._switch = switch
        self._say = say
        self._clock = clock

    def on_time(self, now: Nanos) -> None:
        self.look()

    def look(self) -> Command | None:
        """The command that was given because the switch is not as it was before."""
        before, self.reason = self.reason, self._switch.reason()
        if bool(before) == bool(self.reason):
            return None
        kind = CommandKind.KILL if self.reason else CommandKind.REVIVE
        command = Command(self._clock(), kind, self.reason or "the kill switch is off")
        self._say(command)
        return command
