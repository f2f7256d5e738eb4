"""How long: a finite number of seconds above 0."""

from __future__ import annotations

import math

import rich_click as click


class Seconds(click.FloatRange):
    """Refuses also what passes every comparison: not-a-number and infinity."""

    name = "seconds"

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True)

    def convert(self, value: float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds: float = super().convert(value, param, ctx)
        if not math.isfinite(seconds):
            self.fail(f"{value} is no length of time", param, ctx)
        return seconds
