"""What lies between bot and venue in a simulation: seeded delays, losses, repetitions, broken links."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from random import Random

from mm.core.units import MILLISECOND, SECOND, Nanos


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad the network is. Chances are per message (``link_breaks_per_hour`` says itself per what)."""

    delay_least: Nanos = 5 * MILLISECOND
    delay_mean: Nanos = 20 * MILLISECOND
    answer_lost: float = 0.0
    answer_repeated: float = 0.0
    answer_late: float = 0.0
    late_by: Nanos = 3 * SECOND
    request_lost: float = 0.0
    link_breaks_per_hour: float = 0.0
    timeout: Nanos = 5 * SECOND


CALM = Weather()
STORM = Weather(
    delay_mean=80 * MILLISECOND,
    answer_lost=0.01,
    answer_repeated=0.05,
    answer_late=0.03,
    request_lost=0.01,
    link_breaks_per_hour=60.0,
)


class Network:
    """Draws the fate of each message, always in the order in which it is asked."""

    def __init__(self, weather: Weather, random: Random) -> None:
        self.weather = weather
        self._random = random
        self._draw = random.random
        self._least, self._mean = weather.delay_least, weather.delay_mean

    def delay(self) -> Nanos:
        """One way, exponential above a least."""
        return self._least + int(-log(1.0 - self._draw()) * self._mean)  # expovariate(1.0), written out

    def happens(self, chance: float) -> bool:
        return chance > 0 and self._random.random() < chance

    def answer_delay(self) -> Nanos:
        late = self.weather.late_by if self.happens(self.weather.answer_late) else 0
        return self.delay() + late

    def next_break(self) -> Nanos | None:
        """Time until the feed's connection breaks; ``None``: never."""
        rate = self.weather.link_breaks_per_hour
        return int(self._random.expovariate(rate) * 3_600 * SECOND) if rate else None

    def number(self) -> float:
        """A float in [0, 1) for whoever needs chance of its own (the session's jitter)."""
        return self._random.random()
