"""The whole configuration as one typed, frozen value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, WithJsonSchema

from mm.config.alerts import Alerts
from mm.config.amounts import Fraction, Milliseconds, Seconds
from mm.config.breaker import CircuitBreaker
from mm.config.desks import Desks
from mm.config.exchange import Exchange
from mm.config.limits import Limits
from mm.config.section import Conflict, FilePath, Range, Section, Shape, refused


class Quoting(Section):
    """How wishes become orders."""

    min_tick_interval_ms: Annotated[Milliseconds, Range(least=0, most=60_000)] = Milliseconds(10)
    """Decisions are at least this far apart; 0 decides as soon as all input is read."""
    order_lifetime_seconds: Annotated[Seconds, Range(least=10, most=86_400)] | None = None
    """The exchange removes an order this long after it was placed, should we vanish; `null`: never."""
    cancel_on_pause: bool = True
    """The exchange cancels quotes when it pauses trading, also if we have vanished."""
    pull_before_pause_seconds: Annotated[Seconds, Range(least=0, most=3_600)] = Seconds(60)
    """No quotes from this long before a pause on that the exchange has in its schedule."""
    refill_fraction: Annotated[Fraction, Range(least=0, most=1)] = Fraction("0.5")
    """A partly filled quote keeps its place until less than this part of the wanted size is open."""


class Log(Section):
    """The text log, `<NAME>.log`."""

    format: Literal["json", "console"] = "json"
    """One JSON object a line, or lines for people."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important thing that is written."""


Name: TypeAlias = Annotated[str, Shape(r"[a-z0-9]{1,8}", "1 to 8 small letters or digits")]


def _known_version(version: int) -> int:
    if version != 1:
        raise refused("this program reads version 1 only")
    return version


class Config(Section):
    """config.yaml."""

    version: Annotated[int, AfterValidator(_known_version), WithJsonSchema({"const": 1})]
    """Of this file's form."""
    name: Name = "kmm"
    """Of this installation: the beginning of every client order id, by which it knows its own orders."""
    run_dir: FilePath = "logs"
    """Everything a run writes goes here; relative to the working directory."""
    exchange: Exchange = Exchange()
    """Where orders go."""
    desks: Desks
    """Who quotes what: a name for each, and below it the desk."""
    limits: Limits = Limits()
    """Of the whole account."""
    circuit_breaker: CircuitBreaker = CircuitBreaker()
    """When trading stops by itself."""
    quoting: Quoting = Quoting()
    """How wishes become orders."""
    close_on_shutdown: bool = False
    """Whether a clean stop also closes the positions, as a taker; what cannot be closed is told."""
    on_disconnect: Literal["cancel", "flatten"] = "cancel"
    """When a lost feed trips the breaker: keep the positions, or close them as soon as it is back."""
    references_file: FilePath | None = None
    """Outside values for strategies, appended by another program: lines of {"name", "value", "ts"}."""
    log: Log = Log()
    """The text log."""
    alerts: Alerts = Alerts()
    """Who is told when something is wrong."""

    def conflicts(self) -> Iterator[Conflict]:
        for name, desk in self.desks.items():
            if self.exchange.environment != "simulated" and not desk.markets.literals:
                yield (
                    ("desks", name, "markets"),
                    "say which: tickers, events or series (real exchanges have thousands)",
                )
        if self.on_disconnect == "flatten" and self.circuit_breaker.feed_lost_seconds is None:
            yield ("on_disconnect",), "flatten does nothing while circuit_breaker.feed_lost_seconds is null"
