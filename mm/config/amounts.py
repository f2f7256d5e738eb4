"""Amounts as a person writes them (dollars, cents, seconds), exact, and in the integer units of the core.

Each is a `Decimal` that knows its unit and how fine it may be; no float is made on the way in.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from mm.config.scalars import kind_of
from mm.core.units import CENT, CONTRACT, MILLISECOND, MONEY_DOLLAR, SECOND, Count, Money, Nanos, Price

LARGEST_DIGITS = 15


class Amount(Decimal):
    """An exact number with a unit. ``places``: the most digits after the point that it may have."""

    unit: ClassVar[str] = "a number"
    places: ClassVar[int] = 6

    @classmethod
    def read(cls, value: object) -> Self:
        """From an int or a `Decimal`; anything else, a bool too, is refused."""
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            message = f"must be {cls.unit}, not {kind_of(value)}"
            raise PydanticCustomError("refused", "{message}", {"message": message})
        amount = cls(value)
        if not amount.is_finite() or amount.adjusted() >= LARGEST_DIGITS:
            raise PydanticCustomError("refused", "{message}", {"message": f"too large for {cls.unit}"})
        if len(f"{amount:f}".partition(".")[2].rstrip("0")) > cls.places:
            message = f"at most {cls.places} digits after the point"
            raise PydanticCustomError("refused", "{message}", {"message": message})
        return amount

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.read)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "number"}

    def times(self, factor: int) -> int:
        """In units ``factor`` times smaller; exact, because ``places`` bounds the fraction."""
        return int(self * factor)


class Dollars(Amount):
    unit = "dollars, such as 100 or 0.25"
    places = 6

    @property
    def money(self) -> Money:
        return self.times(MONEY_DOLLAR)


class Cents(Amount):
    unit = "cents, such as 5 or 0.5"
    places = 2

    @property
    def price(self) -> Price:
        return self.times(CENT)


class Contracts(Amount):
    unit = "a number of contracts, such as 10"
    places = 2

    @property
    def units(self) -> Count:
        """In `Count` units."""
        return self.times(CONTRACT)


class Seconds(Amount):
    unit = "seconds, such as 15 or 0.5"
    places = 9

    @property
    def nanos(self) -> Nanos:
        return self.times(SECOND)


class Milliseconds(Amount):
    unit = "milliseconds, such as 250"
    places = 6

    @property
    def nanos(self) -> Nanos:
        return self.times(MILLISECOND)


class Minutes(Amount):
    unit = "minutes, such as 30"
    places = 6

    @property
    def nanos(self) -> Nanos:
        return self.times(60 * SECOND)


class Fraction(Amount):
    """0 to 1, as everywhere in a configuration; files and screens show 0 to 100."""

    unit = "a fraction, such as 0.8 for 80 %"
    places = 6


class Factor(Amount):
    unit = "a factor, such as 1 or 2.5"
    places = 6
