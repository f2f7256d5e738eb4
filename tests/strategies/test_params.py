"""Parameters: named with their units, checked when read, and described in the document the operator reads."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from mm.core.strategy import Params
from strategies import avellaneda_stoikov, fixed_spread, glft, top_of_book

MODULES = {
    "fixed_spread": fixed_spread,
    "top_of_book": top_of_book,
    "avellaneda_stoikov": avellaneda_stoikov,
    "glft": glft,
}
PARAMS: dict[str, type[Params]] = {name: module.Strategy.Params for name, module in MODULES.items()}
UNITLESS = {"center"}
UNITS = (
    "_cents",
    "_contracts",
    "_seconds",
    "_steps",
    "_per_contract",
    "_per_cent",
    "_per_second",
    "_fraction",
)
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "strategies.md"


def fields(name: str) -> dict[str, msgspec.inspect.Field]:
    described = msgspec.inspect.type_info(PARAMS[name])
    assert isinstance(described, msgspec.inspect.StructType)
    return {field.name: field for field in described.fields}


@pytest.mark.parametrize("name", PARAMS)
def test_the_defaults_are_within_their_own_bounds(name: str) -> None:
    defaults = msgspec.to_builtins(PARAMS[name]())
    assert msgspec.convert(defaults, PARAMS[name]) == PARAMS[name]()


@pytest.mark.parametrize("name", PARAMS)
def test_every_field_says_what_it_is_and_in_which_unit(name: str) -> None:
    schema = msgspec.json.schema(PARAMS[name])["$defs"][PARAMS[name].__name__]["properties"]
    for field in fields(name):
        assert schema[field].get("description"), f"{name}.{field} is not described"
        assert field in UNITLESS or field.endswith(UNITS), f"{name}.{field} has no unit"


@pytest.mark.parametrize("name", PARAMS)
def test_an_unknown_name_is_refused_by_name(name: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="half_spred_cents"):
        msgspec.convert({"half_spred_cents": 1}, PARAMS[name])


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("fixed_spread", "half_spread_cents", 0),
        ("fixed_spread", "half_spread_cents", float("nan")),
        ("fixed_spread", "center", "median"),
        ("fixed_spread", "size_contracts", 0),
        ("fixed_spread", "size_contracts", 1.5),
        ("top_of_book", "improve_steps", -1),
        ("top_of_book", "cutoff_seconds", -1),
        ("avellaneda_stoikov", "risk_aversion_per_cent", 0),
        ("glft", "volatility_resume_fraction", 1.01),
        ("glft", "depth_decay_per_cent", float("inf")),
        ("glft", "fill_rate_per_second", "fast"),
        ("glft", "fill_rate_per_second", 1e-300),
        ("glft", "depth_decay_per_cent", 1e-12),
        ("avellaneda_stoikov", "volatility_half_life_seconds", 1e-300),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_name(name: str, field: str, value: object) -> None:
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert({field: value}, PARAMS[name])


@pytest.mark.parametrize("name", PARAMS)
def test_the_document_lists_every_parameter_with_its_default(name: str) -> None:
    """A strategy's own parameters under its heading, inherited ones anywhere, since they are listed once."""
    document = DOCUMENT.read_text(encoding="utf-8").splitlines()
    start = document.index(f"## {name}")
    end = next((i for i in range(start + 1, len(document)) if document[i].startswith("## ")), len(document))
    for field, described in fields(name).items():
        is_own = field in PARAMS[name].__annotations__
        where = document[start:end] if is_own else document
        row = f"| `{field}` | {described.default} |"
        assert any(line.startswith(row) for line in where), f"{name}: no row {row}"
