"""Everything that decides: one synchronous function of an ordered list of events. No clock, no I/O."""
