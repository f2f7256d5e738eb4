"""The one clock of a run, over steps of the system's time: a boot before NTP, a suspended machine."""

from __future__ import annotations

from mm.app.clock import SteadyClock
from mm.core.units import MILLISECOND, SECOND, Nanos

BEAT = 250 * MILLISECOND


class Machine:
    """Its system time can be stepped; its monotonic clock cannot."""

    def __init__(self) -> None:
        self.up: Nanos = 7 * SECOND
        self.offset: Nanos = 1_800_000_000 * SECOND
        self.steps: list[Nanos] = []
        self.clock = SteadyClock(self.wall, lambda: self.up, self.steps.append)

    def wall(self) -> Nanos:
        return self.up + self.offset

    @property
    def ahead(self) -> Nanos:
        """By how much the clock is ahead of the system's time."""
        return self.clock() - self.wall()

    def beats(self, number: int) -> list[Nanos]:
        """So many beats pass; what the clock showed at each."""
        shown = []
        for _ in range(number):
            self.up += BEAT
            self.clock.on_time(self.clock())
            shown.append(self.clock())
        return shown


def test_without_a_step_it_is_the_systems_time() -> None:
    machine = Machine()
    shown = machine.beats(10)
    assert shown[-1] == machine.wall() and machine.ahead == 0 and machine.steps == []


def test_a_step_forward_is_followed_within_two_beats() -> None:
    """A machine that was suspended for half a minute: the exchange has not waited."""
    machine = Machine()
    machine.offset += 30 * SECOND
    machine.beats(2)
    assert machine.ahead == 0 and machine.steps == [30 * SECOND]
    machine.beats(10)
    assert machine.ahead == 0 and len(machine.steps) == 1, "told once"


def test_a_step_back_is_followed_at_half_speed_and_no_time_comes_twice() -> None:
    """A boot with a clock that is three seconds fast, before NTP sets it right."""
    machine = Machine()
    machine.offset -= 3 * SECOND
    shown = machine.beats(60)
    assert shown == sorted(set(shown)), "time goes on"
    assert abs(machine.ahead) <= 200 * MILLISECOND and machine.steps == [-3 * SECOND]
    assert machine.beats(4)[-1] - shown[-1] == 4 * BEAT, "at full speed again"


def test_what_the_second_look_does_not_see_was_no_step() -> None:
    """A process that is held up between reading two clocks sees them apart."""
    machine = Machine()
    machine.offset += SECOND
    machine.beats(1)
    machine.offset -= SECOND
    machine.beats(4)
    assert machine.ahead == 0 and machine.steps == []


def test_a_step_forward_while_a_step_back_is_followed() -> None:
    machine = Machine()
    machine.offset -= 3 * SECOND
    machine.beats(4)
    machine.offset += 10 * SECOND
    machine.beats(2)
    assert machine.ahead == 0
    assert machine.beats(4)[-1] == machine.wall()
