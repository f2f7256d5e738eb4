"""config.yaml and the environment -> one typed, frozen `Config`, or every error at once, each with its place.

Import from the modules (`mm.config.load`, `mm.config.model`, `mm.config.errors`): this file stays empty so
that a command which only needs the error type does not pay for the models.
"""
