"""The frame of observers that keep one line file for each desk: remember in the step, render later."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from mm.core.picture import Observed
from mm.core.units import Nanos
from mm.observe.files import LineFile
from mm.observe.observer import ActionTable, EventTable, Watcher

Render = Callable[[], bytes]
RENDER_ABOVE = 10_000


class DeskFiles(Watcher):
    """``files`` by desk name. What concerns a desk without a file is nobody's here and is passed over."""

    def __init__(self, files: Mapping[str, LineFile], events: EventTable, actions: ActionTable) -> None:
        super().__init__(events, actions)
        self.files = files
        self._unrendered: deque[tuple[str, Render]] = deque()

    def say(self, desk: str, render: Render) -> None:
        """``render`` makes the line later; at once only if the driver has not called for very long."""
        if desk in self.files:
            self._unrendered.append((desk, render))
            if len(self._unrendered) > RENDER_ABOVE:
                self._render()

    def say_to_all(self, render: Render) -> None:
        for desk in self.files:
            self.say(desk, render)

    def on_time(self, now: Nanos, engine: Observed) -> None:
        self._render()
        for file in self.files.values():
            file.flush()

    def write(self) -> None:
        """What the steps so far said goes to the operating system; for a driver that does not want to wait
        for `on_time`. Costs nothing if nothing was said."""
        if not self._unrendered:
            return
        spoken = {desk for desk, _ in self._unrendered}
        self._render()
        for desk in spoken:
            self.files[desk].flush()

    def spoken(self) -> list[tuple[str, bytes]]:
        """Desk and line of what the steps since the last word said, for whoever writes it himself."""
        lines = [(desk, render()) for desk, render in self._unrendered]
        self.forget()
        return lines

    def forget(self) -> None:
        """What was said and not yet rendered is not written."""
        self._unrendered.clear()

    def close(self) -> None:
        try:
            self._render()
        finally:
            for file in self.files.values():
                file.close()

    def _render(self) -> None:
        """A line that cannot be rendered costs itself alone: it is not met again."""
        while self._unrendered:
            desk, render = self._unrendered.popleft()
            self.files[desk].add(render())
