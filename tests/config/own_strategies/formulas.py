"""Not a strategy: something that strategies share."""

HALF = 0.5
