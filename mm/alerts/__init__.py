"""Ways to deliver an alert, one file each: ``send(alert, ts, repeats)`` and ``close()``."""
