"""An unattended market maker for Kalshi."""

__version__ = "0.1.0"
