"""How many examples the property tests of the core try."""

from __future__ import annotations

from hypothesis import settings

PROPERTY = settings(max_examples=200)
FEW = settings(PROPERTY, max_examples=60)
