"""What can go wrong between a client and the exchange: a script of faults for requests and for frames.

A request passes four points (before it is parsed; parsed, not yet accepted; accepted, not yet answered; in
the answer's body). At each a fault may reset the connection, delay, or put another status or body in place of
the true one: the client sees the same in every case, what the exchange did differs, and that difference is
what a bot must survive.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal, TypeAlias

Point: TypeAlias = Literal["before_parse", "before_accept", "after_accept", "reply_body", "frame"]
RequestKind: TypeAlias = Literal["reset", "delay", "status", "body"]
FrameKind: TypeAlias = Literal["drop", "duplicate", "delay", "reorder", "reset"]

_KINDS: dict[Point, tuple[str, ...]] = {
    "before_parse": ("reset", "delay", "status"),
    "before_accept": ("reset", "delay", "status"),
    "after_accept": ("reset", "delay", "status"),
    "reply_body": ("body",),
    "frame": ("drop", "duplicate", "delay", "reorder", "reset"),
}
_INBOUND: tuple[Point, ...] = ("before_parse", "before_accept")


@dataclass(slots=True)
class Fault:
    """One line of a script.

    It strikes what matches (``method``: exact or empty for any; ``contains``: a part of the path, or of the
    frame), after ``skip`` matches, ``times`` times, each with ``probability``. ``delay_ns`` is for delays,
    ``status`` with ``body`` for a whole other answer, ``body`` alone for a true status with a false body.
    """

    point: Point
    kind: RequestKind | FrameKind
    method: str = ""
    contains: str = ""
    skip: int = 0
    times: int = 1
    probability: float = 1.0
    delay_ns: int = 0
    status: int = 503
    body: bytes = b""

    def __post_init__(self) -> None:
        allowed = _KINDS[self.point]
        if self.kind not in allowed:
            raise ValueError(
                f"a fault at {self.point} cannot be {self.kind!r}; it can be {', '.join(allowed)}"
            )


@dataclass(slots=True)
class Faults:
    """A script, used up from the front: of those that match, the first with strikes left decides."""

    script: Sequence[Fault] = ()
    random: Random = field(default_factory=lambda: Random(0))

    def at(self, point: Point, method: str, text: str, kinds: Sequence[str] = ()) -> Fault | None:
        """The fault that strikes here, counted as used; of ``kinds`` only, where given."""
        for fault in self.script:
            if (
                fault.point == point
                and (not kinds or fault.kind in kinds)
                and self._strikes(fault, method, text)
            ):
                return fault
        return None

    def _strikes(self, fault: Fault, method: str, text: str) -> bool:
        if fault.times <= 0 or fault.method not in ("", method) or fault.contains not in text:
            return False
        if fault.skip > 0:
            fault.skip -= 1
            return False
        if fault.probability < 1.0 and self.random.random() >= fault.probability:
            return False
        fault.times -= 1
        return True

    def hold_ns(self, method: str, path: str) -> int:
        """How long a request is held on its way in. Whoever carries it (server, simulation) waits that long
        before he hands it over, since the exchange itself never waits."""
        held = (self.at(point, method, path, ("delay",)) for point in _INBOUND)
        return sum(fault.delay_ns for fault in held if fault is not None)


class Line:
    """The way of the frames of one connection: whole and in order, but for the script's faults.

    A delay stalls all that comes after it, as TCP would; only "reorder" swaps a frame with the next one.
    """

    def __init__(self, send: Callable[[str], None], faults: Faults, reset: Callable[[], None]) -> None:
        self._send = send
        self._faults = faults
        self._reset = reset
        self._held: deque[tuple[int, str]] = deque()
        self._swapped: str | None = None

    def push(self, now: int, frame: str) -> None:
        """Send one frame, or what the script makes of it."""
        if not self._faults.script:
            self._send(frame)
            return
        fault = self._faults.at("frame", "", frame)
        kind = "" if fault is None else fault.kind
        if kind == "reset":
            self._reset()
        elif kind == "reorder" and self._swapped is None:
            self._swapped = frame
        elif kind != "drop":
            due = now + fault.delay_ns if fault is not None and kind == "delay" else now
            for _ in range(2 if kind == "duplicate" else 1):
                self._queue(due, frame)
            self._unswap(due)
        self.release(now)

    def release(self, now: int) -> None:
        """Let go what was held until ``now``."""
        while self._held and self._held[0][0] <= now:
            self._send(self._held.popleft()[1])

    @property
    def next_due(self) -> int | None:
        """When the next held frame is to go, None when none is held."""
        return self._held[0][0] if self._held else None

    def _queue(self, due: int, frame: str) -> None:
        if self._held:
            due = max(due, self._held[-1][0])
        self._held.append((due, frame))

    def _unswap(self, due: int) -> None:
        if self._swapped is not None:
            self._queue(due, self._swapped)
            self._swapped = None
