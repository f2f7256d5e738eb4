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
from typing import Literal, TypeAlias, get_args

Point: TypeAlias = Literal["before_parse", "before_accept", "after_accept", "reply_body", "frame"]
RequestKind: TypeAlias = Literal["reset", "delay", "status", "body"]
FrameKind: TypeAlias = Literal[
    "drop", "duplicate", "delay", "reorder", "reset", "stall", "freeze", "truncate", "garbage"
]

_KINDS: dict[Point, tuple[str, ...]] = {
    "before_parse": ("reset", "delay", "status"),
    "before_accept": ("reset", "delay", "status"),
    "after_accept": ("reset", "delay", "status"),
    "reply_body": ("body",),
    "frame": get_args(FrameKind),
}
_HOLDING = ("delay", "stall", "freeze")
_NEVER = 1 << 63
_GARBAGE = "<html>502 Bad Gateway</html>"
_INBOUND: tuple[Point, ...] = ("before_parse", "before_accept")


@dataclass(slots=True)
class Fault:
    """One line of a script.

    It strikes what matches (``method``: exact or empty for any; ``contains``: a part of the path, or of the
    frame), after ``skip`` matches, ``times`` times, each with ``probability``. ``delay_ns`` is for delays and
    stalls (0: a stall for good), ``status`` with ``body`` for a whole other answer, ``body`` alone for a true
    status with a false body, or for the text of a garbage frame. Raises ValueError where it makes no sense.

    Frames: "delay" and "stall" hold this one and all after it, as TCP would; "freeze" also stops the pings;
    "truncate" sends the first half; "reorder" swaps it with the next one; "reset" kills the connection.
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
        allowed = _KINDS.get(self.point)
        if allowed is None:
            raise ValueError(f"{self.point!r} is no point; the points are {', '.join(_KINDS)}")
        if min(self.skip, self.times, self.delay_ns) < 0 or not 0.0 <= self.probability <= 1.0:
            raise ValueError("skip, times and delay_ns cannot be negative, probability is 0 to 1")
        if not 200 <= self.status <= 599:
            raise ValueError(f"{self.status} is no status of an answer, 200 to 599")
        if self.kind not in allowed:
            raise ValueError(
                f"a fault at {self.point} cannot be {self.kind!r}; it can be {', '.join(allowed)}"
            )


@dataclass(slots=True)
class Faults:
    """A script, used up from the front: of those that match, the first with strikes left decides."""

    script: list[Fault] = field(default_factory=list)
    random: Random = field(default_factory=lambda: Random(0))
    clears: int = 0  # how often the script was cleared

    def clear(self) -> None:
        """Forget the script; frames that it held back may go."""
        self.script.clear()
        self.clears += 1

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

    ``held_bytes``: what waits here, which to the exchange is as if the client did not read it.
    """

    def __init__(self, send: Callable[[str], None], faults: Faults, reset: Callable[[], None]) -> None:
        self._send = send
        self._faults = faults
        self._reset = reset
        self._held: deque[tuple[int, str]] = deque()
        self._swapped: str | None = None
        self._frozen_until = 0
        self._clears = faults.clears
        self.held_bytes = 0

    def push(self, now: int, frame: str) -> None:
        """Send one frame, or what the script makes of it."""
        if not (self._faults.script or self._held or self._swapped):
            self._send(frame)
            return
        fault = self._faults.at("frame", "", frame)
        if fault is None:
            self._queue(now, frame)
        elif fault.kind == "reset":
            self._reset()
        elif fault.kind == "reorder" and self._swapped is None:
            self._swapped = frame
            return
        else:
            self._suffer(fault, now, frame)
        self.release(now)

    def _suffer(self, fault: Fault, now: int, frame: str) -> None:
        for_good = fault.kind in ("stall", "freeze") and not fault.delay_ns
        due = _NEVER if for_good else now + fault.delay_ns
        if fault.kind == "freeze":
            self._frozen_until = due
        for copy in _made_of(frame, fault):
            self._queue(due if fault.kind in _HOLDING else now, copy)

    def release(self, now: int) -> None:
        """Let go what was held until ``now``; all of it where the script was cleared since."""
        if self._clears != self._faults.clears:
            self._clears = self._faults.clears
            self._held = deque((now, frame) for _, frame in self._held)
            self._frozen_until = 0
        while self._held and self._held[0][0] <= now:
            frame = self._held.popleft()[1]
            self.held_bytes -= len(frame)
            self._send(frame)

    def is_frozen(self, now: int) -> bool:
        """Whether not even pings and pongs may pass."""
        return now < self._frozen_until and self._clears == self._faults.clears

    @property
    def next_due(self) -> int | None:
        """When the next held frame is to go, None when none is held, or for good."""
        return self._held[0][0] if self._held and self._held[0][0] < _NEVER else None

    def _queue(self, due: int, frame: str) -> None:
        """Put a frame behind those that are held, and one that was to be swapped behind it."""
        frames = [frame] if self._swapped is None else [frame, self._swapped]
        self._swapped = None
        self._held.extend((due, one) for one in frames)
        self.held_bytes += sum(len(one) for one in frames)


def _made_of(frame: str, fault: Fault) -> tuple[str, ...]:
    """The frames that leave in place of ``frame``."""
    match fault.kind:
        case "drop":
            return ()
        case "duplicate":
            return frame, frame
        case "truncate":
            return (frame[: len(frame) // 2],)
        case "garbage":
            return (fault.body.decode(errors="replace") or _GARBAGE,)
    return (frame,)
