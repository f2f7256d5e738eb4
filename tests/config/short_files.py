"""Configurations of a few lines, each with room for one mistake, and what is said of several of them."""

from __future__ import annotations

from tests.config.helpers import GOOD

V = "version: 1\n"
MAPPING = "must be a mapping: its keys on the lines below, indented"


def limit(text: str) -> str:
    return GOOD + f"limits: {{{text}}}\n"


def breaker(text: str) -> str:
    return GOOD + f"circuit_breaker:\n    {text}\n"


def quoting(text: str) -> str:
    return GOOD + f"quoting: {{refill_fraction: {text}}}\n"


def desk(text: str) -> str:
    return V + f"desks: {{A: {{{text}}}}}\n"


def two_desks(first: str, its: str, second: str, others: str) -> str:
    desks = ((first, its), (second, others))
    return V + "desks:\n" + "".join(f"  {name}: {{strategy: own, markets: {{{m}}}}}\n" for name, m in desks)
