"""A strategy that wants nothing, with one parameter of each kind."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from mm.core.strategy import Decision, MarketView
from mm.core.strategy import Params as Base


class OwnParams(Base, frozen=True):
    half_spread_cents: Annotated[float, Meta(gt=0, le=50, description="half the width")] = 2.0
    size_contracts: Annotated[int, Meta(ge=1)] = 10
    reference: Literal["mid", "micro"] = "mid"
    lean: Literal["long", "short"] | None = None
    is_eager: bool = False
    ladder: tuple[float, ...] = ()
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low must not be above high")


class Strategy:
    Params = OwnParams

    def __init__(self, params: OwnParams) -> None:
        self.params = params

    def quotes(self, view: MarketView) -> Decision:
        return Decision()
