"""Who hears of what happens at the venue: each listener by the kinds of announcement that concern it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, get_args

from mm.sim.words import Announcement

A = TypeVar("A", bound=Announcement)


class Listeners:
    """Called synchronously, in the order in which things happen; those of one kind, in which they were added.
    A listener must not trade."""

    def __init__(self) -> None:
        # By kind and not one list for all: a busy market says thousands of things a second, and most of those
        # who listen have an ear for a few of them.
        self._of: dict[type, list[Callable[..., None]]] = {kind: [] for kind in get_args(Announcement)}

    def add(self, listener: Callable[[A], None], *kinds: type[A]) -> None:
        """Let ``listener`` hear of ``kinds`` from now on; of everything where none is named."""
        for kind in kinds or self._of:
            self._of[kind].append(listener)

    def tell(self, announcement: Announcement) -> None:
        for listener in self._of[type(announcement)]:
            listener(announcement)
