"""A strategy with a parameter that has no default."""

from __future__ import annotations

from mm.core.strategy import Decision, MarketView
from mm.core.strategy import Params as Base


class NeedyParams(Base, frozen=True, kw_only=True):
    target: str


class Strategy:
    Params = NeedyParams

    def __init__(self, params: NeedyParams) -> None:
        self.params = params

    def quotes(self, view: MarketView) -> Decision:
        return Decision()
