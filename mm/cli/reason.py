"""Why: a person's words on the command line, fit for every file and terminal."""

from __future__ import annotations

import rich_click as click


class Reason(click.ParamType[str]):
    """One line without control characters, cut where it is too long."""

    name = "reason"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from mm.app.reason import one_line

        return one_line(value)
