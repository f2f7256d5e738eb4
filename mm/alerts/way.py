"""A way to a person: one letter or several in, delivered or a clear reason why not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mm.alerts.letter import Letter


class NotDelivered(Exception):
    """Try again later. The text is for the operator and holds no secret. ``is_refusal``: the other side
    answered and said no (a wrong password, an unknown recipient), so trying soon is pointless or harmful."""

    def __init__(self, text: str, *, is_refusal: bool = False) -> None:
        super().__init__(text)
        self.is_refusal = is_refusal


class Undeliverable(NotDelivered):
    """The content itself was refused: another time it would be, too."""

    def __init__(self, text: str) -> None:
        super().__init__(text, is_refusal=True)


class Way(Protocol):
    """``name`` is a file name, and the same at the next start."""

    @property
    def name(self) -> str: ...

    def deliver(self, letters: Sequence[Letter]) -> str:
        """Send the letters as one message. Returns a remark, usually empty. May take many seconds.

        :raises NotDelivered: none of it was accepted, or it is not known whether it was.
        """
        ...
