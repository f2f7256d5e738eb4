"""Outside values for strategies: one file for each kind of source, with ``async run(emit)``."""
