"""What a process says when its work is done: to whoever reads it, without waiting for one who does not."""

from __future__ import annotations

from typing import Final, TextIO

import rich_click as click

STALLED: Final = "nobody reads it"


def say(text: str, stream: TextIO) -> str:
    """One text and a newline, written within the patience of an `Outlet`; why it was not, or nothing. Colours
    are for terminals only."""
    from mm.observe.outlet import Outlet

    shown = text if stream.isatty() else click.unstyle(text)
    outlet = Outlet(stream, lambda _: None)
    outlet.put(f"{shown}\n".encode(stream.encoding, "backslashreplace"))
    lost = outlet.close()
    if outlet.fault is not None:
        return outlet.fault.strerror or str(outlet.fault)
    return STALLED if lost else ""
