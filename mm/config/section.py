"""What all models of the configuration share: frozen, strict, closed, and refusals in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Self, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from mm.config.amounts import Fraction
from mm.config.errors import KeyPath

Conflict: TypeAlias = tuple[KeyPath, str]
"""The path from the section to a key (empty for all of it) and what is wrong with it."""


class Section(BaseModel):
    """A mapping of the file. Unknown keys are refused; the text below a field is its description."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

    def conflicts(self) -> Iterator[Conflict]:
        """What is wrong although each value by itself is right."""
        yield from ()

    @model_validator(mode="after")
    def _free_of_conflicts(self) -> Self:
        if found := list(self.conflicts()):
            raise PydanticCustomError("conflicts", "conflicts", {"conflicts": found})
        return self


def refused(message: str) -> PydanticCustomError:
    """An error whose text is already what the operator should read."""
    return PydanticCustomError("refused", "{message}", {"message": message})


@dataclass(frozen=True)
class Range:
    """Bounds of a number; ``above`` and ``below`` exclude the bound. ``hint`` is added to a refusal."""

    least: int | float | None = None
    most: int | float | None = None
    above: int | float | None = None
    below: int | float | None = None
    hint: str = ""

    def check(self, value: Any) -> Any:
        if not self._holds(value):
            raise refused(
                "; ".join(part for part in (f"must be {self.words()}", self._advice(value)) if part)
            )
        return value

    def words(self) -> str:
        """``at least 0 and below 1``."""
        parts = (
            ("at least", self.least),
            ("above", self.above),
            ("at most", self.most),
            ("below", self.below),
        )
        return " and ".join(f"{word} {bound}" for word, bound in parts if bound is not None)

    def _holds(self, value: Any) -> bool:
        return (
            (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def _advice(self, value: Any) -> str:
        if isinstance(value, Fraction) and 1 < value <= 100:
            return f"a fraction: {(Decimal(value) / 100).normalize():f} for {Decimal(value):f} %"
        return self.hint

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        names = {
            "minimum": self.least,
            "maximum": self.most,
            "exclusiveMinimum": self.above,
            "exclusiveMaximum": self.below,
        }
        return {**handler(schema), **{name: bound for name, bound in names.items() if bound is not None}}


@dataclass(frozen=True)
class Shape:
    """Text of one shape; ``words`` describe it to a person."""

    pattern: str
    words: str

    def holds(self, value: str) -> bool:
        return re.fullmatch(self.pattern, value) is not None

    def check(self, value: str) -> str:
        if not self.holds(value):
            raise refused(f"must be {self.words}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$"}


FilePath: TypeAlias = Annotated[str, Shape(r".{1,1024}", "a path of 1 to 1024 characters")]
Ticker: TypeAlias = Annotated[
    str, Shape(r"[A-Z0-9][A-Z0-9._-]{0,127}", "a ticker: capital letters, digits, '.', '_' and '-'")
]
Tickers: TypeAlias = Annotated[tuple[Ticker, ...], Strict(False)]


def in_order(section: BaseModel, smaller: str, larger: str) -> Iterator[Conflict]:
    """A conflict if both are set and the one that must not be larger is."""
    low, high = getattr(section, smaller), getattr(section, larger)
    if low is not None and high is not None and low > high:
        yield (smaller,), f"must not be larger than {larger}"
