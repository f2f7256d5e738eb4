"""The prices a market allows: bands of a constant step, as the exchange's ``price_ranges`` give them."""

from __future__ import annotations

import msgspec

from mm.core.units import CENT, DOLLAR, Price


class Band(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Prices ``start, start + step, ... end``; all in `Price`."""

    start: Price
    end: Price
    step: Price


class PriceGrid(msgspec.Struct, frozen=True):
    """Bands in ascending order without gaps (protocol section 3.1). 0 and 1 dollar are never prices."""

    bands: tuple[Band, ...]

    def is_on_grid(self, price: Price) -> bool:
        return 0 < price < DOLLAR and self.floor(price) == price

    def floor(self, price: Price) -> Price:
        """The highest allowed price <= ``price``; 0 if there is none (0 is not a price: no quote)."""
        if price >= DOLLAR:
            price = DOLLAR - 1
        for band in reversed(self.bands):
            if price >= band.start:
                highest = min(price, band.end)
                return max(highest - (highest - band.start) % band.step, 0)
        return 0

    def ceil(self, price: Price) -> Price:
        """The lowest allowed price >= ``price``; 1 dollar if there is none (not a price: no quote)."""
        if price <= 0:
            price = 1
        for band in self.bands:
            if price <= band.end:
                base = max(price, band.start)
                raised = base + (band.start - base) % band.step
                if raised <= band.end:
                    return min(raised, DOLLAR)
        return DOLLAR

    def below(self, price: Price) -> Price:
        """The next allowed price under ``price``; 0 if there is none."""
        return self.floor(price - 1)

    def above(self, price: Price) -> Price:
        """The next allowed price over ``price``; 1 dollar if there is none."""
        return self.ceil(price + 1)

    def finest_step(self) -> Price:
        return min(band.step for band in self.bands)


CENT_GRID = PriceGrid((Band(0, DOLLAR, CENT),))
TAPERED_DECI_CENT_GRID = PriceGrid((Band(0, 1_000, 10), Band(1_000, 9_000, 100), Band(9_000, DOLLAR, 10)))
