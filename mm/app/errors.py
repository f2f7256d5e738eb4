"""What can keep a run from starting, in words for the operator and with the exit code of the manual."""

from __future__ import annotations

from typing import Final

OK: Final = 0
FAILED: Final = 1
NOT_PROVEN: Final = 3
REFUSED: Final = 4
TIMED_OUT: Final = 5
LOCK_HELD: Final = 11
WRONG_CONFIGURATION: Final = 78


class CannotRun(Exception):
    """One clear line; ``exit_code`` as in the manual."""

    def __init__(self, text: str, exit_code: int = FAILED) -> None:
        super().__init__(text)
        self.exit_code = exit_code
